// A host array is what a file holds and a tensor is made from: elements in row-major order with a shape and a dtype; `tensor(array.values, array)`
// puts one on a device. Here is also what every format asks of it, and the error that every reader throws.

import { type DType, type Values, valuesOf } from '../../kernels/index.ts';
import { type Shape, sizeOf } from '../shape.ts';

export interface HostArray {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly values: Values;
}

/** A file that is damaged, hostile, or holds what tensors cannot; the message names the format, the array, what was found and what was expected. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
}

/** Most dimensions that a file may give an array; NumPy's own limit. */
const MAX_RANK = 64;

const isShape = (shape: unknown): shape is Shape =>
  Array.isArray(shape) && shape.length <= MAX_RANK && shape.every((size) => Number.isSafeInteger(size) && size >= 0);

/** A shape that a file states, and its number of elements. Throws a FormatError where it is no shape, or has more elements than can be counted. */
export function statedShape(who: string, shape: unknown): { shape: Shape; elements: number } {
  if (!isShape(shape))
    throw new FormatError(`${who}: shape is ${excerpt(JSON.stringify(shape))}, expected a list of at most ${MAX_RANK} whole numbers`);
  // A 0 anywhere makes an empty array, even where the product of the other sizes overflows.
  const elements = shape.includes(0) ? 0 : sizeOf(shape);
  if (!Number.isSafeInteger(elements))
    throw new FormatError(`${who}: shape [${excerpt(`${shape}`)}] has ${elements} elements, more than any file can hold`);
  return { shape, elements };
}

/** Throws a TypeError or RangeError where an array that is to be written does not fit together. */
export function checkArray(who: string, { shape, dtype, values }: HostArray): void {
  if (!isShape(shape)) throw new RangeError(`${who}: shape is [${shape}], expected at most ${MAX_RANK} whole numbers`);
  const expected = valuesOf(dtype, []).constructor as new () => Values;
  if (!(values instanceof expected))
    throw new TypeError(`${who}: values of ${dtype} are a ${(values as Values).constructor.name}, expected a ${expected.name}`);
  if (values.length !== sizeOf(shape))
    throw new RangeError(`${who}: ${values.length} elements do not fill the shape [${shape}], which has ${sizeOf(shape)}`);
  const odd = dtype === 'bool' ? values.findIndex((value) => value > 1) : -1;
  if (odd >= 0) throw new RangeError(`${who}: element ${odd} of bool is ${values[odd]}, expected 0 or 1`);
}

/** Text of a file, short enough for a message and without control characters, which could steer a terminal. */
export function excerpt(text: string | undefined, most = 60): string {
  if (text === undefined) return 'missing';
  return (text.length > most ? `${text.slice(0, most)}...` : text).replace(/\p{Cc}/gu, '?');
}
