// An accumulation is the state that a fold keeps for four lanes, in registers: how it starts, takes values in, is merged, and becomes a result.
//
//   sum, mean of f32   two f64 pairs: sums are rounded once, so that neither order nor length of a sum shows
//   sum of i32         four i32
//   max, min of f32    four values that no NaN gets into, and the mask of the lanes that met one: the instruction that lets NaN win is eight of the
//                      machine's, each waiting for the one before; this is one, and the mask waits for nothing
//   max, min of i32    four values
//   argmax, argmin     four values and their indices; the first of equals, or the first NaN

import type { Fold } from '../../problems/reduce.ts';
import { f32x4, f64x2, i8x16, i32x4, set, type Value, v128 } from '../assembly.ts';
import { floats, integers, type Vector } from '../math.ts';
import { HALVES_SWAPPED, NEIGHBOURS_SWAPPED } from '../shuffle.ts';

export interface Accumulation {
  readonly registers: number;
  start(state: readonly Vector[]): void;
  /** Takes in four values with their indices along the reduced dimension. */
  add(state: readonly Vector[], value: Vector, index: Vector, scratch: readonly Vector[]): void;
  merge(state: readonly Vector[], other: readonly Vector[], scratch: readonly Vector[]): void;
  /** Bytes that one lane of a state takes between passes, where a fold is shared: 8 of a sum, 4 of a finished value; 0 where it is not shared. */
  readonly partialBytes: 0 | 4 | 8;
  /** The result in the lanes it was folded in. `count` is the splat number of values of a mean. */
  finish(state: readonly Vector[], into: Vector, count: Vector): void;
}

const LOW_PAIRS = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];

function floatSum(mean: boolean): Accumulation {
  return {
    registers: 2,
    partialBytes: 8,
    start: (state) => {
      for (const pair of state) set(pair, integers(0));
    },
    add: ([low, high], value, _index, [upper]) => {
      set(upper, i8x16.shuffle(HALVES_SWAPPED, value, value));
      set(low, f64x2.add(low, f64x2.promote_low_f32x4(value)));
      set(high, f64x2.add(high, f64x2.promote_low_f32x4(upper)));
    },
    merge: (state, other) => state.forEach((pair, i) => set(pair, f64x2.add(pair, other[i]))),
    finish: ([low, high], into, count) => {
      for (const pair of mean ? [low, high] : []) set(pair, f64x2.div(pair, f64x2.promote_low_f32x4(count)));
      set(low, f32x4.demote_f64x2_zero(low));
      set(high, f32x4.demote_f64x2_zero(high));
      set(into, i8x16.shuffle(LOW_PAIRS, low, high));
    },
  };
}

/** A fold whose state is one value a lane, and whose merging is one instruction. */
function simple(start: () => Value<'v128'>, instruction: (a: Vector, b: Vector) => Value<'v128'>): Accumulation {
  return {
    registers: 1,
    partialBytes: 4,
    start: ([state]) => set(state, start()),
    add: ([state], value) => set(state, instruction(state, value)),
    merge: ([state], [other]) => set(state, instruction(state, other)),
    finish: ([state], into) => set(into, state),
  };
}

/** pmax(a, b) is a < b ? b : a, and so a where b is NaN. */
function floatExtreme(isMax: boolean): Accumulation {
  const instruction = isMax ? f32x4.pmax : f32x4.pmin;
  return {
    registers: 2,
    partialBytes: 4,
    start: ([best, nan]) => {
      set(best, floats(isMax ? -Infinity : Infinity));
      set(nan, integers(0));
    },
    add: ([best, nan], value) => {
      set(best, instruction(best, value));
      set(nan, v128.or(nan, f32x4.ne(value, value)));
    },
    merge: ([best, nan], other) => {
      set(best, instruction(best, other[0]));
      set(nan, v128.or(nan, other[1]));
    },
    // All bits set are a NaN.
    finish: ([best, nan], into) => set(into, v128.or(best, nan)),
  };
}

const LEAST = -(2 ** 31);

function indexOf(isFloat: boolean, isMax: boolean): Accumulation {
  const beats = (a: Vector, b: Vector) => {
    if (isFloat) return isMax ? f32x4.gt(a, b) : f32x4.lt(a, b);
    return isMax ? i32x4.gt_s(a, b) : i32x4.lt_s(a, b);
  };
  /** mask = a wins over b by its value. */
  const wins = (mask: Vector, a: Vector, b: Vector) => {
    set(mask, beats(a, b));
    if (isFloat) set(mask, v128.or(mask, v128.andnot(f32x4.ne(a, a), f32x4.ne(b, b))));
  };
  const take = ([value, index]: readonly Vector[], newValue: Vector, newIndex: Vector, mask: Vector) => {
    set(value, v128.bitselect(newValue, value, mask));
    set(index, v128.bitselect(newIndex, index, mask));
  };
  return {
    registers: 2,
    partialBytes: 0,
    start: ([value, index]) => {
      set(value, isFloat ? floats(isMax ? -Infinity : Infinity) : integers(isMax ? LEAST : -LEAST - 1));
      set(index, integers(0));
    },
    add: (state, value, index, [mask]) => {
      wins(mask, value, state[0]);
      take(state, value, index, mask);
    },
    merge: (state, other, [mask, reverse]) => {
      wins(mask, other[0], state[0]);
      wins(reverse, state[0], other[0]);
      // Where neither wins, the lower index does.
      set(reverse, v128.or(mask, reverse));
      set(mask, v128.or(mask, v128.andnot(i32x4.lt_s(other[1], state[1]), reverse)));
      take(state, other[0], other[1], mask);
    },
    finish: ([, index], into) => set(into, index),
  };
}

export function accumulationOf(fold: Fold, type: 'f32' | 'i32'): Accumulation {
  const isFloat = type === 'f32';
  switch (fold) {
    case 'sum':
    case 'mean':
      return isFloat ? floatSum(fold === 'mean') : simple(() => integers(0), i32x4.add);
    case 'max':
      return isFloat ? floatExtreme(true) : simple(() => integers(LEAST), i32x4.max_s);
    case 'min':
      return isFloat ? floatExtreme(false) : simple(() => integers(-LEAST - 1), i32x4.min_s);
    case 'argmax':
    case 'argmin':
      return indexOf(isFloat, fold === 'argmax');
  }
}

/** Merges the four lanes of a state: each lane then holds the fold of all four. `other` is overwritten. */
export function mergeLanes(
  accumulation: Accumulation,
  isPairs: boolean,
  state: readonly Vector[],
  other: readonly Vector[],
  scratch: readonly Vector[],
): void {
  if (isPairs) {
    // f64 pairs: first the two pairs, then the halves of the sum.
    set(state[0], f64x2.add(state[0], state[1]));
    set(other[0], i8x16.shuffle(HALVES_SWAPPED, state[0], state[0]));
    set(state[0], f64x2.add(state[0], other[0]));
    set(state[1], state[0]);
    return;
  }
  for (const order of [HALVES_SWAPPED, NEIGHBOURS_SWAPPED]) {
    state.forEach((register, i) => set(other[i], i8x16.shuffle(order, register, register)));
    accumulation.merge(state, other, scratch);
  }
}
