// Whether markup is well-formed, for tests: what a browser forgives, an XML parser does not.

const TOKEN = /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<(\/?)([a-zA-Z_][\w.-]*)((?:\s+[\w:.-]+="[^"<]*")*)\s*(\/?)>|([^<]+)|(<)/g;
const REFERENCE = /&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[0-9a-fA-F]+);)/;

/** Throws where tags are not closed in order, an attribute is not quoted or repeated, or a `<` or `&` stands for itself. */
export function assertWellFormed(markup: string): void {
  const stranger = [...markup].find((one) => one === '\ufffe' || (one < ' ' && !'\t\n\r'.includes(one)) || !one.isWellFormed());
  if (stranger !== undefined) throw new Error(`U+${stranger.codePointAt(0)!.toString(16).padStart(4, '0')} is no character of XML`);
  const open: string[] = [];
  for (const [whole, closing, name, attributes, empty, text, stray] of markup.matchAll(TOKEN)) {
    if (stray) throw new Error(`a < that begins no tag, after ${JSON.stringify(open.join(' '))}`);
    if (REFERENCE.test(whole)) throw new Error(`an & that begins no reference: ${whole.slice(0, 200)}`);
    if (text !== undefined && open.length === 0 && text.trim() !== '') throw new Error(`text outside of the root: ${text.slice(0, 80)}`);
    if (!name) continue;
    if (closing) {
      const opened = open.pop();
      if (opened !== name) throw new Error(`</${name}> closes ${opened === undefined ? 'nothing' : `<${opened}>`}`);
      continue;
    }
    const names = [...attributes.matchAll(/([\w:.-]+)="/g)].map(([, attribute]) => attribute);
    if (new Set(names).size < names.length) throw new Error(`<${name}> has an attribute twice: ${names.join(' ')}`);
    if (!empty) open.push(name);
  }
  if (open.length > 0) throw new Error(`not closed: ${open.join(' ')}`);
}
