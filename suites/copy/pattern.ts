// Bytes that tell whether all of them have arrived, each in its place.

const SPREAD = 0x9e3779b1;

/** Words that depend on their place and on `seed`; a length that is no multiple of 4 ends within a word. */
export function pattern(bytes: number, seed: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(bytes / 4));
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i + seed, SPREAD);
  return new Uint8Array(words.buffer, 0, bytes);
}

/** Where two blocks of bytes differ first, in words; undefined where they do not. */
export function firstDifference(found: Uint8Array, expected: Uint8Array): string | undefined {
  if (found.length !== expected.length) return `${found.length} bytes arrived, expected ${expected.length}`;
  for (let i = 0; i < found.length; i++)
    if (found[i] !== expected[i]) return `byte ${i} of ${found.length} arrived as ${found[i]}, expected ${expected[i]}`;
  return undefined;
}

/** A sum over all bytes that depends on their order, for a side that shall not send them back. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) sum = Math.imul(sum ^ bytes[i], 0x01000193);
  return sum >>> 0;
}
