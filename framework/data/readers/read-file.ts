// Whole files into memory, plain or gzipped, the latter only as far as a limit: 1 MB of gzip may hold a GB.

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { FormatError } from '../../formats/array.ts';
import { onFile, printable } from '../file-error.ts';

/** Most bytes that one file may unpack to. */
const LIMIT = 2 ** 31 - 1;

export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** The bytes of a file. Throws a DataError that names it. */
export const fileBytes = (path: string): Buffer => onFile(path, () => readFileSync(path));

/** Gzipped bytes unpacked, others as they are. Throws a FormatError that names the file. */
export function unpacked(name: string, bytes: Uint8Array, limit = LIMIT): Uint8Array {
  if (!isGzip(bytes)) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: limit });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ERR_BUFFER_TOO_LARGE' ? `it unpacks to more than ${limit} bytes` : `gzip: ${message}; the file is damaged`;
    throw new FormatError(`${printable(name)}: ${why}`);
  }
}

/** A copy in memory that workers can share. */
export function shared(bytes: Uint8Array): Uint8Array<SharedArrayBuffer> {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}
