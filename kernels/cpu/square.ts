// A square is 4x4 words in four registers: turned over, its rows become its columns.

import { i8x16, set } from './assembly.ts';
import type { Vector } from './math.ts';

/** Byte indices of a shuffle that picks four 32-bit lanes out of two vectors (0 to 3 and 4 to 7). */
export const lanes = (...four: number[]): number[] => four.flatMap((lane) => [4 * lane, 4 * lane + 1, 4 * lane + 2, 4 * lane + 3]);

/** Turns a square over in place; `pair` is overwritten. */
export function turnSquare(row: readonly Vector[], pair: readonly Vector[]): void {
  for (const half of [0, 2]) {
    set(pair[half], i8x16.shuffle(lanes(0, 4, 1, 5), row[half], row[half + 1]));
    set(pair[half + 1], i8x16.shuffle(lanes(2, 6, 3, 7), row[half], row[half + 1]));
  }
  for (const k of [0, 1, 2, 3])
    set(row[k], i8x16.shuffle(k % 2 === 0 ? lanes(0, 1, 4, 5) : lanes(2, 3, 6, 7), pair[k >> 1], pair[(k >> 1) + 2]));
}
