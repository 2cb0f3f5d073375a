// Shuffles of 32-bit lanes, and the 4x4 transpose that is made of them.

import { i8x16, type Local, set, type Value, v128 } from './assembly.ts';

/** Byte indices of a shuffle that picks four 32-bit lanes out of two vectors (0 to 3 and 4 to 7). */
export const words = (...lanes: number[]): number[] => lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte));

/** The two halves of a vector in each other's place, and its even and odd lanes. */
export const HALVES_SWAPPED = words(2, 3, 0, 1);
export const NEIGHBOURS_SWAPPED = words(1, 0, 3, 2);

/** All bits of the first lane. */
export const firstLane = (): Value<'v128'> => v128.const('i8x16', [255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

type Vectors = readonly Local<'v128'>[];

/**
 * Lane l of row t becomes lane t of row l, for the first `columns` lanes of four rows: `row[0]` to `row[columns - 1]` hold them then. `spare`: four vectors,
 * or two where there are at most two columns.
 */
export function transpose(row: Vectors, spare: Vectors, columns = 4): void {
  const pairs = columns > 2 ? 4 : 2;
  for (let p = 0; p < pairs; p++) {
    const from = p % 2 === 0 ? 0 : 2;
    set(spare[p], i8x16.shuffle(p < 2 ? words(0, 4, 1, 5) : words(2, 6, 3, 7), row[from], row[from + 1]));
  }
  for (let l = 0; l < columns; l++) {
    const from = l < 2 ? 0 : 2;
    set(row[l], i8x16.shuffle(l % 2 === 0 ? words(0, 1, 4, 5) : words(2, 3, 6, 7), spare[from], spare[from + 1]));
  }
}
