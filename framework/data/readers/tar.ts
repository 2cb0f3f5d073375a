// The index of a tar archive: where each file lies, so that any of them is read without the others and nothing is unpacked to disk.
// ustar (POSIX.1-2017, pax), with GNU's long names and sizes. Blocks of 512 bytes:
//
//   header  name[100] mode uid gid size[12] mtime checksum[8] type link[100] 'ustar' .. prefix[155]   then the data, filled up to whole blocks;
//   two blocks of zeros end the archive.
//
// Links, devices and names that climb out of the folder are refused: a data set has no use for them.

import { excerpt, FormatError } from '../../formats/array.ts';
import { textIn } from '../../formats/bytes.ts';

const BLOCK = 512;
/** Most bytes of a long name or of a pax header. */
const MOST_EXTRA = 2 ** 20;

export interface TarEntry {
  readonly name: string;
  /** Where its data begin. */
  readonly offset: number;
  readonly size: number;
}

/** `length` bytes of the archive from `offset` on, fewer at its end. */
export type ReadAt = (offset: number, length: number) => Uint8Array;

const cut = (bytes: Uint8Array): Uint8Array => {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
};

/** A number in octal digits, or, where the first bit is set, in base 256 (GNU). */
function number(who: string, field: Uint8Array): number {
  if (field[0] === 0x80) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
    if (Number.isSafeInteger(value)) return value;
  }
  const text = String.fromCharCode(...cut(field)).trim();
  if (!/^[0-7]+$/.test(text))
    throw new FormatError(`tar: ${who} is '${excerpt(text)}', expected an octal number; the file is damaged, or no tar archive`);
  return Number.parseInt(text, 8);
}

/** Sum of all bytes of a header, those of the sum itself as blanks. */
function checksum(header: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : header[i];
  return sum;
}

/** A name that stays inside the folder it is unpacked to, without `./`. Throws a FormatError for any other. */
export function insideName(name: string): string {
  const parts = name.split('/').filter((part) => part !== '.' && part !== '');
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name) || name.includes('\\') || name.includes('\0') || parts.includes('..'))
    throw new FormatError(`tar: '${excerpt(name)}' climbs out of its folder; the archive is not to be trusted`);
  return parts.join('/');
}

/** `length key=value\n` records of a pax header, those that name and size a file. */
function paxRecords(bytes: Uint8Array): { path?: string; size?: number } {
  const found: { path?: string; size?: number } = {};
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(32, at);
    const length = space < 0 ? Number.NaN : Number(String.fromCharCode(...bytes.subarray(at, Math.min(space, at + 10))));
    if (!Number.isSafeInteger(length) || length < space - at + 4 || at + length > bytes.length || bytes[at + length - 1] !== 10)
      throw new FormatError('tar: a pax header does not add up; the file is damaged');
    const record = textIn('tar: a pax header', bytes.subarray(space + 1, at + length - 1));
    const [key, value] = [record.slice(0, record.indexOf('=')), record.slice(record.indexOf('=') + 1)];
    if (key === 'path') found.path = value;
    if (key === 'size' && /^\d{1,15}$/.test(value)) found.size = Number(value);
    if (key.startsWith('GNU.sparse')) throw new FormatError('tar: a sparse file, expected whole ones; pack without --sparse');
    at += length;
  }
  return found;
}

const REFUSED: Readonly<Record<string, string>> = {
  1: 'a hard link',
  2: 'a symbolic link',
  3: 'a device',
  4: 'a device',
  6: 'a pipe',
  S: 'a sparse file',
};

/** The files of an archive of `size` bytes, in its order. Throws a FormatError. */
export function indexTar(read: ReadAt, size: number): TarEntry[] {
  const entries = new Map<string, TarEntry>();
  let extra: { path?: string; size?: number } = {};
  for (let at = 0; ; ) {
    const header = read(at, BLOCK);
    if (header.length < BLOCK)
      throw new FormatError(
        `tar: the archive ends at byte ${size} without its two blocks of zeros; the file is cut off, or no tar archive`,
      );
    if (header[0] === 0 && header.every((byte) => byte === 0)) return [...entries.values()];
    const sum = number(`the checksum at byte ${at}`, header.subarray(148, 156));
    if (sum !== checksum(header))
      throw new FormatError(
        `tar: the header at byte ${at} has checksum ${checksum(header)}, expected ${sum}; the file is damaged, or no tar archive`,
      );
    const type = String.fromCharCode(header[156] || 48);
    const length = extra.size ?? number(`the size at byte ${at}`, header.subarray(124, 136));
    const data = at + BLOCK;
    if (data + length > size)
      throw new FormatError(`tar: the entry at byte ${at} ends at byte ${data + length} of ${size}; the file is cut off`);
    at = data + Math.ceil(length / BLOCK) * BLOCK;
    if (type === 'L' || type === 'x' || type === 'g') {
      if (length > MOST_EXTRA) throw new FormatError(`tar: a name or pax header of ${length} bytes, expected at most ${MOST_EXTRA}`);
      const bytes = read(data, length);
      // A global header says nothing of a single file.
      if (type === 'L') extra = { ...extra, path: textIn('tar: a long name', cut(bytes)) };
      else if (type === 'x') extra = { ...extra, ...paxRecords(bytes) };
      continue;
    }
    const name = insideName(extra.path ?? nameIn(header));
    extra = {};
    if (type in REFUSED) throw new FormatError(`tar: '${excerpt(name)}' is ${REFUSED[type]}; expected files and folders only`);
    if (type === '5') continue;
    if (type !== '0' && type !== '7')
      throw new FormatError(`tar: '${excerpt(name)}' is of type '${excerpt(type)}', expected a file or a folder`);
    if (entries.has(name)) throw new FormatError(`tar: '${excerpt(name)}' is there twice, expected once`);
    entries.set(name, { name, offset: data, size: length });
  }
}

function nameIn(header: Uint8Array): string {
  const name = textIn('tar: a name', cut(header.subarray(0, 100)));
  // Only POSIX archives have a prefix: GNU's magic is 'ustar  '.
  const posix = String.fromCharCode(...header.subarray(257, 263)) === 'ustar\0';
  const prefix = posix ? textIn('tar: a name', cut(header.subarray(345, 500))) : '';
  return prefix ? `${prefix}/${name}` : name;
}
