// Elements as files store them. Files know more types than tensors do: each type is read as the dtype that keeps its values, or comes closest.
//
//   f32 f16 i32 u8 bool          as they are
//   bf16 -> f32                  exactly
//   f64 -> f32                   rounded to nearest; infinite beyond the range of f32
//   i8 i16 u16 -> i32            exactly
//   u32 i64 u64 -> i32           exactly, and an error where a value does not fit

import { type DType, type Values, valuesIn } from '../../kernels/index.ts';
import { FormatError } from './array.ts';

export type StoredType = DType | 'bf16' | 'f64' | 'i8' | 'i16' | 'u16' | 'u32' | 'i64' | 'u64';

type Bytes = Uint8Array<ArrayBuffer>;

interface Stored {
  /** Bytes of one element. */
  readonly size: number;
  readonly dtype: DType;
  /** The elements in bytes that nobody else uses and that begin on a whole word. Throws a FormatError that begins with `who`. */
  readonly read: (bytes: Bytes, who: string) => Values;
}

const asIs = (dtype: DType, size: number): Stored => ({
  size,
  dtype,
  read: (bytes) => valuesIn({ elements: bytes.length / size, dtype }, bytes),
});

function bools(bytes: Bytes, who: string): Values {
  const odd = bytes.findIndex((byte) => byte > 1);
  if (odd >= 0) throw new FormatError(`${who}: element ${odd} of bool is ${bytes[odd]}, expected 0 or 1; the file is damaged`);
  return bytes;
}

function wholes(values: ArrayLike<number | bigint>, type: StoredType, who: string): Values {
  const fitting = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]);
    fitting[i] = value;
    if (fitting[i] !== value)
      throw new FormatError(`${who}: element ${i} of ${type} is ${values[i]}, outside i32; save it as float32, or within ±2^31`);
  }
  return fitting;
}

export const STORED: Readonly<Record<StoredType, Stored>> = {
  f32: asIs('f32', 4),
  f16: asIs('f16', 2),
  i32: asIs('i32', 4),
  u8: asIs('u8', 1),
  bool: { size: 1, dtype: 'bool', read: bools },
  // A bfloat16 is the upper half of an f32.
  bf16: {
    size: 2,
    dtype: 'f32',
    read: ({ buffer }) => new Float32Array(Uint32Array.from(new Uint16Array(buffer), (half) => half << 16).buffer),
  },
  f64: { size: 8, dtype: 'f32', read: ({ buffer }) => new Float32Array(new Float64Array(buffer)) },
  i8: { size: 1, dtype: 'i32', read: ({ buffer }) => new Int32Array(new Int8Array(buffer)) },
  i16: { size: 2, dtype: 'i32', read: ({ buffer }) => new Int32Array(new Int16Array(buffer)) },
  u16: { size: 2, dtype: 'i32', read: ({ buffer }) => new Int32Array(new Uint16Array(buffer)) },
  u32: { size: 4, dtype: 'i32', read: ({ buffer }, who) => wholes(new Uint32Array(buffer), 'u32', who) },
  i64: { size: 8, dtype: 'i32', read: ({ buffer }, who) => wholes(new BigInt64Array(buffer), 'i64', who) },
  u64: { size: 8, dtype: 'i32', read: ({ buffer }, who) => wholes(new BigUint64Array(buffer), 'u64', who) },
};

/** Reverses the bytes of every element in place: big endian to little. */
export function swapBytes(bytes: Bytes, size: number): void {
  for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse();
}
