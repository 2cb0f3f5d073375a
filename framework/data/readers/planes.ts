// Images of one size that lie in memory as planes [count, C, H, W] of u8, with a label each: what MNIST and CIFAR-10 are once they are read.
// The memory is shared, so that workers open the same bytes and read no file again.

import { FormatError } from '../../formats/array.ts';
import { sizeOf } from '../../shape.ts';
import type { Clock, Dataset, Fields, Slots, Values } from '../dataset.ts';
import { printable } from '../file-error.ts';

export interface PlanesOptions {
  /** [C, H, W] of an image. */
  readonly shape: readonly [number, number, number];
  /** [count, C, H, W]. */
  readonly pixels: Uint8Array;
  /** [count], each below the number of classes. */
  readonly labels: Uint8Array;
  readonly classes: readonly string[];
  /** The files that hold the images, in order, each as many as the others. */
  readonly files: readonly string[];
  /** The file that holds the labels, where it is another. */
  readonly labelFile?: string;
  /** With it images are f32: (pixel / 255 - mean[c]) / std[c]. Without it they are u8 as they lie in the file. */
  readonly normalize?: { readonly mean: readonly number[]; readonly std: readonly number[] };
}

/** Throws a RangeError unless there is one mean and one deviation, above 0, for each channel. */
export function checkNormalize(
  { mean, std }: { readonly mean: readonly number[]; readonly std: readonly number[] },
  channels: number,
): void {
  if (mean.length !== channels || std.length !== channels)
    throw new RangeError(`normalize: ${mean.length} means and ${std.length} deviations, expected ${channels} each, one a channel`);
  const odd = [...mean, ...std].find((value) => !Number.isFinite(value)) ?? std.find((value) => value <= 0);
  if (odd !== undefined) throw new RangeError(`normalize: ${odd} among [${mean}] and [${std}]; expected numbers, deviations above 0`);
}

/** `table[c * 256 + pixel]`: the value of a pixel of channel c. */
export function normalTable(mean: readonly number[], std: readonly number[]): Float32Array {
  return Float32Array.from({ length: mean.length * 256 }, (_, i) => ((i & 255) / 255 - mean[i >> 8]) / std[i >> 8]);
}

export class Planes implements Dataset {
  readonly length: number;
  readonly fields: Fields;
  readonly classes: readonly string[];
  readonly recipe: Dataset['recipe'];
  readonly #options: PlanesOptions;
  readonly #size: number;
  readonly #table: Float32Array | undefined;

  /** Throws a FormatError that names the file where a label is out of range. */
  constructor(options: PlanesOptions) {
    const { shape, pixels, labels, classes, files, labelFile, normalize } = options;
    this.#options = options;
    this.#size = sizeOf(shape);
    this.length = labels.length;
    this.classes = classes;
    if (this.length === 0) throw new FormatError(`${printable(files[0])}: no images in the file, expected at least one`);
    if (pixels.length !== this.length * this.#size)
      throw new RangeError(`Planes: ${pixels.length} pixels for ${this.length} labels, expected ${this.#size} each`);
    const odd = labels.findIndex((label) => label >= classes.length);
    if (odd >= 0)
      throw new FormatError(
        `${printable(labelFile ?? this.nameOf(odd))}: the label of image ${odd} is ${labels[odd]}, expected 0 to ${classes.length - 1}`,
      );
    if (normalize) checkNormalize(normalize, shape[0]);
    this.#table = normalize && normalTable(normalize.mean, normalize.std);
    this.fields = { image: { dtype: normalize ? 'f32' : 'u8', shape: [...shape] }, label: { dtype: 'i32', shape: [] } };
    this.recipe = { module: import.meta.url, name: 'openPlanes', options };
  }

  nameOf(index: number): string {
    const { files } = this.#options;
    return `${files[Math.floor(index / (this.length / files.length))]}, image ${index % (this.length / files.length)}`;
  }

  get(index: number, clock?: Clock): Values {
    const image = this.#table ? new Float32Array(this.#size) : new Uint8Array(this.#size);
    this.#fill(index, image, clock);
    return { image, label: this.#options.labels[index] };
  }

  getInto(index: number, slots: Slots, clock?: Clock): void {
    this.#fill(index, slots.image as Float32Array | Uint8Array, clock);
    slots.label[0] = this.#options.labels[index];
  }

  #fill(index: number, image: Float32Array | Uint8Array, clock: Clock | undefined): void {
    const from = index * this.#size;
    const pixels = this.#options.pixels;
    if (!this.#table) {
      // A loop beats `set` of a subarray for images of a few hundred bytes.
      if (this.#size < 4096) for (let i = 0; i < this.#size; i++) image[i] = pixels[from + i];
      else image.set(pixels.subarray(from, from + this.#size));
      clock?.mark('fetch');
      return;
    }
    clock?.mark('fetch');
    const [channels, height, width] = this.#options.shape;
    const area = height * width;
    for (let c = 0; c < channels; c++) {
      const row = c * 256;
      for (let i = c * area; i < (c + 1) * area; i++) image[i] = this.#table[row + pixels[from + i]];
    }
    clock?.mark('transform');
  }
}

/** The factory that a recipe names. */
export const openPlanes = (options: PlanesOptions): Planes => new Planes(options);
