// The memory of this thread in which images are decoded and resampled: one WebAssembly memory, so that pixels go from the decoder to the resampler to
// the batch without being copied in between. It grows to the largest image and stays.

import { importsFor } from '../../kernels/cpu/assembly.ts';
import { compile } from '../../kernels/cpu/compile.ts';
import { RESAMPLE_SLACK, type ResampleExports, resampleSource } from '../../kernels/cpu/resample.ts';
import type { Image } from './decode/image.ts';

/** A rectangle in pixels. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const PAGE = 2 ** 16;
/** 2 GiB, several times what the largest image allowed needs. Each thread reserves addresses for it. */
const MOST_PAGES = 2 ** 15;
const memory = new WebAssembly.Memory({ initial: 1, maximum: MOST_PAGES, shared: true });
/** Bytes for a decoded image, from address 0 on; what the resampler needs lies behind. */
let room = 0;
let instance: ResampleExports | undefined;

/** The resampler, compiled at its first use. */
export const resampler = (): ResampleExports =>
  (instance ??= new WebAssembly.Instance(compile(resampleSource(), 'eager'), importsFor(memory)).exports as unknown as ResampleExports);

const reserve = (bytes: number): void => {
  const missing = bytes - memory.buffer.byteLength;
  if (missing <= 0) return;
  try {
    memory.grow(Math.ceil(missing / PAGE));
  } catch {
    throw new RangeError(
      `the image takes ${bytes} bytes to work on, more than there are (at most ${MOST_PAGES * PAGE}); ask for a smaller size`,
    );
  }
};

/** Where the next image is decoded to: it overwrites the one before. Throws a RangeError where there is no such memory. */
export function imageMemory(bytes: number): Buffer {
  if (bytes > room) {
    room = Math.ceil((bytes + RESAMPLE_SLACK) / PAGE) * PAGE;
    reserve(room);
  }
  return Buffer.from(memory.buffer, 0, bytes);
}

/** A box of an image, copied into this memory where it is not there. */
export function rasterOf({ width, pixels }: Image, box: Box): Raster {
  const inside = pixels.buffer === memory.buffer && pixels.byteOffset === 0;
  if (!inside) imageMemory(pixels.length).set(pixels);
  return { address: (box.top * width + box.left) * 3, pitch: width * 3, width: box.width, height: box.height };
}

/** Rows of pixels, or of one channel, in this memory. */
export interface Raster {
  readonly address: number;
  /** Bytes from one row to the next. */
  readonly pitch: number;
  readonly width: number;
  readonly height: number;
}

const aligned = (bytes: number): number => Math.ceil(bytes / 16) * 16;

/** The first address behind an image and behind a raster. */
export const behind = ({ address, pitch, height }: Raster): number => Math.max(room, aligned(address + pitch * height + RESAMPLE_SLACK));

/** Addresses of blocks of these sizes from an address on, each with slack; valid until the same place is asked for again. */
export function blocks(from: number, ...sizes: readonly number[]): number[] {
  let at = from;
  const addresses = sizes.map((size) => {
    const address = at;
    at += aligned(size + RESAMPLE_SLACK);
    return address;
  });
  reserve(at);
  return addresses;
}

/** Bytes and words of the memory. */
export const bytesAt = (address: number, length: number): Uint8Array => new Uint8Array(memory.buffer, address, length);
export const wordsAt = (address: number, length: number): Int32Array => new Int32Array(memory.buffer, address, length);
