// The tap loop of a depthwise convolution: ROWS rows of the result, eight columns of each at a time (sixteen where two phases of columns are interleaved).
//
//   up to nine taps:    weights stay in registers;  for each row of the copied image, each vector is loaded once for all the sums it belongs to
//   more:               for each tap, its weight is loaded once;  for each row of the result:  sum += weight · vector of the copied image
//
// Each sum is a chain of as many multiply-adds as there are taps, but chains of the next columns do not depend on it and overlap.

import {
  advance,
  f32,
  f32x4,
  i8x16,
  i32,
  if_,
  type Local,
  loopWhileBelow,
  multiplyAdd,
  type Routine,
  repeat,
  routine,
  set,
  v128,
} from '../../assembly.ts';
import { type Geometry, LANES, type PlacedTap } from './geometry.ts';

/**
 * `source`: the copied row that row 0 of these reads first; `result`, `residual`: the first element of the first row, `stride` bytes between rows; `columns` of
 * the result; `edge`: room for ROWS rows of sixteen elements. Of a direct geometry: all that vectors of columns `inner` to `whole` reach lies in the row; `mask`: a
 * row of ones with zeros around for the others.
 */
const ROWS_ARGUMENTS = {
  ...{ source: i32, pitch: i32, part: i32, filter: i32, bias: i32, result: i32, residual: i32, stride: i32, columns: i32, edge: i32 },
  ...{ mask: i32, inner: i32, whole: i32 },
} as const;

export interface RowsShape {
  readonly geometry: Geometry;
  /** Which phase of the result's rows. */
  readonly phase: number;
  readonly rows: number;
  /** Taps across the window: from one row of the filter to the next. */
  readonly window: number;
  readonly fma: boolean;
  readonly bias: boolean;
  readonly residual: boolean;
  readonly relu: boolean;
}

/** Weights that stay in registers while columns go by. */
const KEPT_WEIGHTS = 9;

const words = (...lanes: number[]): number[] => lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte));

/** Generates `rows(source, pitch, part, filter, ..)`: `shape.rows` rows of one plane. */
export function rowsRoutine(shape: RowsShape): Routine {
  const { geometry, rows, window, bias: hasBias, residual: hasResidual } = shape;
  const { stepY, across, phasesX, direct } = geometry;
  const taps = geometry.down[shape.phase];
  const phases = phasesX.length;
  const step = LANES * phases;
  const sourceRows = [...new Set(taps.flatMap(({ at }) => Array.from({ length: rows }, (_, t) => t * stepY + at)))].sort((a, b) => a - b);
  const places = {
    x: i32,
    left: i32,
    row: [i32, Math.max(1, sourceRows.length)],
    out: i32,
    outStride: i32,
    from: i32,
    to: i32,
    count: i32,
    address: i32,
    ones: i32,
  } as const;
  const weights = taps.length * across.reduce((sum, { length }) => sum + length, 0);
  const areKept = weights <= KEPT_WEIGHTS;
  const keptAt = (u: number, p: number, v: number) =>
    weights === 0 ? 0 : u * (weights / taps.length) + (p === 0 ? 0 : across[0].length) + v;
  const values = { kept: [v128, Math.max(1, weights)], sum: [v128, 2 * phases * rows], weight: v128, mixed: [v128, 4] } as const;
  return routine(ROWS_ARGUMENTS, { ...places, ...values }, (names) => {
    const { source, pitch, part, filter, bias, result, residual, stride, columns, edge, mask, inner, whole } = names;
    const { x, left, row, out, outStride, from, to, count, address, ones, kept, sum, weight, mixed } = names;
    const multiply = multiplyAdd(shape.fma);
    const sums = (t: number, p: number) => [0, 1].map((half) => sum[2 * (p * rows + t) + half]);

    if (areKept)
      for (const [u, vertical] of taps.entries())
        for (let p = 0; p < phases; p++) across[p].forEach((horizontal, v) => set(kept[keptAt(u, p, v)], weightOf(vertical, horizontal)));
    loopWhileBelow(x, columns, step, () => {
      // The last vectors of a row end with it where there is one phase, and compute some elements again.
      set(left, i32.sub(columns, x));
      if (phases === 1) {
        i32.and(i32.lt_u(left, step), i32.ge_u(columns, step));
        if_({}, () => {
          set(x, i32.sub(columns, step));
          set(left, step);
        });
      }
      // Where elements are missing, rows go by way of `edge`. One run of stores for both: the engine fuses pairs from the stores backwards, within a block.
      set(out, i32.add(result, i32.shl(x, 2)));
      set(outStride, stride);
      i32.lt_u(left, step);
      if_({}, () => {
        set(out, edge);
        set(outStride, 4 * step);
      });
      if (direct) {
        i32.and(i32.ge_s(x, inner), i32.le_s(x, whole));
        if_(
          {},
          () => compute(false),
          () => compute(true),
        );
      } else compute(false);
      i32.lt_u(left, step);
      if_({}, copyEdge);
    });

    /** `masked`: vectors reach past an end of the image's rows, where the next row lies: those elements count as zero. */
    function compute(masked: boolean) {
      if (masked) set(ones, i32.add(mask, i32.shl(x, 2)));
      accumulate(masked);
      store();
    }
    function accumulate(masked: boolean) {
      const start = hasBias ? v128.load32_splat({}, bias) : v128.const('f32x4', [0, 0, 0, 0]);
      set(weight, start);
      for (const each of sum) set(each, weight);
      set(address, i32.add(source, phases === 1 ? i32.shl(x, 2) : i32.shl(x, 1)));
      if (areKept) bySourceRow(masked);
      else byTap(masked);
    }
    /** Each vector of the image is loaded once and used for every row of the result that it reaches. */
    function bySourceRow(masked: boolean) {
      sourceRows.forEach((at, r) => {
        const down = at - (r === 0 ? 0 : sourceRows[r - 1]);
        if (down > 0) advance(address, down === 1 ? pitch : i32.mul(pitch, down));
        for (let p = 0; p < phases; p++)
          across[p].forEach((horizontal, v) => {
            loadPair(address, horizontal, masked);
            taps.forEach((vertical, u) => {
              for (let t = 0; t < rows; t++)
                if (t * stepY + vertical.at === at) sums(t, p).forEach((each, half) => multiply(each, kept[keptAt(u, p, v)], mixed[half]));
            });
          });
      });
    }
    /** Weights that do not fit into registers: each is loaded once and used for all rows of the result. */
    function byTap(masked: boolean) {
      sourceRows.forEach((at, r) => {
        const down = at - (r === 0 ? 0 : sourceRows[r - 1]);
        const before = r === 0 ? address : row[r - 1];
        set(row[r], down === 0 ? before : i32.add(before, down === 1 ? pitch : i32.mul(pitch, down)));
      });
      for (const vertical of taps)
        for (let p = 0; p < phases; p++)
          for (const horizontal of across[p]) {
            set(weight, weightOf(vertical, horizontal));
            for (let t = 0; t < rows; t++) {
              loadPair(row[sourceRows.indexOf(t * stepY + vertical.at)], horizontal, masked);
              sums(t, p).forEach((each, half) => multiply(each, weight, mixed[half]));
            }
          }
    }
    function weightOf(vertical: PlacedTap, horizontal: PlacedTap) {
      return v128.load32_splat({ offset: 4 * (vertical.tap * window + horizontal.tap) }, filter);
    }
    function loadPair(from: Local, { at, part: number }: PlacedTap, masked: boolean) {
      if (number !== 0) set(to, i32.add(from, part));
      for (const half of [0, 1]) {
        const load = (from: Local) => v128.load({ offset: 4 * at + 16 * half }, from);
        set(mixed[half], load(number === 0 ? from : to));
        // The tap right above a column of the result lies in the image.
        if (masked && at !== geometry.left) set(mixed[half], v128.and(mixed[half], load(ones)));
      }
    }
    /** The vectors of row t in the order of the result's columns. */
    function inOrder(t: number): Local<'v128'>[] {
      if (phases === 1) return sums(t, 0);
      const [[even, evenHigh], [odd, oddHigh]] = [sums(t, 0), sums(t, 1)];
      set(mixed[0], i8x16.shuffle(words(0, 4, 1, 5), even, odd));
      set(mixed[1], i8x16.shuffle(words(2, 6, 3, 7), even, odd));
      set(mixed[2], i8x16.shuffle(words(0, 4, 1, 5), evenHigh, oddHigh));
      set(mixed[3], i8x16.shuffle(words(2, 6, 3, 7), evenHigh, oddHigh));
      return [...mixed];
    }
    function finish(values: readonly Local<'v128'>[]) {
      if (hasResidual) values.forEach((value, j) => set(value, f32x4.add(value, v128.load({ offset: 16 * j }, from))));
      if (!shape.relu) return;
      set(weight, v128.const('f32x4', [0, 0, 0, 0]));
      for (const value of values) set(value, f32x4.pmax(value, weight));
    }
    function store() {
      if (hasResidual) set(from, i32.add(residual, i32.shl(x, 2)));
      for (let t = 0; t < rows; t++) {
        const values = inOrder(t);
        finish(values);
        values.forEach((value, j) => v128.store({ offset: 16 * j }, out, value));
        advance(out, outStride);
        if (hasResidual) advance(from, stride);
      }
    }
    /** Copies the elements that exist from `edge`. */
    function copyEdge() {
      set(out, i32.add(result, i32.shl(x, 2)));
      set(address, edge);
      for (let t = 0; t < rows; t++) {
        set(from, address);
        set(to, out);
        set(count, left);
        repeat(count, () => {
          f32.store({}, to, f32.load({}, from));
          for (const pointer of [from, to]) advance(pointer, 4);
        });
        advance(address, 4 * step);
        advance(out, stride);
      }
    }
  });
}
