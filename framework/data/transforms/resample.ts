// Resampling with a triangle filter that widens when it shrinks ("bilinear with antialiasing"): the rule of Pillow's resize(.., BILINEAR), bit for bit.
//
//   out[X] = sum_x w[X][x] in[x],   w[X][x] ~ tri((x + 1/2 - (X + 1/2) s) / max(s, 1)),   s = in size / out size,   tri(t) = max(0, 1 - |t|)
//
// Rows first, then columns, each rounded to u8 (Pillow: src/libImaging/Resample.c, weights in fixed point with 22 bits). Only what a window of the
// result needs is computed, so that a crop after a resize costs nothing. The sums are WebAssembly SIMD: kernels/cpu/resample.ts.

import { WEIGHT_BITS } from '../../../kernels/cpu/resample.ts';
import type { Image } from '../decode/image.ts';
import { type Box, behind, blocks, bytesAt, type Raster, resampler, wordsAt } from '../pixel-memory.ts';

/** For each of some consecutive outputs: where its inputs begin, how many they are, and their weights, `taps` places each. */
export interface Weights {
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly weight: Int32Array;
  readonly taps: number;
}

/** The weights of outputs [from, to) when `size` inputs become `outputs`. */
export function triangleWeights(size: number, outputs: number, from: number, to: number): Weights {
  const scale = size / outputs;
  const support = Math.max(scale, 1);
  const taps = Math.ceil(support) * 2 + 1;
  const [first, count] = [new Int32Array(to - from), new Int32Array(to - from)];
  const weight = new Int32Array((to - from) * taps);
  const exact = new Float64Array(taps);
  for (let i = 0; i < to - from; i++) {
    const centre = (from + i + 0.5) * scale;
    const begin = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(size, Math.trunc(centre + support + 0.5));
    let sum = 0;
    for (let x = begin; x < end; x++) sum += exact[x - begin] = Math.max(0, 1 - Math.abs((x - centre + 0.5) / support));
    for (let x = 0; x < end - begin; x++) weight[i * taps + x] = Math.trunc(0.5 + (exact[x] / sum) * (1 << WEIGHT_BITS));
    first[i] = begin;
    count[i] = end - begin;
  }
  return { first, count, weight, taps };
}

/** Words that the tables of weights take. */
const wordsOf = ({ first, weight }: Weights): number => 2 * first.length + weight.length;

/** Writes the tables one behind the other; returns their addresses and the weights' pitch, as the calls want them. */
function tables({ first, count, weight, taps }: Weights, address: number): [first: number, count: number, weights: number, taps: number] {
  const words = wordsAt(address, 2 * first.length + weight.length);
  words.set(first);
  words.set(count, first.length);
  words.set(weight, 2 * first.length);
  return [address, address + 4 * first.length, address + 8 * first.length, taps];
}

/** A raster made `width` by `height`, and of that the part in `window`. */
export function resample(source: Raster, size: { width: number; height: number }, window: Box): Raster {
  const columns = triangleWeights(source.width, size.width, window.left, window.left + window.width);
  const rows = triangleWeights(source.height, size.height, window.top, window.top + window.height);
  const last = window.height - 1;
  const [top, bottom] = [rows.first[0], rows.first[last] + rows.count[last]];
  const pitch = Math.ceil((window.width * 3 + 1) / 16) * 16;
  const [address, between, columnTables, rowTables] = blocks(
    behind(source),
    window.height * pitch,
    (bottom - top) * pitch,
    4 * wordsOf(columns),
    4 * wordsOf(rows),
  );
  const { across, down } = resampler();
  const from = source.address + top * source.pitch;
  across(from, source.pitch, bottom - top, between, pitch, window.width, ...tables(columns, columnTables));
  down(between, top, pitch, window.height, address, ...tables(rows, rowTables));
  return { address, pitch, width: window.width, height: window.height };
}

/** The three channels of a raster as planes one behind the other: [3, height, pitch]. */
export function planesOf(raster: Raster): { readonly bytes: Uint8Array; readonly pitch: number } {
  const pitch = Math.ceil(raster.width / 16) * 16;
  const [to] = blocks(behind(raster), 3 * raster.height * pitch);
  resampler().split(raster.address, raster.pitch, raster.height, to, pitch);
  return { bytes: bytesAt(to, 3 * raster.height * pitch), pitch };
}

/** A raster as an image in memory of its own. */
export function imageOf({ address, pitch, width, height }: Raster): Image {
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) pixels.set(bytesAt(address + y * pitch, width * 3), y * width * 3);
  return { width, height, pixels };
}
