// Collating: samples become the rows of a batch. `place` puts one sample in its row, `collate` stacks a list of them.

import { sizeOf } from '../shape.ts';
import type { Elements, Fields, Slots, Values } from './dataset.ts';
import { ELEMENTS, elementsAt } from './elements.ts';

/** What a batch has for a field: [samples, ...shape] in row-major order. */
export interface BatchArray {
  readonly dtype: 'f32' | 'i32' | 'u8';
  readonly shape: readonly number[];
  readonly values: Elements;
}
export type BatchArrays = Readonly<Record<string, BatchArray>>;

/** Copies a sample to its place. Throws a RangeError or TypeError where a field is missing, or of another size or kind than stated. */
export function place(values: Values, fields: Fields, slots: Slots): void {
  for (const name in fields) {
    const value = values[name];
    const slot = slots[name];
    if (typeof value === 'number' && slot.length === 1) slot[0] = value;
    else if (typeof value === 'object' && value.length === slot.length && value.constructor === slot.constructor) slot.set(value);
    else throw misfit(name, value, fields);
  }
}

function misfit(name: string, value: Values[string] | undefined, fields: Fields): Error {
  const { dtype, shape } = fields[name];
  const expected = `${ELEMENTS[dtype].name} of ${sizeOf(shape)} for ${dtype}[${shape}]`;
  if (value === undefined) return new TypeError(`it has no ${name}, expected a ${expected}; it has ${Object.keys(fields).join(', ')}`);
  if (typeof value === 'number') return new RangeError(`its ${name} is one number, expected a ${expected}`);
  if (value?.constructor !== ELEMENTS[dtype]) return new TypeError(`its ${name} is a ${value?.constructor?.name}, expected a ${expected}`);
  return new RangeError(`its ${name} has ${value.length} elements, expected a ${expected}`);
}

/** Samples stacked in order, in memory of their own. Throws where one does not fit the fields, or there is none. */
export function collate(samples: readonly Values[], fields: Fields): BatchArrays {
  if (samples.length === 0) throw new RangeError('collate: no samples, expected at least one');
  const arrays = Object.entries(fields).map(([name, { dtype, shape }]) => {
    const values = elementsAt(
      { dtype, shape },
      samples.length,
      new ArrayBuffer(samples.length * sizeOf(shape) * ELEMENTS[dtype].BYTES_PER_ELEMENT),
      0,
    );
    return [name, { dtype, shape: [samples.length, ...shape], values }] as const;
  });
  samples.forEach((sample, i) => {
    const slots = arrays.map(([name, { values }]) => {
      const size = sizeOf(fields[name].shape);
      return [name, values.subarray(i * size, (i + 1) * size)] as const;
    });
    try {
      place(sample, fields, Object.fromEntries(slots));
    } catch (error) {
      throw new (error as Error & { constructor: ErrorConstructor }).constructor(`collate: sample ${i}: ${(error as Error).message}`);
    }
  });
  return Object.fromEntries(arrays);
}
