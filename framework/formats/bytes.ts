// The bytes of a file, cut out and put together.

import { FormatError } from './array.ts';

/** A copy of bytes [from, to) in memory of its own, so that typed arrays over it are aligned. */
export const copied = (bytes: Uint8Array, from: number, to: number): Uint8Array<ArrayBuffer> =>
  // Not `slice`: a Node Buffer's is a view.
  new Uint8Array(bytes.subarray(from, to));

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** One run of bytes after the other. */
export function joined(parts: readonly ArrayBufferView[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const { buffer, byteOffset, byteLength } of parts) {
    all.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return all;
}

/** Text from UTF-8. Throws a FormatError that begins with `who` where the bytes are none. */
export function textIn(who: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FormatError(`${who} is not UTF-8 text; the file is damaged`);
  }
}
