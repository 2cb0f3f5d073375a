// A row is folded into four states side by side, which are merged at its end: |-4-|-4-|-4-|-4-|..|1|.

import { advance, i32, i32x4, repeat, set, v128 } from '../assembly.ts';
import { integers as splat } from '../math.ts';
import { mergeLanes } from './accumulation.ts';
import { STATES } from './columns.ts';
import type { Walk } from './fold.ts';

/** All bits of the first lane. */
const FIRST_LANE = () => v128.const('i8x16', [255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

/** Folds one row and writes it. */
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
    const one = evaluate(0, at, 0, 1);
    // A sum must take it in once, not in every lane; the others do not mind.
    set(index, isSum ? v128.and(one, FIRST_LANE()) : one);
    accumulation.add(stateOf(0), index, laneIndex, scratch);
    advance(at, size);
    set(laneIndex, i32x4.add(laneIndex, splat(1)));
  });
  for (let i = 1; i < STATES; i++) accumulation.merge(stateOf(0), stateOf(i), scratch);
  mergeLanes(accumulation, accumulation.partialBytes === 8, stateOf(0), stateOf(1), scratch);
  write(0, 1);
}
