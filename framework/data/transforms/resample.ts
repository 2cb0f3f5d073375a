// Resampling with a triangle filter that widens when it shrinks ("bilinear with antialiasing"): the rule of Pillow's resize(.., BILINEAR), bit for bit.
//
//   out[X] = sum_x w[X][x] in[x],   w[X][x] ~ tri((x + 1/2 - (X + 1/2) s) / max(s, 1)),   s = in size / out size,   tri(t) = max(0, 1 - |t|)
//
// Rows first, then columns, each rounded to u8 (Pillow: src/libImaging/Resample.c, weights in fixed point with 22 bits). Only what a window of the
// result needs is computed, so that a crop after a resize costs nothing.

import type { Image } from '../decode/image.ts';

const BITS = 32 - 8 - 2;
const HALF = 1 << (BITS - 1);

/** A rectangle in pixels. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** For each of some consecutive outputs: where its inputs begin, how many they are, and their weights, `taps` places each. */
interface Weights {
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
    for (let x = 0; x < end - begin; x++) weight[i * taps + x] = Math.trunc(0.5 + (exact[x] / sum) * (1 << BITS));
    first[i] = begin;
    count[i] = end - begin;
  }
  return { first, count, weight, taps };
}

/** A sum as a u8: no weight is negative, but rounded ones may add up to more than 1. */
const clamped = (sum: number): number => Math.min(255, sum >> BITS);

/** Rows [top, bottom) of a box of the image, each resampled to the columns that `weights` has. */
function acrossRows({ width, pixels }: Image, box: Box, top: number, bottom: number, { first, count, weight, taps }: Weights): Uint8Array {
  const columns = first.length;
  const out = new Uint8Array((bottom - top) * columns * 3);
  let to = 0;
  for (let y = top; y < bottom; y++) {
    const row = ((box.top + y) * width + box.left) * 3;
    for (let x = 0; x < columns; x++, to += 3) {
      let [r, g, b] = [HALF, HALF, HALF];
      let from = row + first[x] * 3;
      const end = x * taps + count[x];
      for (let k = x * taps; k < end; k++, from += 3) {
        const w = weight[k];
        r += Math.imul(pixels[from], w);
        g += Math.imul(pixels[from + 1], w);
        b += Math.imul(pixels[from + 2], w);
      }
      out[to] = clamped(r);
      out[to + 1] = clamped(g);
      out[to + 2] = clamped(b);
    }
  }
  return out;
}

/** Columns of `rows`, which begin at row `top`, resampled to the rows that `weights` has. */
function downColumns(rows: Uint8Array, pitch: number, top: number, { first, count, weight, taps }: Weights): Uint8Array {
  const out = new Uint8Array(first.length * pitch);
  const sums = new Int32Array(pitch);
  for (let y = 0; y < first.length; y++) {
    sums.fill(HALF);
    for (let k = 0; k < count[y]; k++) {
      const w = weight[y * taps + k];
      const from = (first[y] - top + k) * pitch;
      for (let i = 0; i < pitch; i++) sums[i] += Math.imul(rows[from + i], w);
    }
    const to = y * pitch;
    for (let i = 0; i < pitch; i++) out[to + i] = clamped(sums[i]);
  }
  return out;
}

/** A `box` of an image made `width` by `height`, and of that the part in `window`. Pixels outside the box are not seen. */
export function resample(image: Image, box: Box, size: { width: number; height: number }, window: Box): Image {
  const columns = triangleWeights(box.width, size.width, window.left, window.left + window.width);
  const rows = triangleWeights(box.height, size.height, window.top, window.top + window.height);
  const last = window.height - 1;
  const [top, bottom] = [rows.first[0], rows.first[last] + rows.count[last]];
  const across = acrossRows(image, box, top, bottom, columns);
  return { width: window.width, height: window.height, pixels: downColumns(across, window.width * 3, top, rows) };
}
