// Images of a folder or an archive as a dataset: read, decode, transform. `image` [3, H, W] u8, or f32 after to-tensor, and `label` i32.

import { FormatError } from '../../formats/array.ts';
import type { Clock, Dataset, Fields, Slots, Values } from '../dataset.ts';
import { type Decode, type Image, imageDecoder } from '../decode/image.ts';
import { drawsOf } from '../draws.ts';
import { naming } from '../file-error.ts';
import type { Frame } from '../transforms/frame.ts';
import { Pipeline } from '../transforms/pipeline.ts';
import { standardTransforms, type Transform } from '../transforms/transform.ts';
import { type ImageBytes, type ImageList, openBytes } from './image-list.ts';
import { listImages } from './list-images.ts';

export interface ImagesOptions {
  /** Default: shorter side 256, middle 224, u8. An empty list leaves images as they are; then all must have one size. */
  readonly transforms?: readonly Transform[];
  /** Of random transforms; default 0. */
  readonly seed?: number;
}

interface Opened extends ImagesOptions {
  readonly list: ImageList;
}

export class Images implements Dataset {
  readonly length: number;
  readonly fields: Fields;
  readonly classes: readonly string[];
  readonly recipe: Dataset['recipe'];
  /** The pass over the data that random transforms draw for. */
  epoch = 0;
  readonly #list: ImageList;
  readonly #bytes: ImageBytes;
  readonly #decode: Decode;
  readonly #pipeline: Pipeline;
  readonly #seed: number;

  constructor({ list, transforms = standardTransforms(224), seed = 0 }: Opened, decode: Decode) {
    this.#list = list;
    this.#bytes = openBytes(list);
    this.#decode = decode;
    this.#pipeline = new Pipeline(transforms);
    this.#seed = seed;
    this.length = list.names.length;
    this.classes = list.classes;
    const { size, dtype } = this.#pipeline;
    const [height, width] = size ? [size, size] : this.#sizeOfFirst();
    this.fields = { image: { dtype, shape: [3, height, width] }, label: { dtype: 'i32', shape: [] } };
    this.recipe = { module: import.meta.url, name: 'openListed', options: { list, transforms, seed } };
  }

  nameOf(index: number): string {
    return this.#list.names[index];
  }

  /** Throws a FormatError or DataError that names the file. */
  get(index: number, clock?: Clock): Values {
    const size = this.fields.image.shape.reduce((a, b) => a * b, 1);
    const image = this.#pipeline.dtype === 'f32' ? new Float32Array(size) : new Uint8Array(size);
    this.#fill(index, image, clock);
    return { image, label: this.#list.labels[index] };
  }

  getInto(index: number, slots: Slots, clock?: Clock): void {
    this.#fill(index, slots.image as Float32Array | Uint8Array, clock);
    slots.label[0] = this.#list.labels[index];
  }

  /** Closes the archive, where it is one. */
  close(): void {
    this.#bytes.close();
  }

  #fill(index: number, out: Uint8Array | Float32Array, clock: Clock | undefined): void {
    const bytes = this.#bytes.read(index);
    clock?.mark('fetch');
    this.#about(index, () => {
      const image = this.#decode(bytes);
      clock?.mark('decode');
      const frame = this.#framed(index, image);
      const [, height, width] = this.fields.image.shape;
      if (frame.width !== width || frame.height !== height)
        throw new FormatError(
          `the image is ${frame.width}x${frame.height} after its transforms, expected ${width}x${height} like the first; resize and crop`,
        );
      this.#pipeline.write(frame, out);
      clock?.mark('transform');
    });
  }

  #framed(index: number, image: Image): Frame {
    return this.#pipeline.apply(image, drawsOf(this.#seed, this.epoch, index));
  }

  #sizeOfFirst(): [number, number] {
    const { width, height } = this.#about(0, () => this.#framed(0, this.#decode(this.#bytes.read(0))));
    return [height, width];
  }

  /** What `work` on an image returns; its errors name the file. A crop or a size that an image does not have is a RangeError of the transforms. */
  #about<T>(index: number, work: () => T): T {
    return naming(this.nameOf(index), () => {
      try {
        return work();
      } catch (error) {
        throw error instanceof RangeError ? new FormatError(error.message, { cause: error }) : error;
      }
    });
  }
}

/** The factory that a recipe names. */
export const openListed = async (options: Opened): Promise<Images> => new Images(options, await imageDecoder());

/** The images at a place: see list-images.ts. Rejects with a FormatError or DataError that names the file. */
export const openImages = async ({ path, ...options }: { readonly path: string } & ImagesOptions): Promise<Images> =>
  openListed({ ...options, list: listImages(path) });
