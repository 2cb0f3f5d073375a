// Rows are folded four at a time, a state each, so that memory is read in four streams: one alone keeps too few lines under way.
// A row by itself is folded into four states side by side, which are merged at its end.
//
//   four rows:  |-4-|..|1|      one row:  |-4-|-4-|-4-|-4-|..|1|
//               |-4-|..|1|
//               |-4-|..|1|
//               |-4-|..|1|

import { advance, i32, i32x4, repeat, set, v128 } from '../assembly.ts';
import { integers as splat, type Vector } from '../math.ts';
import { firstLane } from '../shuffle.ts';
import { mergeLanes } from './accumulation.ts';
import { STATES } from './columns.ts';
import type { Walk } from './fold.ts';

/** A sum must take in a single element once, not in every lane; the others do not mind. */
function single(into: Vector, one: Vector, isSum: boolean): Vector {
  set(into, isSum ? v128.and(one, firstLane()) : one);
  return into;
}

/** Folds four rows and writes them; moves `at` past them. */
export function walkFourRows(walk: Walk): void {
  const { accumulation, isSum, size, at, length, integers, index, laneIndex, scratch, stateOf, evaluate, write } = walk;
  const [left, rowBytes, ...cells] = integers;
  const rows = cells.slice(0, STATES);
  set(rowBytes, i32.mul(length, size));
  rows.forEach((cell, i) => {
    set(cell, at);
    advance(at, rowBytes);
    accumulation.start(stateOf(i));
  });
  set(laneIndex, v128.const('i32x4', [0, 1, 2, 3]));
  set(left, i32.shr_u(length, 2));
  repeat(left, () => {
    rows.forEach((cell, i) => {
      accumulation.add(stateOf(i), evaluate(i, cell, 0, 4), laneIndex, scratch);
      advance(cell, 4 * size);
    });
    set(laneIndex, i32x4.add(laneIndex, splat(4)));
  });
  set(laneIndex, i32x4.splat(i32.and(length, -4)));
  set(left, i32.and(length, 3));
  repeat(left, () => {
    rows.forEach((cell, i) => {
      accumulation.add(stateOf(i), single(index, evaluate(i, cell, 0, 1), isSum), laneIndex, scratch);
      advance(cell, size);
    });
    set(laneIndex, i32x4.add(laneIndex, splat(1)));
  });
  rows.forEach((_, i) => {
    // An accumulation's own scratch is the first two.
    mergeLanes(accumulation, accumulation.partialBytes === 8, stateOf(i), scratch.slice(2), scratch);
    write(i, 1);
  });
}

/** Folds one row and writes it; moves `at` past it. */
export function walkRow({
  accumulation,
  isSum,
  size,
  at,
  length,
  integers,
  index,
  laneIndex,
  scratch,
  stateOf,
  evaluate,
  write,
}: Walk): void {
  const [left] = integers;
  for (let i = 0; i < STATES; i++) accumulation.start(stateOf(i));
  set(laneIndex, v128.const('i32x4', [0, 1, 2, 3]));
  set(left, i32.div_u(length, 4 * STATES));
  repeat(left, () => {
    for (let i = 0; i < STATES; i++) {
      const four = evaluate(i, at, 4 * i * size, 4);
      set(index, i32x4.add(laneIndex, splat(4 * i)));
      accumulation.add(stateOf(i), four, index, scratch);
    }
    advance(at, 4 * STATES * size);
    set(laneIndex, i32x4.add(laneIndex, splat(4 * STATES)));
  });
  set(left, i32.shr_u(i32.rem_u(length, 4 * STATES), 2));
  repeat(left, () => {
    accumulation.add(stateOf(0), evaluate(0, at, 0, 4), laneIndex, scratch);
    advance(at, 4 * size);
    set(laneIndex, i32x4.add(laneIndex, splat(4)));
  });
  set(laneIndex, i32x4.splat(i32.and(length, -4)));
  set(left, i32.and(length, 3));
  repeat(left, () => {
    accumulation.add(stateOf(0), single(index, evaluate(0, at, 0, 1), isSum), laneIndex, scratch);
    advance(at, size);
    set(laneIndex, i32x4.add(laneIndex, splat(1)));
  });
  for (let i = 1; i < STATES; i++) accumulation.merge(stateOf(0), stateOf(i), scratch);
  mergeLanes(accumulation, accumulation.partialBytes === 8, stateOf(0), stateOf(1), scratch);
  write(0, 1);
}
