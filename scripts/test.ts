// Runs the tests: every *.test.ts in a Node process of its own, the quick groups first. `npm test -- kernels device` runs what these words match.

import { spawn } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { ROOT, sources } from './sources.ts';

/** Seconds after which a test file counts as hung. */
const LIMIT = 180;

/** Groups in the order they run; a file belongs to the first that matches. Only pure tests may run side by side. */
export const GROUPS = [
  { name: 'e2e', files: /^(harness\/cli|scripts\/(pack|readme))/, atOnce: 1 },
  { name: 'device', files: /^(kernels\/(cpu|webgpu)\/|kernels\/conformance|harness\/(peers\/|kernel-|roof))/, atOnce: 1 },
  { name: 'pure', files: /./, atOnce: 2 },
] as const;

export const groupOf = (file: string): string => GROUPS.find(({ files }) => files.test(file))!.name;

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** What uvu counted. A file that broke off, or counted nothing, has failed once. */
export function tally(output: string, ok: boolean): Tally {
  const count = (name: string) => Number(new RegExp(`^ *${name}: +(\\d+)`, 'm').exec(stripVTControlCharacters(output))?.[1] ?? 0);
  const [total, passed, skipped] = [count('Total'), count('Passed'), count('Skipped')];
  const failed = total - passed;
  return { passed, skipped, failed: failed === 0 && (!ok || total + skipped === 0) ? 1 : failed };
}

interface Outcome extends Tally {
  readonly file: string;
  readonly output: string;
  readonly seconds: number;
}

function run(file: string): Promise<Outcome> {
  const began = performance.now();
  const child = spawn(process.execPath, [file], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT * 1000,
    killSignal: 'SIGKILL',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  return new Promise((resolve) =>
    child.on('close', (code, signal) => {
      const seconds = (performance.now() - began) / 1000;
      if (signal) output += `\nkilled by ${signal} after ${seconds.toFixed(0)} s (limit ${LIMIT} s)\n`;
      resolve({ file, output, seconds, ...tally(output, code === 0) });
    }),
  );
}

function report({ file, output, seconds, passed, failed, skipped }: Outcome): void {
  const counts = [`${passed} passed`, failed && `${failed} failed`, skipped && `${skipped} skipped`].filter(Boolean).join(', ');
  console.log(`${failed ? 'FAIL' : 'ok  '} ${file}  ${counts}  ${seconds.toFixed(1)} s`);
  if (failed) console.log(output);
}

async function runGroup(files: readonly string[], atOnce: number): Promise<Outcome[]> {
  const queue = [...files];
  const outcomes: Outcome[] = [];
  const lane = async () => {
    for (let file = queue.shift(); file; file = queue.shift()) {
      const outcome = await run(file);
      report(outcome);
      outcomes.push(outcome);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return outcomes;
}

/** Files that one of `words` matches, as a group's name or as a part of the path; all files without words. */
export const selected = (files: readonly string[], words: readonly string[]): string[] =>
  files.filter((file) => words.length === 0 || words.some((word) => groupOf(file) === word || file.includes(word)));

async function main(words: readonly string[]): Promise<void> {
  const files = selected(sources('**/*.test.ts'), words);
  if (files.length === 0) {
    console.error(`no test matches ${words.join(' ')}; give a group (${GROUPS.map(({ name }) => name).join(', ')}) or a part of a path`);
    process.exitCode = 2;
    return;
  }
  const outcomes: Outcome[] = [];
  for (const { name, atOnce } of GROUPS.toReversed())
    outcomes.push(
      ...(await runGroup(
        files.filter((file) => groupOf(file) === name),
        atOnce,
      )),
    );
  const sum = (count: keyof Tally) => outcomes.reduce((total, outcome) => total + outcome[count], 0);
  if (sum('skipped')) console.log(`${sum('skipped')} skipped`);
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
  process.exitCode = sum('failed') ? 1 : 0;
}

if (import.meta.main) await main(process.argv.slice(2));
