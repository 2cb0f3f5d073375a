// What README.md promises: its commands, its links and its programs, taken out of the text so that a test can try them.

const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm;

/** Commands that begin with `npx bench` or `npm`, from blocks of shell and from inline code, each once, without comments and prompts. */
export function commandsOf(text: string): string[] {
  const blocks = [...text.matchAll(FENCE)]
    .filter(([, language]) => ['', 'sh', 'bash', 'console'].includes(language))
    .map(([, , body]) => body);
  const inline = [...text.replaceAll(FENCE, '').matchAll(/`([^`\n]+)`/g)].map(([, code]) => code);
  const commands = [...blocks.flatMap((body) => body.split('\n')), ...inline].flatMap((line) =>
    line
      .replace(/^\$ /, '')
      .replace(/\s+#.*$/, '')
      .split('&&')
      .map((command) => command.trim()),
  );
  return [...new Set(commands.filter((command) => /^(npx bench|npm)( |$)/.test(command)))];
}

/** The blocks of TypeScript. */
export const programsOf = (text: string): string[] =>
  [...text.matchAll(FENCE)].filter(([, language]) => language === 'ts').map(([, , body]) => body);

/** Paths of the repository that the text links to. */
export const linksOf = (text: string): string[] =>
  [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)].map(([, path]) => path);

/** What a program says it prints: the comment behind each console.log. */
export const promisedOutput = (program: string): string[] =>
  [...program.matchAll(/console\.log\(.*\);? *\/\/ (.+)$/gm)].map(([, output]) => output);
