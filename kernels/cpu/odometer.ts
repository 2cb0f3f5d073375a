// The odometer walks addresses through the outer dimensions of strided operands, row by row: one addition a step instead of divisions.

import { advance, i32, if_, type Local, set } from './assembly.ts';

export interface Walker {
  /** The address that walks. */
  readonly at: Local;
  /** Bytes a step, by dimension. */
  readonly strides: readonly Local[];
}

export interface Odometer {
  /** The index of the row, one register a dimension. */
  readonly index: readonly Local[];
  readonly sizes: readonly Local[];
  readonly walkers: readonly Walker[];
}

/** Sets the index, and moves the walkers from the first row, to row number `row`; overwrites `rest`. */
export function seek({ index, sizes, walkers }: Odometer, row: Local, rest: Local): void {
  set(rest, row);
  for (let d = sizes.length - 1; d >= 0; d--) {
    set(index[d], i32.rem_u(rest, sizes[d]));
    set(rest, i32.div_u(rest, sizes[d]));
    for (const { at, strides } of walkers) advance(at, i32.mul(index[d], strides[d]));
  }
}

/** Moves to the next row. */
export function step({ index, sizes, walkers }: Odometer, d = sizes.length - 1): void {
  if (d < 0) return;
  advance(index[d], 1);
  for (const { at, strides } of walkers) advance(at, strides[d]);
  i32.eq(index[d], sizes[d]);
  if_({}, () => {
    for (const { at, strides } of walkers) set(at, i32.sub(at, i32.mul(index[d], strides[d])));
    set(index[d], 0);
    step({ index, sizes, walkers }, d - 1);
  });
}
