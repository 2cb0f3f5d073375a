// PNG of 8 bits a channel, stored without compression: small images in logs. Any environment can write it, and every viewer reads it.
//
//   signature | IHDR | IDAT: zlib around stored blocks of at most 65535 bytes, each row behind a filter byte 0 | IEND        big-endian
// Formats: RFC 2083 (PNG), RFC 1950 (zlib), RFC 1951 (deflate)

import { crc32 } from '../formats/crc32.ts';
import type { Image } from './log.ts';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const COLOUR_TYPES = { 1: 0, 3: 2, 4: 6 } as const;
const STORED = 65535;

const joined = (chunks: readonly ArrayLike<number>[]): Uint8Array => Uint8Array.from(chunks.flatMap((chunk) => Array.from(chunk)));
const word = (value: number): number[] => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];

function chunk(name: string, data: Uint8Array): Uint8Array {
  const named = joined([new TextEncoder().encode(name), data]);
  return joined([word(data.length), named, word(crc32(named))]);
}

/** The checksum of zlib. */
function adler32(bytes: Uint8Array): number {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return ((b << 16) | a) >>> 0;
}

function zlibStored(bytes: Uint8Array): Uint8Array {
  const blocks: ArrayLike<number>[] = [[0x78, 0x01]];
  for (let at = 0; at < bytes.length; at += STORED) {
    const block = bytes.subarray(at, at + STORED);
    const { length } = block;
    blocks.push([Number(at + STORED >= bytes.length), length & 255, length >>> 8, ~length & 255, (~length >>> 8) & 255], block);
  }
  return joined([...blocks, word(adler32(bytes))]);
}

export function pngOf({ height, width, channels, pixels }: Image): Uint8Array {
  const rowBytes = width * channels;
  const rows = new Uint8Array(height * (rowBytes + 1));
  for (let row = 0; row < height; row++) rows.set(pixels.subarray(row * rowBytes, (row + 1) * rowBytes), row * (rowBytes + 1) + 1);
  const header = Uint8Array.from([...word(width), ...word(height), 8, COLOUR_TYPES[channels], 0, 0, 0]);
  return joined([SIGNATURE, chunk('IHDR', header), chunk('IDAT', zlibStored(rows)), chunk('IEND', new Uint8Array())]);
}
