// From a plane of an image to n x n planes of its tiles: down the rows into the stage, then across, four tiles at a time.

import { advance, i32, if_, type Routine, repeat, routine, set, v128 } from '../../assembly.ts';
import { transpose } from '../../shuffle.ts';
import { constantsOf, Linear } from './linear.ts';
import type { Matrix } from './matrices.ts';
import { alongRow, loadPiece, QUAD, QUAD_BYTES, storePiece } from './stage.ts';

export interface AnalysisShape {
  /** Bᵀ for an image; the taps' matrix where the image's own elements are the taps. */
  readonly matrix: Matrix;
  readonly pitch: number;
  readonly fma: boolean;
}

const DOWN = { plane: i32, rows: i32, count: i32, stage: i32, bytes: i32, zeros: i32, step: i32 } as const;

/**
 * Generates `down(plane, rows, count, stage, bytes, zeros, step)`: `count` rows of tiles, whose image rows are in the table `rows`, transformed from top to
 * bottom into rows of the stage, `step` bytes from one row of tiles to the next; `bytes` of each row. Rows outside are read from `zeros`.
 */
export function downRoutine({ matrix, pitch, fma }: AnalysisShape): Routine {
  const taps = Math.max(...matrix.map((row) => row.length));
  const constants = constantsOf(matrix, 'rows');
  const locals = {
    at: i32,
    source: [i32, taps],
    constant: [v128, constants.length],
    value: [v128, 2 * taps],
    made: [v128, 2 * matrix.length],
    spare: [v128, 4],
  } as const;
  return routine(DOWN, locals, (names) => {
    const { plane, rows, count, stage, bytes, zeros, step, at, source, constant, value, made, spare } = names;
    const linear = new Linear(fma, constants, constant);
    linear.load();
    repeat(count, () => {
      source.forEach((address, i) => {
        set(address, i32.load({ offset: 4 * i }, rows));
        i32.lt_s(address, 0);
        if_(
          {},
          () => set(address, zeros),
          () => advance(address, plane),
        );
      });
      advance(rows, 4 * taps);
      alongRow(at, bytes, (piece) => {
        const width = piece === 'pair' ? 2 : 1;
        const bundles = (vectors: typeof value) =>
          Array.from({ length: vectors.length / 2 }, (_, i) => vectors.slice(2 * i, 2 * i + width));
        bundles(value).forEach((bundle, i) => loadPiece(piece, bundle, 0, () => i32.add(source[i], at)));
        const results = linear.byRows(matrix, bundles(value), bundles(made), bundles(spare));
        results.forEach((bundle, i) => storePiece(piece, bundle, i * pitch, () => i32.add(stage, at)));
      });
      advance(stage, step);
    });
  });
}

const ACROSS = { stage: i32, table: i32, quads: i32, target: i32, strip: i32, index: i32, plane: i32 } as const;

/**
 * Generates `across(stage, table, quads, target, strip, index, plane)`: the quads of a table, transformed from left to right out of the stage, each of the
 * n x n results into its plane, `plane` bytes apart, at row `index` of a strip; strips are `strip` bytes apart.
 */
export function acrossRoutine({ matrix, pitch, fma }: AnalysisShape): Routine {
  const n = matrix.length;
  const columns = Math.max(...matrix.map((row) => row.length));
  const constants = constantsOf(matrix, 'rows');
  const whole = Math.ceil(columns / 4) * 4;
  const locals = {
    tile: [i32, 4],
    to: i32,
    constant: [v128, constants.length],
    value: [v128, whole],
    made: [v128, n],
    spare: [v128, 4],
  } as const;
  return routine(ACROSS, locals, (names) => {
    const { stage, table, quads, target, strip, index, plane, tile, to, constant, value, made, spare } = names;
    const linear = new Linear(fma, constants, constant);
    linear.load();
    repeat(quads, () => {
      tile.forEach((address, t) => set(address, i32.add(stage, i32.load({ offset: 4 * t }, table))));
      set(to, i32.add(target, i32.mul(strip, i32.load({ offset: QUAD.strip }, table))));
      advance(to, i32.add(i32.load({ offset: QUAD.lane }, table), i32.mul(index, i32.load({ offset: QUAD.step }, table))));
      for (let i = 0; i < n; i++) {
        for (let first = 0; first < columns; first += 4) {
          const group = value.slice(first, first + 4);
          group.forEach((vector, t) => set(vector, v128.load({ offset: i * pitch + 4 * first }, tile[t])));
          transpose(group, spare, Math.min(4, columns - first));
        }
        const bundles = (vectors: typeof value) => vectors.map((vector) => [vector]);
        for (const [vector] of linear.byRows(matrix, bundles(value), bundles(made), bundles(spare))) {
          v128.store({}, to, vector);
          advance(to, plane);
        }
      }
      advance(table, QUAD_BYTES);
    });
  });
}
