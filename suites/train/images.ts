// The images of a training: MNIST as u8, in training moved at random by a few pixels, in batches that seed and epoch decide.

import { drawsOf } from '../../framework/data/draws.ts';
import {
  type Batch,
  type Clock,
  DataLoader,
  type Dataset,
  openDataset,
  type Slots,
  subset,
  type Values,
} from '../../framework/data/index.ts';
import { type Recipe, SIDE } from './recipes.ts';

/** A batch on the host: images [size, 1, 28, 28] of u8, a class for each. */
export interface HostBatch {
  readonly size: number;
  readonly images: Uint8Array<ArrayBuffer>;
  readonly labels: Int32Array<ArrayBuffer>;
}

export interface Images {
  /** Batches of the recipe's size in a random order, the same ones for the same seed. A last one that is not full is left out. */
  readonly train: DataLoader;
  /** In order. */
  readonly test: DataLoader;
  readonly trainCount: number;
  readonly testCount: number;
  readonly testBatch: number;
}

/** Test images of a batch at most. */
const TEST_BATCH = 500;

/** Opens both parts of MNIST. Rejects with an error that says which file is missing or damaged, and what brings it. */
export async function openImages(recipe: Recipe, seed: number): Promise<Images> {
  const [train, test] = await Promise.all([part('train', recipe.images?.train), part('test', recipe.images?.test)]);
  if (train.length < recipe.batch) throw new RangeError(`mnist: ${train.length} training images make no batch of ${recipe.batch}`);
  const moved = recipe.shift > 0 ? new Shifted(train, recipe.shift, seed) : train;
  const testBatch = largestDivisor(test.length, TEST_BATCH);
  return {
    train: new DataLoader(moved, { batchSize: recipe.batch, shuffle: true, seed, dropLast: true }),
    test: new DataLoader(test, { batchSize: testBatch }),
    trainCount: train.length,
    testCount: test.length,
    testBatch,
  };
}

async function part(split: 'train' | 'test', count?: number): Promise<Dataset> {
  const whole = await openDataset('mnist', { split });
  return count === undefined || count >= whole.length
    ? whole
    : subset(
        whole,
        Int32Array.from({ length: count }, (_, i) => i),
      );
}

/** A graph is made for one batch size: test images fill every batch of it. */
const largestDivisor = (count: number, most: number): number => {
  for (let size = Math.min(most, count); ; size--) if (count % size === 0) return size;
};

/** What a loader's batch holds, in the form that training takes. */
export function hostBatch({ size, arrays }: Batch): HostBatch {
  const { image, label } = arrays;
  return { size, images: image.values as Uint8Array<ArrayBuffer>, labels: label.values as Int32Array<ArrayBuffer> };
}

/** A dataset of u8 images [1, 28, 28], each moved by up to `most` pixels either way; what comes in at an edge is 0. */
export class Shifted implements Dataset {
  epoch = 0;
  readonly length: number;
  readonly fields: Dataset['fields'];
  readonly #whole: Dataset;
  readonly #most: number;
  readonly #seed: number;
  readonly #image = new Uint8Array(SIDE * SIDE);

  constructor(whole: Dataset, most: number, seed: number) {
    this.length = whole.length;
    this.fields = whole.fields;
    this.#whole = whole;
    this.#most = most;
    this.#seed = seed;
  }

  nameOf(index: number): string {
    return this.#whole.nameOf?.(index) ?? `sample ${index}`;
  }

  get(index: number, clock?: Clock): Values {
    const slots = { image: new Uint8Array(SIDE * SIDE), label: new Int32Array(1) };
    this.getInto(index, slots, clock);
    return { image: slots.image, label: slots.label[0] };
  }

  getInto(index: number, slots: Slots, clock?: Clock): void {
    this.#whole.getInto!(index, { ...slots, image: this.#image }, clock);
    const draw = drawsOf(this.#seed, this.epoch, index);
    const by = () => Math.floor(draw() * (2 * this.#most + 1)) - this.#most;
    moveInto(slots.image as Uint8Array, this.#image, by(), by());
    clock?.mark('transform');
  }
}

/** Writes an image moved by so many pixels to the right and down. */
function moveInto(to: Uint8Array, from: Uint8Array, right: number, down: number): void {
  to.fill(0);
  const [first, last] = [Math.max(0, right), SIDE + Math.min(0, right)];
  for (let y = Math.max(0, down); y < SIDE + Math.min(0, down); y++)
    for (let x = first, at = (y - down) * SIDE + first - right; x < last; x++, at++) to[y * SIDE + x] = from[at];
}
