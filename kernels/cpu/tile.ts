// A register tile: MR x NR elements of C kept in registers while K goes by.
//
//                    b: one row of NR per step of k
//                  +----------------+
//                  |    ->->->->    |          C[i][j] += a[i] * b[j]      i < MR, j < NR
//                  +----------------+
//   a: MR per step | . . . . . . .  |          NR / 4 vectors per row, MR * NR / 4 accumulators
//                  | .  C in regs . |
//                  +----------------+
//
// Each step of k loads NR/4 vectors of b, splats MR values of a, and does MR * NR/4 multiply-adds: enough arithmetic per load to keep the
// multipliers busy from the first-level cache (Goto & van de Geijn 2008; the tile menu is XNNPACK's). V8's revectorisation fuses neighbouring vectors into 256
// bits where stores, loads and accumulators come in adjacent pairs: 6x16 then fits 12 + 2 + 1 of the 15 usable registers.

import type { Epilogue } from '../problem.ts';
import { f32x4, i32, multiplyAdd, type Routine, repeat, routine, set, v128 } from './assembly.ts';

/** How a tile finds its operands. */
export interface TileShape {
  readonly mr: number;
  readonly nr: number;
  /** Steps of k per iteration of the inner loop. */
  readonly unroll: number;
  /** `packed`: MR values in a row per step. `rows`: MR rows of A, `strideA` apart. `columns`: MR values per step, steps `strideA` apart. */
  readonly a: 'packed' | 'rows' | 'columns';
  /** `packed`: NR values in a row per step. `rows`: steps `strideB` apart. */
  readonly b: 'packed' | 'rows';
  /** Fused multiply-add (relaxed SIMD) instead of multiply, then add. */
  readonly fma: boolean;
  /** Adds to what C holds instead of overwriting it. */
  readonly accumulate: boolean;
  /** Done on the way out, if at all. */
  readonly epilogue?: Epilogue;
  /** What the bias goes along: `columns`, as in a matmul (if absent), or `rows`, as the filters of a convolution. */
  readonly biasAlong?: 'columns' | 'rows';
  /** Adds what lies at the address that the routine then takes as its last argument, `strideC` between rows; after the bias, before ReLU. */
  readonly residual?: boolean;
  /** Multiplies by alpha on the way out. */
  readonly scale: boolean;
}

const LANES = 4;

/** The arguments of a tile routine; strides in bytes. `rows` is how many of the MR rows of A or of a bias along rows exist. */
export const TILE_ARGUMENTS = {
  a: i32,
  b: i32,
  c: i32,
  k: i32,
  strideA: i32,
  strideB: i32,
  strideC: i32,
  rows: i32,
  bias: i32,
  alpha: i32,
} as const;

/** Generates `tile(a, b, c, k, strides.., rows, bias, alpha)`; it stores a full MR x NR tile at c. */
export function tileRoutine(shape: TileShape): Routine {
  const { mr, nr, unroll, epilogue, residual = false } = shape;
  const biasAlong = epilogue?.bias ? (shape.biasAlong ?? 'columns') : undefined;
  const vectors = nr / LANES;
  const locals = {
    sum: [v128, mr * vectors],
    bRow: [v128, vectors],
    aValue: v128,
    aRow: [i32, shape.a === 'rows' ? mr : 1],
    steps: i32,
  } as const;
  const inputs = { ...TILE_ARGUMENTS, ...(residual ? { residual: i32 } : {}) } as typeof TILE_ARGUMENTS & { residual: typeof i32 };
  return routine(inputs, locals, (names) => {
    const { a, b, c, k, strideA, strideB, strideC, bias, sum, bRow, aValue, aRow, steps } = names;
    const accumulator = (i: number, j: number) => sum[i * vectors + j];
    const accumulate = multiplyAdd(shape.fma);

    startRows();
    set(steps, i32.div_u(k, unroll));
    repeat(steps, () => stepsOfK(unroll));
    if (unroll > 1) {
      set(steps, i32.rem_u(k, unroll));
      repeat(steps, () => stepsOfK(1));
    }
    store();

    function startRows() {
      if (shape.a !== 'rows') return set(aRow[0], a);
      // Rows past the last are read from the last: their sums are thrown away.
      aRow.forEach((row, i) => {
        if (i === 0) return set(row, a);
        set(row, i32.add(aRow[i - 1], i32.and(strideA, i32.sub(0, i32.gt_u(names.rows, i)))));
      });
    }
    function stepsOfK(count: number) {
      for (let u = 0; u < count; u++) {
        for (let j = 0; j < vectors; j++) set(bRow[j], v128.load({ offset: ((shape.b === 'packed' ? u * nr : 0) + j * LANES) * 4 }, b));
        if (shape.b === 'rows') set(b, i32.add(b, strideB));
        for (let i = 0; i < mr; i++) {
          const from = shape.a === 'rows' ? aRow[i] : aRow[0];
          const offset = shape.a === 'packed' ? u * mr + i : shape.a === 'rows' ? u : i;
          set(aValue, v128.load32_splat({ offset: offset * 4 }, from));
          for (let j = 0; j < vectors; j++) accumulate(accumulator(i, j), aValue, bRow[j]);
        }
        if (shape.a === 'columns') set(aRow[0], i32.add(aRow[0], strideA));
      }
      if (shape.b === 'packed') set(b, i32.add(b, count * nr * 4));
      if (shape.a === 'packed') set(aRow[0], i32.add(aRow[0], count * mr * 4));
      if (shape.a === 'rows') for (const row of aRow) set(row, i32.add(row, count * 4));
    }
    function store() {
      // Loads first, then stores: a load that follows a store of the same row could not be fused with its neighbour.
      if (biasAlong === 'columns') for (let j = 0; j < vectors; j++) set(bRow[j], v128.load({ offset: j * LANES * 4 }, bias));
      for (let i = 0; i < mr; i++) {
        const row = Array.from({ length: vectors }, (_, j) => accumulator(i, j));
        if (shape.scale) set(aValue, v128.load32_splat({}, names.alpha));
        if (shape.scale) for (const value of row) set(value, f32x4.mul(value, aValue));
        if (shape.accumulate) row.forEach((value, j) => set(value, f32x4.add(value, v128.load({ offset: j * LANES * 4 }, c))));
        if (biasAlong === 'columns') row.forEach((value, j) => set(value, f32x4.add(value, bRow[j])));
        if (biasAlong === 'rows') {
          set(aValue, v128.load32_splat({}, bias));
          for (const value of row) set(value, f32x4.add(value, aValue));
          // Rows past the last take the last one's.
          if (i + 1 < mr) set(bias, i32.add(bias, i32.and(4, i32.sub(0, i32.gt_u(names.rows, i + 1)))));
        }
        if (residual) row.forEach((value, j) => set(value, f32x4.add(value, v128.load({ offset: j * LANES * 4 }, names.residual))));
        if (epilogue?.relu) set(aValue, v128.const('f32x4', [0, 0, 0, 0]));
        // pmax(x, 0) is x < 0 ? 0 : x: one instruction where max takes several, and NaN stays NaN.
        if (epilogue?.relu) for (const value of row) set(value, f32x4.pmax(value, aValue));
        row.forEach((value, j) => v128.store({ offset: j * LANES * 4 }, c, value));
        set(c, i32.add(c, strideC));
        if (residual) set(names.residual, i32.add(names.residual, strideC));
      }
    }
  });
}
