// Columns are folded a strip of rows at a time, 16 columns after 16 of the block, so that memory is read nearly in the order it lies in:
//
//              |-4-|-4-|-4-|-4-|-4-|-4-|-4-|-4-| .. a block of 1024 columns
//   strip   r  |               |               |
//           v  |  four states  |   then four   |  their states wait in scratch memory, in the first-level cache,
//           ---|---------------|---------------|  between one strip and the next
//   strip      |               |               |
//
// Walked down from top to bottom instead, every row is a line in another page: no line is fetched ahead, and translations run out.

import { advance, i32, i32x4, if_, min, repeat, set, untilZero, v128 } from '../assembly.ts';
import type { Walk } from './fold.ts';

/** States side by side: covers the latency of an addition, and 16 columns are a cache line wide. */
export const STATES = 4;
/** Columns of one unit of work. */
export const BLOCK = 1024;
/** A strip is as many rows as lie in a page or two, and not fewer than make up for loading and storing the states. */
const STRIP_BYTES = 2 ** 13;
const STRIP_ROWS = 8;

export const stripOf = (rowBytes: number): number => Math.max(STRIP_ROWS, Math.floor(STRIP_BYTES / rowBytes));

/** Bytes of the states of a block: a vector for each four columns, and for each of up to three that are left. */
export const scratchBytes = (registers: number): number => 16 * registers * (BLOCK / 4 + 3);

/** Folds the columns of a block and writes them in their order. */
export function walkColumns(walk: Walk): void {
  const { accumulation, size, at, length, width, rowBytes, strip, kept, integers, index, scratch, stateOf, evaluate, write } = walk;
  const { registers } = accumulation;
  const [top, first, rowsLeft, rows, columnsLeft, groups, keep, cell, left] = integers;

  set(top, at);
  set(first, 0);
  set(rowsLeft, length);
  untilZero(rowsLeft, () => {
    min(rows, rowsLeft, strip);
    set(rowsLeft, i32.sub(rowsLeft, rows));
    set(at, top);
    set(columnsLeft, width);
    set(keep, kept);
    repeatGroups(STATES, 4);
    repeatGroups(1, 4);
    repeatGroups(1, 1);
    advance(top, i32.mul(rows, rowBytes));
    advance(first, rows);
  });

  /** Groups of `states` vectors of columns, as long as so many are left in the block. */
  function repeatGroups(states: number, lanes: 1 | 4) {
    const columns = states * lanes;
    const own = Array.from({ length: states }, (_, i) => stateOf(i));
    const vectors = own.flat();
    set(groups, i32.div_u(columnsLeft, columns));
    set(columnsLeft, i32.rem_u(columnsLeft, columns));
    repeat(groups, () => {
      i32.eqz(first);
      if_(
        {},
        () => own.forEach((state) => accumulation.start(state)),
        () => vectors.forEach((vector, v) => set(vector, v128.load({ offset: 16 * v }, keep))),
      );
      set(index, i32x4.splat(first));
      set(cell, at);
      set(left, rows);
      repeat(left, () => {
        own.forEach((state, i) => accumulation.add(state, evaluate(i, cell, 4 * i * size, lanes), index, scratch));
        set(index, i32x4.add(index, i32x4.splat(1)));
        advance(cell, rowBytes);
      });
      i32.eqz(rowsLeft);
      if_(
        {},
        () => own.forEach((_, i) => write(i, lanes)),
        () => vectors.forEach((vector, v) => v128.store({ offset: 16 * v }, keep, vector)),
      );
      advance(keep, 16 * states * registers);
      advance(at, columns * size);
    });
  }
}
