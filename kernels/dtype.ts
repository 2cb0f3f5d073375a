// A dtype is how one element is stored. Bytes are the same on every device, so that tensors move between devices by plain copies.
//
// A bool is one byte, 0 or 1. A buffer of bytes or halves is filled up to whole 32-bit words; what the padding holds is undefined.

export type DType = 'f32' | 'f16' | 'i32' | 'u8' | 'bool';

export const bytesPerElement = (dtype: DType): 1 | 2 | 4 => (dtype === 'f16' ? 2 : dtype === 'u8' || dtype === 'bool' ? 1 : 4);

/** The arithmetic that elements of a dtype are computed in. */
export const valueTypeOf = (dtype: DType): 'f32' | 'i32' | 'bool' =>
  dtype === 'bool' ? 'bool' : dtype === 'i32' || dtype === 'u8' ? 'i32' : 'f32';

/** How many elements of which dtype an operand has. */
export interface Extent {
  readonly elements: number;
  readonly dtype: DType;
}

/** Bytes of an operand, in whole words. */
export const paddedBytes = ({ elements, dtype }: Extent): number => Math.ceil((elements * bytesPerElement(dtype)) / 4) * 4;

/** Elements as the typed array that holds them. */
export type Values = Float32Array<ArrayBuffer> | Float16Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

const ARRAYS = {
  f32: Float32Array,
  f16: Float16Array,
  i32: Int32Array,
  u8: Uint8Array,
  bool: Uint8Array,
} as const satisfies Record<DType, unknown>;

/** `values` rounded to a dtype. */
export const valuesOf = (dtype: DType, values: ArrayLike<number>): Values => new ARRAYS[dtype](values as number[]);

/** The elements in bytes that were read from a device. */
export const valuesIn = ({ elements, dtype }: Extent, bytes: Uint8Array<ArrayBuffer>): Values =>
  new ARRAYS[dtype](bytes.buffer, bytes.byteOffset, elements);
