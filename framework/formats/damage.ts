// Damaged files for the tests of every reader: each must end in a FormatError, or in arrays, and in nothing else.

import { FormatError, type HostArray } from './array.ts';

type Read = (bytes: Uint8Array) => unknown;

/** Undefined where `read` gives a value, the message of its FormatError otherwise. Rejects with any other error. */
export async function complaint(read: Read, bytes: Uint8Array): Promise<string | undefined> {
  try {
    await read(bytes);
    return undefined;
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
}

/** Lengths at which the file can be cut off without `read` noticing; none should be. */
export async function unnoticedCuts(read: Read, bytes: Uint8Array): Promise<number[]> {
  const unnoticed: number[] = [];
  for (let length = 0; length < bytes.length; length++)
    if ((await complaint(read, bytes.subarray(0, length))) === undefined) unnoticed.push(length);
  return unnoticed;
}

/** Places where `read` does not notice that bits of a byte are turned over. Rejects where it ends in another error than a FormatError. */
export async function unnoticedFlips(read: Read, bytes: Uint8Array): Promise<number[]> {
  const unnoticed = new Set<number>();
  for (let at = 0; at < bytes.length; at++)
    for (const bits of [0x01, 0x20, 0x80, 0xff]) {
      const damaged = Uint8Array.from(bytes);
      damaged[at] ^= bits;
      if ((await complaint(read, damaged)) === undefined) unnoticed.add(at);
    }
  return [...unnoticed];
}

/** An array with its elements as bytes: NaN equals itself, and 0 differs from -0. */
export const bitsOf = ({ shape, dtype, values }: HostArray) => ({ shape, dtype, bytes: [...new Uint8Array(values.buffer)] });

/** One array of every dtype, in ranks 0 to 3. */
export const EVERY_DTYPE: ReadonlyMap<string, HostArray> = new Map([
  ['weight', { shape: [2, 3], dtype: 'f32', values: Float32Array.of(0, -0, 1.5, Number.NaN, Number.NEGATIVE_INFINITY, 2 ** -149) }],
  ['half', { shape: [3], dtype: 'f16', values: Float16Array.of(0.5, -65504, 2 ** -24) }],
  ['steps', { shape: [], dtype: 'i32', values: Int32Array.of(-(2 ** 31)) }],
  ['pixels', { shape: [1, 5, 1], dtype: 'u8', values: Uint8Array.of(0, 1, 128, 254, 255) }],
  ['mask', { shape: [3], dtype: 'bool', values: Uint8Array.of(1, 0, 1) }],
]);
