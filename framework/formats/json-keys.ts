// The keys of JSON text as they are written: JSON.parse keeps the last of equal keys without a word.

/** The first key that one object of `text` has twice, if any. `text` must be what JSON.parse accepts. */
export function repeatedKey(text: string): string | undefined {
  const open: Set<string>[] = [];
  let last = '';
  for (let at = 0; at < text.length; at++) {
    const symbol = text[at];
    if (symbol === '"') {
      const begin = at;
      for (at++; text[at] !== '"'; at++) if (text[at] === '\\') at++;
      last = text.slice(begin, at + 1);
    } else if (symbol === '{') open.push(new Set());
    else if (symbol === '}') open.pop();
    else if (symbol === ':') {
      const key: string = JSON.parse(last);
      const keys = open[open.length - 1];
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}
