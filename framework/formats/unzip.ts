// Reading a ZIP archive, see zip-layout.ts. Everything that it states is checked before it is believed: places, sizes, overlaps, checksums.

import { excerpt, FormatError } from './array.ts';
import { textIn, viewOf } from './bytes.ts';
import { crc32 } from './crc32.ts';
import { CENTRAL, DEFLATED, ELSEWHERE, ENCRYPTED, END, LOCAL, STORED } from './zip-layout.ts';

const MAX_COMMENT = 0xffff;
/** No deflated stream holds more than this many times its size: 258 bytes from two bits. */
const MAX_RATIO = 1032;

/** An entry of the central directory, and where its data lies. */
interface Entry {
  readonly name: string;
  readonly who: string;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly unpacked: number;
  /** Where its local header begins, where its data begin. */
  readonly at: number;
  readonly data: number;
}

/** Where the end record begins. */
function endRecord(bytes: Uint8Array, view: DataView): number {
  for (let at = bytes.length - END.size; at >= Math.max(0, bytes.length - END.size - MAX_COMMENT); at--)
    if (view.getUint32(at, true) === END.signature && at + END.size + view.getUint16(at + 20, true) === bytes.length) return at;
  throw new FormatError(`zip: no end record in the last of ${bytes.length} bytes; the file is cut off, or no ZIP archive`);
}

/** Number of entries, and where the central directory begins and ends. */
function directory(bytes: Uint8Array, view: DataView): { count: number; begin: number; end: number } {
  const end = endRecord(bytes, view);
  const [disk, startDisk, here, count] = [4, 6, 8, 10].map((field) => view.getUint16(end + field, true));
  const [size, begin] = [12, 16].map((field) => view.getUint32(end + field, true));
  if (count === ELSEWHERE.u16 || size === ELSEWHERE.u32 || begin === ELSEWHERE.u32)
    throw new FormatError('zip: a ZIP64 archive of 4 GiB or more, or of 65535 entries; split it into smaller ones');
  if (disk !== 0 || startDisk !== 0 || here !== count) throw new FormatError('zip: a part of several disks, expected one file');
  if (begin + size !== end)
    throw new FormatError(
      `zip: the directory ends at byte ${begin + size}, expected ${end}; the file is damaged or bytes were put before it`,
    );
  return { count, begin, end };
}

/** The central header at `at`, checked against its local header; the data end before `limit`. */
function entryAt(bytes: Uint8Array, view: DataView, at: number, limit: number): Entry {
  const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
  const [crc, packed, unpacked] = [16, 20, 24].map((field) => view.getUint32(at + field, true));
  const local = view.getUint32(at + 42, true);
  const encoded = bytes.subarray(at + CENTRAL.size, at + CENTRAL.size + view.getUint16(at + 28, true));
  const name = textIn('zip: the name of an entry', encoded);
  const who = `zip: entry '${excerpt(name)}'`;
  if (flags & ENCRYPTED) throw new FormatError(`${who} is encrypted; save it without a password`);
  if (method !== STORED && method !== DEFLATED)
    throw new FormatError(`${who}: compression method ${method}, expected ${STORED} (stored) or ${DEFLATED} (deflated)`);
  if ([packed, unpacked, local].includes(ELSEWHERE.u32)) throw new FormatError(`${who} has 4 GiB or more; split it`);
  const agrees =
    local + LOCAL.size + encoded.length <= limit &&
    view.getUint32(local, true) === LOCAL.signature &&
    view.getUint16(local + 8, true) === method &&
    view.getUint16(local + 26, true) === encoded.length &&
    encoded.every((byte, i) => bytes[local + LOCAL.size + i] === byte);
  if (!agrees) throw new FormatError(`${who}: the local header at byte ${local} says otherwise than the directory; the file is damaged`);
  const data = local + LOCAL.size + encoded.length + view.getUint16(local + 28, true);
  if (data + packed > limit) throw new FormatError(`${who}: its data end at byte ${data + packed}, expected ${limit} or before`);
  const possible = method === STORED ? unpacked === packed : unpacked <= packed * MAX_RATIO;
  if (!possible) throw new FormatError(`${who}: ${packed} bytes cannot unpack to ${unpacked}; the file is damaged`);
  return { name, who, method, crc, packed, unpacked, at: local, data };
}

/** All entries in the order of the directory; none shares a name or a byte with another. */
function entriesIn(bytes: Uint8Array): Entry[] {
  const view = viewOf(bytes);
  const { count, begin, end } = directory(bytes, view);
  const entries = new Map<string, Entry>();
  let at = begin;
  for (let i = 0; i < count; i++) {
    const sound = at + CENTRAL.size <= end && view.getUint32(at, true) === CENTRAL.signature;
    const size = sound ? CENTRAL.size + [28, 30, 32].reduce((sum, field) => sum + view.getUint16(at + field, true), 0) : 0;
    if (!sound || at + size > end) throw new FormatError(`zip: no header of entry ${i} of ${count} at byte ${at}; the file is damaged`);
    const entry = entryAt(bytes, view, at, begin);
    if (entries.has(entry.name)) throw new FormatError(`${entry.who} is there twice, expected once`);
    entries.set(entry.name, entry);
    at += size;
  }
  if (at !== end) throw new FormatError(`zip: ${end - at} bytes follow the directory's ${count} entries; the file is damaged`);
  const byPlace = [...entries.values()].sort((a, b) => a.at - b.at);
  byPlace.forEach(({ who, at }, i) => {
    const before = byPlace[i - 1];
    if (before && before.data + before.packed > at) throw new FormatError(`${who} overlaps ${before.who}; the file is damaged`);
  });
  return [...entries.values()];
}

/** The bytes of a deflated entry, never more than the directory says. */
async function inflated({ who, unpacked }: Entry, packed: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(unpacked);
  let filled = 0;
  const stream = new Blob([packed as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  try {
    for await (const chunk of stream) {
      if (filled + chunk.length > unpacked) throw new FormatError(`${who} unpacks to more than the ${unpacked} bytes it states`);
      bytes.set(chunk, filled);
      filled += chunk.length;
    }
  } catch (error) {
    throw error instanceof FormatError
      ? error
      : new FormatError(`${who} does not unpack: ${(error as Error).message}; the file is damaged`);
  }
  if (filled < unpacked) throw new FormatError(`${who} unpacks to ${filled} bytes, expected ${unpacked}; the file is damaged`);
  return bytes;
}

/** The entries of an archive by name, unpacked and checked. Rejects with a FormatError, before unpacking where together they exceed `limit` bytes. */
export async function readZip(bytes: Uint8Array, limit: number): Promise<Map<string, Uint8Array>> {
  const entries = entriesIn(bytes);
  const total = entries.reduce((sum, { unpacked }) => sum + unpacked, 0);
  if (total > limit)
    throw new FormatError(`zip: the entries unpack to ${total} bytes, more than the limit of ${limit}; raise it if you trust the file`);
  const contents = new Map<string, Uint8Array>();
  for (const entry of entries) {
    const packed = bytes.subarray(entry.data, entry.data + entry.packed);
    const content = entry.method === STORED ? packed : await inflated(entry, packed);
    const crc = crc32(content);
    if (crc !== entry.crc)
      throw new FormatError(`${entry.who}: the checksum is ${crc.toString(16)}, expected ${entry.crc.toString(16)}; the file is damaged`);
    contents.set(entry.name, content);
  }
  return contents;
}
