// The register tile of the direct convolution: MR filters by NR neighbouring columns of the result, over all channels and taps.
//
//   for each channel, for each row of the window:   for each tap across, at a fixed offset from the row:   sum[i][j] += weight[i] · image[x + j]

import type { ConvEpilogue } from '../../problems/conv2d.ts';
import { advance, f32x4, i32, multiplyAdd, type Routine, repeat, routine, set, v128 } from '../assembly.ts';
import type { PlacedTap } from './depthwise/geometry.ts';

export interface DirectTileShape {
  readonly mr: number;
  readonly nr: number;
  /** Where the taps of a row of the window read, from its first column on. */
  readonly across: readonly PlacedTap[];
  /** Fused multiply-add (relaxed SIMD) instead of multiply, then add. */
  readonly fma: boolean;
  readonly epilogue: ConvEpilogue;
}

/**
 * `a`: weights, MR for each step; `source`: the first row of the first channel, rows `pitch` and channels `channel` bytes apart, `part` bytes between a row's parts;
 * `out`: where MR x NR elements go, `stride` bytes between rows; `rows` of the MR have a bias and a residual, which lies `residualStride` bytes between rows.
 */
const TILE = {
  ...{ a: i32, source: i32, channel: i32, pitch: i32, part: i32, channels: i32, windowY: i32 },
  ...{ out: i32, stride: i32, rows: i32, bias: i32, residual: i32, residualStride: i32 },
} as const;

/** Generates `tile(a, source, channel, ..)`. */
export function directTileRoutine({ mr, nr, across, fma, epilogue }: DirectTileShape): Routine {
  const vectors = nr / 4;
  const places = { line: i32, row: i32, other: i32, u: i32 } as const;
  const values = { sum: [v128, mr * vectors], column: [v128, vectors], weight: v128 } as const;
  return routine(TILE, { ...places, ...values }, (names) => {
    const { a, source, channel, pitch, part, channels, windowY, out, stride, rows, bias, residual, residualStride } = names;
    const { line, row, other, u, sum, column, weight } = names;
    const multiply = multiplyAdd(fma);
    const hasParts = across.some((tap) => tap.part > 0);
    set(line, source);
    repeat(channels, () => {
      set(row, line);
      set(u, windowY);
      repeat(u, () => {
        if (hasParts) set(other, i32.add(row, part));
        across.forEach((tap, v) => {
          for (let j = 0; j < vectors; j++) set(column[j], v128.load({ offset: 4 * tap.at + 16 * j }, tap.part > 0 ? other : row));
          for (let i = 0; i < mr; i++) {
            set(weight, v128.load32_splat({ offset: 4 * (v * mr + i) }, a));
            for (let j = 0; j < vectors; j++) multiply(sum[i * vectors + j], weight, column[j]);
          }
        });
        advance(a, 4 * mr * across.length);
        advance(row, pitch);
      });
      advance(line, channel);
    });
    for (let i = 0; i < mr; i++) {
      const values = sum.slice(i * vectors, (i + 1) * vectors);
      // Rows past the last take the last one's bias and residual.
      const isMore = (step: typeof stride | number) => i32.and(step, i32.sub(0, i32.gt_u(rows, i + 1)));
      if (epilogue.bias) {
        set(weight, v128.load32_splat({}, bias));
        for (const value of values) set(value, f32x4.add(value, weight));
        set(bias, i32.add(bias, isMore(4)));
      }
      if (epilogue.residual) {
        values.forEach((value, j) => set(value, f32x4.add(value, v128.load({ offset: 16 * j }, residual))));
        set(residual, i32.add(residual, isMore(residualStride)));
      }
      if (epilogue.relu) {
        set(weight, v128.const('f32x4', [0, 0, 0, 0]));
        for (const value of values) set(value, f32x4.pmax(value, weight));
      }
      values.forEach((value, j) => v128.store({ offset: 16 * j }, out, value));
      advance(out, stride);
    }
  });
}
