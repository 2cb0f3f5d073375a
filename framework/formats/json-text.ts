// JSON as it is written, for what JSON.parse lets pass: of equal keys it keeps the last, and it takes any depth, which overflows the stack later.

import { excerpt } from './array.ts';

/** Deepest nesting of lists and objects that is accepted where a format does not say. */
const MAX_DEPTH = 16;

/** What is wrong with `text`, which must be what JSON.parse accepts: a key that one object has twice, or nesting that is deeper than `depth`. */
export function flawIn(text: string, depth = MAX_DEPTH): string | undefined {
  const open: Set<string>[] = [];
  let last = '';
  for (let at = 0; at < text.length; at++) {
    const symbol = text[at];
    if (symbol === '"') {
      const begin = at;
      for (at++; text[at] !== '"'; at++) if (text[at] === '\\') at++;
      last = text.slice(begin, at + 1);
    } else if (symbol === '{' || symbol === '[') {
      if (open.push(new Set()) > depth) return `is nested deeper than ${depth} at character ${at}`;
    } else if (symbol === '}' || symbol === ']') open.pop();
    else if (symbol === ':') {
      const key: string = JSON.parse(last);
      const keys = open[open.length - 1];
      if (keys.has(key)) return `has the key ${excerpt(JSON.stringify(key))} twice, expected once`;
      keys.add(key);
    }
  }
  return undefined;
}
