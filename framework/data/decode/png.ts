// PNG (ISO/IEC 15948): every colour type, bit depth and interlacing, to 8-bit RGB. Inflating is Node's zlib, the rest is here.
//
//   signature  { length:u32  type  data  crc:u32 }*      the data of all IDAT chunks together are one zlib stream of filtered rows
//
// Alpha and transparency are left out, of 16 bits the upper 8 are taken, as Pillow's convert('RGB') does. Every chunk's checksum is checked.

import { crc32, inflateSync } from 'node:zlib';
import { FormatError } from '../../formats/array.ts';
import { viewOf } from '../../formats/bytes.ts';
import { checkSize, type Image } from './image.ts';
import { unfilter } from './png-filter.ts';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
export const isPng = (bytes: Uint8Array): boolean => SIGNATURE.every((byte, i) => bytes[i] === byte);

const [GREY, RGB, PALETTE, GREY_ALPHA, RGBA] = [0, 2, 3, 4, 6];
/** Samples a pixel and the bit depths allowed, by colour type. */
const TYPES: Readonly<Record<number, { readonly samples: number; readonly depths: readonly number[] }>> = {
  [GREY]: { samples: 1, depths: [1, 2, 4, 8, 16] },
  [RGB]: { samples: 3, depths: [8, 16] },
  [PALETTE]: { samples: 1, depths: [1, 2, 4, 8] },
  [GREY_ALPHA]: { samples: 2, depths: [8, 16] },
  [RGBA]: { samples: 4, depths: [8, 16] },
};

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly type: number;
  readonly samples: number;
  readonly interlaced: boolean;
}

/** Where the pixels of a pass lie: x = left + i * dx, y = top + j * dy. */
interface Pass {
  readonly left: number;
  readonly top: number;
  readonly dx: number;
  readonly dy: number;
}
const WHOLE: readonly Pass[] = [{ left: 0, top: 0, dx: 1, dy: 1 }];
const ADAM7: readonly Pass[] = [
  { left: 0, top: 0, dx: 8, dy: 8 },
  { left: 4, top: 0, dx: 8, dy: 8 },
  { left: 0, top: 4, dx: 4, dy: 8 },
  { left: 2, top: 0, dx: 4, dy: 4 },
  { left: 0, top: 2, dx: 2, dy: 4 },
  { left: 1, top: 0, dx: 2, dy: 2 },
  { left: 0, top: 1, dx: 1, dy: 2 },
];

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
}

/** The chunks up to IEND, each with its checksum checked. */
function* chunks(bytes: Uint8Array): Generator<Chunk> {
  const view = viewOf(bytes);
  for (let at = SIGNATURE.length; ; ) {
    if (at + 12 > bytes.length) throw new FormatError(`png: ${bytes.length} bytes and no IEND chunk; the file is cut off`);
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (!/^[A-Za-z]{4}$/.test(type)) throw new FormatError(`png: no chunk at byte ${at}; the file is damaged`);
    if (at + 12 + length > bytes.length)
      throw new FormatError(`png: chunk ${type} ends at byte ${at + 12 + length} of ${bytes.length}; the file is cut off`);
    const [sum, stated] = [crc32(bytes.subarray(at + 4, at + 8 + length)), view.getUint32(at + 8 + length)];
    if (sum !== stated)
      throw new FormatError(`png: chunk ${type} has checksum ${sum.toString(16)}, expected ${stated.toString(16)}; the file is damaged`);
    if (type === 'IEND') return;
    yield { type, data: bytes.subarray(at + 8, at + 8 + length) };
    at += 12 + length;
  }
}

function header({ type, data }: Chunk): Header {
  if (type !== 'IHDR' || data.length !== 13)
    throw new FormatError(`png: the first chunk is ${type} of ${data.length} bytes, expected IHDR of 13`);
  const view = viewOf(data);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colour, compression, filter, interlace] = data.subarray(8);
  const kind = TYPES[colour];
  if (!kind?.depths.includes(depth)) throw new FormatError(`png: colour type ${colour} with ${depth} bits, which PNG does not know`);
  if (compression !== 0 || filter !== 0 || interlace > 1)
    throw new FormatError(`png: compression ${compression}, filter ${filter}, interlace ${interlace}; expected 0, 0, and 0 or 1`);
  checkSize('png', width, height);
  return { width, height, depth, type: colour, samples: kind.samples, interlaced: interlace === 1 };
}

/** Bytes of a row of `width` pixels. */
const rowBytes = ({ samples, depth }: Header, width: number): number => Math.ceil((width * samples * depth) / 8);

/** The passes that hold pixels, with their sizes. */
const passesOf = (head: Header) =>
  (head.interlaced ? ADAM7 : WHOLE)
    .map((pass) => ({
      ...pass,
      width: Math.ceil((head.width - pass.left) / pass.dx),
      height: Math.ceil((head.height - pass.top) / pass.dy),
    }))
    .filter(({ width, height }) => width > 0 && height > 0);

function inflated(parts: readonly Uint8Array[], size: number): Uint8Array {
  let rows: Uint8Array;
  try {
    rows = inflateSync(parts.length === 1 ? parts[0] : Buffer.concat(parts), { maxOutputLength: size, chunkSize: Math.max(64, size) });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ERR_BUFFER_TOO_LARGE' ? `more than ${size} bytes of pixels, which the header states` : message;
    throw new FormatError(`png: the image data do not unpack: ${why}; the file is damaged`);
  }
  if (rows.length !== size) throw new FormatError(`png: ${rows.length} bytes of pixels, expected ${size}; the file is damaged`);
  return rows;
}

/** The image of a PNG file. Throws a FormatError. */
export function decodePng(bytes: Uint8Array): Image {
  let head: Header | undefined;
  let palette: Uint8Array | undefined;
  const data: Uint8Array[] = [];
  for (const chunk of chunks(bytes)) {
    if (!head) head = header(chunk);
    else if (chunk.type === 'IDAT') data.push(chunk.data);
    else if (chunk.type === 'PLTE') palette = chunk.data;
    else if (chunk.type[0] < 'a') throw new FormatError(`png: chunk ${chunk.type} is needed to show the image and not known here`);
  }
  if (!head) throw new FormatError('png: there is no IHDR chunk; the file is damaged');
  if (head.type === PALETTE && (!palette || palette.length === 0 || palette.length % 3 !== 0 || palette.length > 768))
    throw new FormatError(`png: a palette of ${palette?.length ?? 0} bytes, expected 3 for each of 1 to 256 colours`);
  const passes = passesOf(head);
  const size = passes.reduce((sum, { width, height }) => sum + height * (1 + rowBytes(head, width)), 0);
  const rows = inflated(data, size);
  const pixels = new Uint8Array(head.width * head.height * 3);
  const step = Math.max(1, (head.samples * head.depth) / 8);
  let from = 0;
  for (const pass of passes) {
    const length = rowBytes(head, pass.width);
    unfilter(rows.subarray(from, from + pass.height * (1 + length)), length, step);
    for (let y = 0; y < pass.height; y++, from += 1 + length)
      spread(
        head,
        rows.subarray(from + 1, from + 1 + length),
        pass,
        pixels,
        ((pass.top + y * pass.dy) * head.width + pass.left) * 3,
        palette,
      );
  }
  return { width: head.width, height: head.height, pixels };
}

/** A row of samples to RGB, from offset `to` on, every `dx` pixels. */
function spread(head: Header, row: Uint8Array, pass: Pass & { width: number }, pixels: Uint8Array, to: number, palette?: Uint8Array): void {
  const { type, depth, samples } = head;
  const colour = type === RGB || type === RGBA;
  if (type === RGB && depth === 8 && pass.dx === 1) {
    pixels.set(row, to);
    return;
  }
  const wide = depth === 16 ? 2 : 1;
  const mask = (1 << depth) - 1;
  for (let x = 0; x < pass.width; x++, to += 3 * pass.dx) {
    if (depth < 8) {
      const bit = x * depth;
      const value = (row[bit >> 3] >> (8 - depth - (bit & 7))) & mask;
      if (!palette || type !== PALETTE) pixels.fill((value * 255) / mask, to, to + 3);
      else paint(palette, value, pixels, to);
      continue;
    }
    const at = x * samples * wide;
    if (type === PALETTE) paint(palette!, row[at], pixels, to);
    else for (let c = 0; c < 3; c++) pixels[to + c] = row[at + (colour ? c * wide : 0)];
  }
}

function paint(palette: Uint8Array, index: number, pixels: Uint8Array, to: number): void {
  if (index * 3 >= palette.length) throw new FormatError(`png: colour ${index} of a palette of ${palette.length / 3}; the file is damaged`);
  for (let c = 0; c < 3; c++) pixels[to + c] = palette[index * 3 + c];
}
