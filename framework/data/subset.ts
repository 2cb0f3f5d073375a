// A part of a dataset: sample i is sample indices[i] of the whole. Random transforms draw as they do in the whole.

import type { Clock, Dataset, Fields, Recipe, Slots, Values } from './dataset.ts';
import { openRecipe } from './recipe.ts';

export class Subset implements Dataset {
  readonly length: number;
  readonly #whole: Dataset;
  readonly #indices: Int32Array;
  readonly getInto?: (index: number, slots: Slots, clock?: Clock) => void | Promise<void>;

  /** Throws a RangeError for an index that the whole does not have. */
  constructor(whole: Dataset, indices: ArrayLike<number>) {
    this.#whole = whole;
    this.#indices = Int32Array.from(indices);
    this.length = indices.length;
    const odd = Array.prototype.find.call(indices, (index: number) => !(Number.isInteger(index) && index >= 0 && index < whole.length));
    if (odd !== undefined) throw new RangeError(`subset: index ${odd}, expected whole numbers from 0 to ${whole.length - 1}`);
    if (whole.getInto) this.getInto = (index, slots, clock) => whole.getInto!(this.#indices[index], slots, clock);
  }

  get fields(): Fields {
    return this.#whole.fields;
  }
  get epoch(): number {
    return this.#whole.epoch ?? 0;
  }
  set epoch(epoch: number) {
    this.#whole.epoch = epoch;
  }
  get recipe(): Recipe | undefined {
    const { recipe } = this.#whole;
    return recipe && { module: import.meta.url, name: 'openSubset', options: { whole: recipe, indices: this.#indices } };
  }

  get(index: number, clock?: Clock): Values | Promise<Values> {
    return this.#whole.get(this.#indices[index], clock);
  }
  nameOf(index: number): string {
    const at = this.#indices[index];
    return this.#whole.nameOf?.(at) ?? `sample ${at} of the whole`;
  }
}

/** The samples at `indices`, in that order. */
export const subset = (dataset: Dataset, indices: ArrayLike<number>): Subset => new Subset(dataset, indices);

/** The factory that a recipe names. */
export const openSubset = async ({ whole, indices }: { readonly whole: Recipe; readonly indices: Int32Array }): Promise<Subset> =>
  new Subset(await openRecipe(whole), indices);
