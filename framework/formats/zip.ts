// Writing a ZIP archive, see zip-layout.ts: every entry stored as it is, with a fixed date, so that the same entries give the same bytes.

import { joined } from './bytes.ts';
import { crc32 } from './crc32.ts';
import { CENTRAL, ELSEWHERE, END, LOCAL, STORED, UTF8_NAMES } from './zip-layout.ts';

/** Version 2.0 of the format is needed to unpack. */
const VERSION = 20;
/** 1 January 1980, the first day that ZIP knows. */
const DATE = (1 << 5) | 1;

/** A header from its fields of 16 (`h`) and 32 bits (`w`), as `layout` spells them. */
function record(layout: string, ...fields: readonly number[]): Uint8Array<ArrayBuffer> {
  const widths = [...layout].map((letter) => (letter === 'h' ? 2 : 4));
  const bytes = new Uint8Array(widths.reduce((sum, width) => sum + width, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  widths.forEach((width, i) => {
    if (width === 2) view.setUint16(at, fields[i], true);
    else view.setUint32(at, fields[i], true);
    at += width;
  });
  return bytes;
}

/** Throws a RangeError where a number does not fit its field without ZIP64. */
function checkFits(what: string, value: number, limit: number): void {
  if (value >= limit) throw new RangeError(`zip: ${what} is ${value}, expected less than ${limit}; write several archives`);
}

/** An archive of entries in their order. Throws a RangeError where a name repeats, or the archive would reach 4 GiB or 65535 entries. */
export function writeZip(entries: Iterable<readonly [string, Uint8Array]>): Uint8Array<ArrayBuffer> {
  const names = new Set<string>();
  const [files, directory]: Uint8Array[][] = [[], []];
  let [at, directorySize] = [0, 0];
  for (const [name, content] of entries) {
    if (names.has(name) || !name.isWellFormed())
      throw new RangeError(`zip: entry '${name}': the name is ${names.has(name) ? 'taken' : 'no Unicode text'}`);
    names.add(name);
    const encoded = new TextEncoder().encode(name);
    checkFits('the length of a name', encoded.length, ELSEWHERE.u16);
    checkFits('the size', at + LOCAL.size + encoded.length + content.length, ELSEWHERE.u32);
    const size = content.length;
    const common = [VERSION, UTF8_NAMES, STORED, 0, DATE, crc32(content), size, size, encoded.length, 0];
    files.push(record('whhhhhwwwhh', LOCAL.signature, ...common), encoded, content);
    directory.push(record('whhhhhhwwwhhhhhww', CENTRAL.signature, VERSION, ...common, 0, 0, 0, 0, at), encoded);
    at += LOCAL.size + encoded.length + size;
    directorySize += CENTRAL.size + encoded.length;
  }
  checkFits('the number of entries', names.size, ELSEWHERE.u16);
  checkFits('the size', at + directorySize, ELSEWHERE.u32);
  return joined([...files, ...directory, record('whhhhwwh', END.signature, 0, 0, names.size, names.size, directorySize, at, 0)]);
}
