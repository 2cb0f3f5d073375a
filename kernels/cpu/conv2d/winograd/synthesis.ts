// From n x n planes of products back to a plane of the result: across into the stage, then down the rows, with the epilogue on the way out.

import type { ConvEpilogue } from '../../../problems/conv2d.ts';
import { advance, f32x4, i8x16, i32, if_, type Routine, repeat, routine, set, v128 } from '../../assembly.ts';
import { transpose, words } from '../../shuffle.ts';
import { constantsOf, Linear } from './linear.ts';
import type { Matrix } from './matrices.ts';
import { alongRow, loadPiece, QUAD, QUAD_BYTES, storePiece } from './stage.ts';

export interface SynthesisShape {
  /** Aᵀ. */
  readonly matrix: Matrix;
  readonly pitch: number;
  readonly fma: boolean;
}

const ACROSS = { source: i32, table: i32, quads: i32, stage: i32, strip: i32, index: i32, plane: i32 } as const;

/** Generates `back(source, table, quads, stage, strip, index, plane)`: row `index` of the planes' strips, transformed from left to right into the stage. */
export function backRoutine({ matrix, pitch, fma }: SynthesisShape): Routine {
  const [m, n] = [matrix.length, matrix[0].length];
  const constants = constantsOf(matrix, 'columns');
  const locals = {
    tile: [i32, 4],
    from: i32,
    constant: [v128, constants.length],
    value: [v128, n],
    made: [v128, 4],
    spare: [v128, 4],
  } as const;
  return routine(ACROSS, locals, (names) => {
    const { source, table, quads, stage, strip, index, plane, tile, from, constant, value, made, spare } = names;
    const linear = new Linear(fma, constants, constant);
    linear.load();
    repeat(quads, () => {
      tile.forEach((address, t) => set(address, i32.add(stage, i32.load({ offset: 4 * t }, table))));
      set(from, i32.add(source, i32.mul(strip, i32.load({ offset: QUAD.strip }, table))));
      advance(from, i32.add(i32.load({ offset: QUAD.lane }, table), i32.mul(index, i32.load({ offset: QUAD.step }, table))));
      const bundles = (vectors: typeof value) => vectors.map((vector) => [vector]);
      for (let i = 0; i < n; i++) {
        for (const vector of value) {
          set(vector, v128.load({}, from));
          advance(from, plane);
        }
        linear.byColumns(matrix, bundles(value), bundles(made), [spare[0]]);
        if (m === 4) {
          transpose(made, spare);
          made.forEach((vector, t) => v128.store({ offset: i * pitch }, tile[t], vector));
        } else {
          set(spare[0], i8x16.shuffle(words(0, 4, 1, 5), made[0], made[1]));
          set(spare[1], i8x16.shuffle(words(2, 6, 3, 7), made[0], made[1]));
          tile.forEach((address, t) => v128.store64_lane({ offset: i * pitch }, t % 2, address, spare[t >> 1]));
        }
      }
      advance(table, QUAD_BYTES);
    });
  });
}

const DOWN = { stage: i32, rows: i32, count: i32, step: i32, bytes: i32, plane: i32, dump: i32, bias: i32, residual: i32 } as const;

/**
 * Generates `out(stage, rows, count, step, bytes, plane, dump, bias, residual)`: `count` rows of tiles of the stage, `step` bytes apart, to the rows of the
 * result in the table `rows`; `bytes` of each row. Rows outside go to `dump`. `bias`: address of the plane's; `residual`: address of its plane.
 */
export function outRoutine({ matrix, pitch, fma }: SynthesisShape, epilogue: ConvEpilogue): Routine {
  const [m, n] = [matrix.length, matrix[0].length];
  const constants = constantsOf(matrix, 'columns');
  const locals = {
    at: i32,
    target: [i32, m],
    added: [i32, m],
    constant: [v128, constants.length],
    shift: v128,
    zero: v128,
    value: [v128, 2 * n],
    made: [v128, 2 * m],
    spare: [v128, 2],
  } as const;
  return routine(DOWN, locals, (names) => {
    const { stage, rows, count, step, bytes, plane, dump, bias, residual, at, target, added, constant, shift, zero, value, made, spare } =
      names;
    const linear = new Linear(fma, constants, constant);
    linear.load();
    if (epilogue.bias) set(shift, v128.load32_splat({}, bias));
    if (epilogue.relu) set(zero, v128.const('f32x4', [0, 0, 0, 0]));
    repeat(count, () => {
      target.forEach((address, i) => {
        set(address, i32.load({ offset: 4 * i }, rows));
        i32.lt_s(address, 0);
        if_(
          {},
          () => {
            set(address, dump);
            if (epilogue.residual) set(added[i], dump);
          },
          () => {
            if (epilogue.residual) set(added[i], i32.add(address, residual));
            advance(address, plane);
          },
        );
      });
      advance(rows, 4 * m);
      alongRow(at, bytes, (piece) => {
        const width = piece === 'pair' ? 2 : 1;
        const bundles = (vectors: typeof value) =>
          Array.from({ length: vectors.length / 2 }, (_, i) => vectors.slice(2 * i, 2 * i + width));
        bundles(value).forEach((bundle, i) => loadPiece(piece, bundle, i * pitch, () => i32.add(stage, at)));
        const results = linear.byColumns(matrix, bundles(value), bundles(made), spare.slice(0, width));
        results.forEach((bundle, i) => {
          if (epilogue.bias) for (const vector of bundle) set(vector, f32x4.add(vector, shift));
          if (epilogue.residual) {
            // The spare is free now.
            loadPiece(piece, spare, 0, () => i32.add(added[i], at));
            bundle.forEach((vector, v) => set(vector, f32x4.add(vector, spare[v])));
          }
          // pmax(x, 0) is x < 0 ? 0 : x: one instruction where max takes several, and NaN stays NaN.
          if (epilogue.relu) for (const vector of bundle) set(vector, f32x4.pmax(vector, zero));
        });
        results.forEach((bundle, i) => storePiece(piece, bundle, 0, () => i32.add(target[i], at)));
      });
      advance(stage, step);
    });
  });
}
