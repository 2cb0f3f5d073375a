// The memory of this thread in which images are decoded and resampled: one WebAssembly memory, so that pixels go from the decoder to the resampler to
// the batch without being copied in between. It grows to the largest image and stays.

import { importsFor, MAX_PAGES } from '../../kernels/cpu/assembly.ts';
import { compile } from '../../kernels/cpu/compile.ts';
import { RESAMPLE_SLACK, type ResampleExports, resampleSource } from '../../kernels/cpu/resample.ts';

const PAGE = 2 ** 16;
const memory = new WebAssembly.Memory({ initial: 1, maximum: MAX_PAGES, shared: true });
/** Bytes for a decoded image, from address 0 on; what the resampler needs lies behind. */
let room = 0;
let instance: ResampleExports | undefined;

/** The resampler, compiled at its first use. */
export const resampler = (): ResampleExports =>
  (instance ??= new WebAssembly.Instance(compile(resampleSource(), 'eager'), importsFor(memory)).exports as unknown as ResampleExports);

const reserve = (bytes: number): void => {
  const missing = bytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
};

/** Where the next image is decoded to: it overwrites the one before. Throws a RangeError where there is no such memory. */
export function imageMemory(bytes: number): Buffer {
  if (bytes > room) {
    room = Math.ceil((bytes + RESAMPLE_SLACK) / PAGE) * PAGE;
    reserve(room);
  }
  return Buffer.from(memory.buffer, 0, bytes);
}

/** The address of pixels in this memory; others are copied into it. */
export function addressOf(pixels: Uint8Array): number {
  if (pixels.buffer === memory.buffer && pixels.byteOffset < room) return pixels.byteOffset;
  imageMemory(pixels.length).set(pixels);
  return 0;
}

/** Addresses of blocks behind the image, each 16-byte aligned and with slack; valid until more is asked for. */
export function blocks(...sizes: readonly number[]): number[] {
  let at = room;
  const addresses = sizes.map((size) => {
    const address = at;
    at += Math.ceil((size + RESAMPLE_SLACK) / 16) * 16;
    return address;
  });
  reserve(at);
  return addresses;
}

/** Bytes and words of the memory. */
export const bytesAt = (address: number, length: number): Uint8Array => new Uint8Array(memory.buffer, address, length);
export const wordsAt = (address: number, length: number): Int32Array => new Int32Array(memory.buffer, address, length);
