// Resampling of 8-bit RGB along rows and along columns, by weights that the caller made, in fixed point with 22 bits, and its split into planes:
//
//   out[y][X] = (half + sum_k weight[X][k] in[y][first[X] + k]) >> 22      each channel by itself, at most 255
//
// Across a row a pixel's three channels are three lanes of a vector (the fourth carries along what follows), and four rows share each weight. Down a
// column 16 bytes are summed at once. Integers throughout: the result is the scalar rule's, bit for bit. Rule and weights: framework/data/transforms/resample.ts.
//
// Tables, u32 each: first[X], count[X], weight[X * taps + k]. Reads and writes pass the end of a row by less than RESAMPLE_SLACK bytes.

import type { Source } from '../kernel.ts';
import {
  advance,
  assemble,
  i8x16,
  i16x8,
  i32,
  i32x4,
  type Local,
  local,
  loopWhileBelow,
  min,
  routine,
  set,
  type Value,
  v128,
} from './assembly.ts';

/** Fraction bits of a weight. */
export const WEIGHT_BITS = 22;
const ROWS = 4;
/** Bytes that buffers need behind their end. */
export const RESAMPLE_SLACK = 64;

const half = () => i32x4.splat(1 << (WEIGHT_BITS - 1));

/** `into += weight * value`, four lanes of i32. */
const accumulate = (into: Local<'v128'>, weight: Local<'v128'>, value: Value<'v128'>): void =>
  set(into, i32x4.add(into, i32x4.mul(weight, value)));

/** in[rows][inPitch] -> out[rows][outPitch], `columns` pixels a row. */
const across = routine(
  { from: i32, inPitch: i32, rows: i32, to: i32, outPitch: i32, columns: i32, first: i32, count: i32, weights: i32, taps: i32 },
  {
    row: i32,
    last: i32,
    column: i32,
    end: i32,
    at: i32,
    w: i32,
    skip: i32,
    source: [i32, ROWS],
    target: [i32, ROWS],
    weight: v128,
    sum: [v128, ROWS],
  },
  (names) => {
    const { from, inPitch, rows, to, outPitch, columns, first, count, weights, taps, row, last, column, end, at, w, skip } = names;
    const { source, target, weight, sum } = names;
    set(last, i32.sub(rows, 1));
    loopWhileBelow(row, rows, ROWS, () => {
      for (let r = 0; r < ROWS; r++) {
        // Rows past the last are the last again.
        set(skip, i32.add(row, r));
        min(skip, skip, last);
        set(source[r], i32.add(from, i32.mul(skip, inPitch)));
        set(target[r], i32.add(to, i32.mul(skip, outPitch)));
      }
      set(column, 0);
      loopWhileBelow(column, columns, 1, () => {
        set(skip, i32.mul(i32.load({}, i32.add(first, i32.shl(column, 2))), 3));
        set(w, i32.add(weights, i32.shl(i32.mul(column, taps), 2)));
        set(end, i32.add(w, i32.shl(i32.load({}, i32.add(count, i32.shl(column, 2))), 2)));
        for (const each of sum) set(each, half());
        loopWhileBelow(w, end, 4, () => {
          set(weight, v128.load32_splat({}, w));
          for (let r = 0; r < ROWS; r++) {
            const pixel = v128.load32_zero({}, i32.add(source[r], skip));
            accumulate(sum[r], weight, i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(pixel)));
          }
          advance(skip, 3);
        });
        set(at, i32.mul(column, 3));
        for (let r = 0; r < ROWS; r++) {
          set(sum[r], i32x4.shr_u(sum[r], WEIGHT_BITS));
          set(sum[r], i16x8.narrow_i32x4_u(sum[r], sum[r]));
          set(sum[r], i8x16.narrow_i16x8_u(sum[r], sum[r]));
          v128.store32_lane({}, 0, i32.add(target[r], at), sum[r]);
        }
      });
    });
  },
);

/** in[..][pitch] -> out[rows][pitch]; `pitch` is a multiple of 16, and in[0] is row `top` of those that `first` counts. */
const down = routine(
  { from: i32, top: i32, pitch: i32, rows: i32, to: i32, first: i32, count: i32, weights: i32, taps: i32 },
  { row: i32, x: i32, base: i32, at: i32, w: i32, begin: i32, end: i32, weight: v128, value: v128, part: v128, sum: [v128, 4] },
  (names) => {
    const { from, top, pitch, rows, to, first, count, weights, taps, row, x, base, at, w, begin, end, weight, value, part, sum } = names;
    loopWhileBelow(row, rows, 1, () => {
      set(base, i32.add(from, i32.mul(i32.sub(i32.load({}, i32.add(first, i32.shl(row, 2))), top), pitch)));
      set(begin, i32.add(weights, i32.shl(i32.mul(row, taps), 2)));
      set(end, i32.add(begin, i32.shl(i32.load({}, i32.add(count, i32.shl(row, 2))), 2)));
      set(x, 0);
      loopWhileBelow(x, pitch, 16, () => {
        for (const each of sum) set(each, half());
        set(at, i32.add(base, x));
        set(w, begin);
        loopWhileBelow(w, end, 4, () => {
          set(weight, v128.load32_splat({}, w));
          set(value, v128.load({}, at));
          set(part, i16x8.extend_low_i8x16_u(value));
          accumulate(sum[0], weight, i32x4.extend_low_i16x8_u(part));
          accumulate(sum[1], weight, i32x4.extend_high_i16x8_u(part));
          set(part, i16x8.extend_high_i8x16_u(value));
          accumulate(sum[2], weight, i32x4.extend_low_i16x8_u(part));
          accumulate(sum[3], weight, i32x4.extend_high_i16x8_u(part));
          advance(at, pitch);
        });
        for (const each of sum) set(each, i32x4.shr_u(each, WEIGHT_BITS));
        set(part, i16x8.narrow_i32x4_u(sum[0], sum[1]));
        set(value, i16x8.narrow_i32x4_u(sum[2], sum[3]));
        local.get(to);
        i8x16.narrow_i16x8_u(part, value);
        v128.store({});
        advance(to, 16);
      });
    });
  },
);

/** Where bytes `channel`, `channel` + 3, .. of 48 are to be found: the upper half of what the first pair gave stays where the third vector has more. */
function lanesOf(channel: number): { pair: number[]; third: number[] } {
  const at = Array.from({ length: 16 }, (_, i) => 3 * i + channel);
  return { pair: at.map((byte) => (byte < 32 ? byte : 0)), third: at.map((byte, i) => (byte < 32 ? i : byte - 16)) };
}

/** in[rows][inPitch] of RGB -> out[3][rows][outPitch]; `outPitch` is a multiple of 16. */
const split = routine(
  { from: i32, inPitch: i32, rows: i32, to: i32, outPitch: i32 },
  { row: i32, x: i32, at: i32, plane: i32, bytes: [v128, 3], channel: v128 },
  ({ from, inPitch, rows, to, outPitch, row, x, at, plane, bytes, channel }) => {
    set(plane, i32.mul(rows, outPitch));
    loopWhileBelow(row, rows, 1, () => {
      set(at, from);
      set(x, 0);
      loopWhileBelow(x, outPitch, 16, () => {
        bytes.forEach((each, i) => set(each, v128.load({ offset: 16 * i }, at)));
        for (let c = 0; c < 3; c++) {
          const { pair, third } = lanesOf(c);
          set(channel, i8x16.shuffle(pair, bytes[0], bytes[1]));
          v128.store({}, i32.add(to, i32.mul(plane, c)), i8x16.shuffle(third, channel, bytes[2]));
        }
        advance(at, 48);
        advance(to, 16);
      });
      advance(from, inPitch);
    });
  },
);

/** The calls of a module's instance, addresses in bytes. */
export interface ResampleExports {
  across(
    from: number,
    inPitch: number,
    rows: number,
    to: number,
    outPitch: number,
    columns: number,
    first: number,
    count: number,
    weights: number,
    taps: number,
  ): void;
  down(
    from: number,
    top: number,
    pitch: number,
    rows: number,
    to: number,
    first: number,
    count: number,
    weights: number,
    taps: number,
  ): void;
  split(from: number, inPitch: number, rows: number, to: number, outPitch: number): void;
}

const entry = { buffers: [], arguments: [] };
export const resampleSource = (): Source =>
  assemble('resample', { across: { entry, main: across }, down: { entry, main: down }, split: { entry, main: split } });
