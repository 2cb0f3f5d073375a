// Arrays in memory as a dataset: sample i is row i of each. Workers see the same bytes, which are shared, not copied.

import type { HostArray } from '../formats/array.ts';
import { sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { Clock, Dataset, Elements, Field, Fields, Recipe, Slots, Values } from './dataset.ts';
import { ELEMENTS } from './elements.ts';

/** [n, ...shape of the field] in row-major order. */
export type Rows = Pick<HostArray, 'shape'> & { readonly dtype: Field['dtype']; readonly values: Elements };

interface Column {
  readonly name: string;
  readonly size: number;
  values: Elements;
}

export class ArrayDataset implements Dataset {
  readonly length: number;
  readonly fields: Fields;
  readonly #arrays: Readonly<Record<string, Rows>>;
  readonly #columns: readonly Column[];
  #recipe: Recipe | undefined;

  /** Throws a RangeError or TypeError where arrays have not the same number of rows, or do not fit their shapes. */
  constructor(arrays: Readonly<Record<string, Rows>>) {
    const entries = Object.entries(arrays);
    if (entries.length === 0) throw new RangeError('ArrayDataset: no arrays, expected at least one');
    this.#arrays = arrays;
    this.length = entries[0][1].shape[0] ?? 0;
    for (const [name, { shape, dtype, values }] of entries) {
      if (shape.length === 0 || shape[0] !== this.length)
        throw new RangeError(`ArrayDataset: ${name} has the shape [${shape}], expected ${this.length} rows like ${entries[0][0]}`);
      if (!(dtype in ELEMENTS)) throw new TypeError(`ArrayDataset: ${name} is ${dtype}, expected ${Object.keys(ELEMENTS).join(', ')}`);
      if (!(values instanceof ELEMENTS[dtype]) || values.length !== sizeOf(shape))
        throw new RangeError(
          `ArrayDataset: ${name} is a ${values.constructor.name} of ${values.length}, expected a ${ELEMENTS[dtype].name} of ${sizeOf(shape)} for ${dtype}[${shape}]`,
        );
    }
    this.fields = Object.fromEntries(entries.map(([name, { dtype, shape }]) => [name, { dtype, shape: shape.slice(1) }]));
    this.#columns = entries.map(([name, { shape, values }]) => ({ name, size: sizeOf(shape.slice(1)), values }));
  }

  get(index: number): Values {
    return Object.fromEntries(
      this.#columns.map(({ name, size, values }) => [
        name,
        this.fields[name].shape.length === 0 ? values[index] : values.slice(index * size, (index + 1) * size),
      ]),
    );
  }

  getInto(index: number, slots: Slots, clock?: Clock): void {
    for (const { name, size, values } of this.#columns) {
      const slot = slots[name];
      const from = index * size;
      // A loop beats `set` of a subarray for rows of a few hundred elements.
      if (size <= 1024) for (let i = 0; i < size; i++) slot[i] = values[from + i];
      else slot.set(values.subarray(from, from + size));
    }
    clock?.mark('fetch');
  }

  /** Moves the arrays to shared memory, once. */
  get recipe(): Recipe {
    this.#recipe ??= { module: import.meta.url, name: 'openArrays', options: this.#share() };
    return this.#recipe;
  }

  #share(): Record<string, Rows> {
    for (const column of this.#columns) {
      if (column.values.buffer instanceof SharedArrayBuffer) continue;
      const { values } = column;
      const Kind = values.constructor as Float32ArrayConstructor;
      const shared = new Kind(new SharedArrayBuffer(values.byteLength));
      shared.set(values);
      column.values = shared;
    }
    return Object.fromEntries(this.#columns.map(({ name, values }) => [name, { ...this.#arrays[name], values }]));
  }
}

/** The factory that a recipe names. */
export const openArrays = (arrays: Readonly<Record<string, Rows>>): ArrayDataset => new ArrayDataset(arrays);

/** Tensors of equally many rows, read to the host, as a dataset. Rejects where a dtype is none of f32, i32, u8. */
export async function tensorDataset(tensors: Readonly<Record<string, Tensor>>): Promise<ArrayDataset> {
  const read = Object.entries(tensors).map(
    async ([name, tensor]) => [name, { shape: tensor.shape, dtype: tensor.dtype, values: await tensor.read() } as Rows] as const,
  );
  return new ArrayDataset(Object.fromEntries(await Promise.all(read)));
}
