// A layout says how a tensor lies in its buffer: shape, dtype, strides and offset. Transposes, slices and broadcasts are layouts, not copies.
//
// Layouts are interned: equal ones are the same object with the same number, so that an eager op finds its launch by a short key.

import type { DType } from '../kernels/index.ts';
import { denseStrides, type Shape } from './shape.ts';

/** What is known of a value before it is computed: its shape and the dtype of its elements. */
export interface Spec {
  readonly shape: Shape;
  readonly dtype: DType;
}

export interface Layout extends Spec {
  readonly id: number;
  /** Elements from one index of an axis to the next; 0 where the axis repeats. */
  readonly strides: readonly number[];
  /** The first element's place in the buffer, in elements. */
  readonly offset: number;
  /** Row-major without gaps, from the start of the buffer. */
  readonly dense: boolean;
}

/** More distinct layouts than a program meets; beyond it the ones that waited longest get a new number when they return. */
const KEPT = 8192;

const known = new Map<string, Layout>();
let lastId = 0;

/** The layout of a value: dense where strides are left out. */
export function layoutOf({ shape, dtype }: Spec, strides?: readonly number[], offset = 0): Layout {
  const key = `${dtype}/${shape}/${strides ?? ''}/${offset}`;
  const found = known.get(key);
  if (found) return found;
  const rowMajor = denseStrides(shape);
  // A stride along an axis of size 1 is never used: any value is as good as the dense one.
  const dense = offset === 0 && (!strides || shape.every((size, axis) => size === 1 || strides[axis] === rowMajor[axis]));
  const layout =
    dense && strides ? layoutOf({ shape, dtype }) : { id: ++lastId, shape, dtype, strides: strides ?? rowMajor, offset, dense };
  if (known.size >= KEPT) known.delete(known.keys().next().value!);
  known.set(key, layout);
  return layout;
}

/** `f32[2,3]`: a spec as messages name it. */
export const specText = ({ shape, dtype }: Spec): string => `${dtype}[${shape}]`;

const DTYPES: readonly DType[] = ['f32', 'f16', 'i32', 'u8', 'bool'];

/** Throws a TypeError for a dtype that there is not. */
export function checkDtype(who: string, dtype: DType): void {
  if (!DTYPES.includes(dtype)) throw new TypeError(`${who}: dtype is ${dtype}, expected one of ${DTYPES.join(', ')}`);
}
