// The typed arrays that hold a field's elements.

import { sizeOf } from '../shape.ts';
import type { Elements, Field } from './dataset.ts';

export const ELEMENTS = { f32: Float32Array, i32: Int32Array, u8: Uint8Array } as const satisfies Record<Field['dtype'], unknown>;

export const bytesOf = ({ dtype, shape }: Field): number => sizeOf(shape) * ELEMENTS[dtype].BYTES_PER_ELEMENT;

/** `count` samples' elements of a field, as a view of memory from a byte on. */
export function elementsAt({ dtype, shape }: Field, count: number, memory: ArrayBufferLike, byte: number): Elements {
  return new ELEMENTS[dtype](memory as ArrayBuffer, byte, count * sizeOf(shape));
}
