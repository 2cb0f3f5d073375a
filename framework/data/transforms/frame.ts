// An image while transforms work on it: crops and resizes are only noted, and pixels are computed once, at the end, where they are needed.

import type { Image } from '../decode/image.ts';
import { type Box, type Raster, rasterOf } from '../pixel-memory.ts';
import { imageOf, resample } from './resample.ts';

const whole = (width: number, height: number): Box => ({ left: 0, top: 0, width, height });

export class Frame {
  /** Left and right are to change when the pixels are read. */
  mirrored = false;
  #image: Image;
  #box: Box;
  /** What the box is resized to; undefined while it keeps its size. */
  #size: { width: number; height: number } | undefined;
  /** The part of the resized box that is left. */
  #window: Box;

  constructor(image: Image) {
    this.#image = image;
    this.#box = this.#window = whole(image.width, image.height);
  }

  get width(): number {
    return this.#window.width;
  }
  get height(): number {
    return this.#window.height;
  }

  /** Keeps a rectangle of what is seen. Throws a RangeError where it is not inside. */
  crop({ left, top, width, height }: Box): void {
    if (left < 0 || top < 0 || left + width > this.width || top + height > this.height)
      throw new RangeError(`the image is ${this.width}x${this.height}, too small to crop ${width}x${height} from it; resize it first`);
    const from = this.mirrored ? this.width - left - width : left;
    const { left: x, top: y } = this.#size ? this.#window : this.#box;
    const kept = { left: x + from, top: y + top, width, height };
    if (this.#size) this.#window = kept;
    else {
      this.#box = kept;
      this.#window = whole(width, height);
    }
  }

  resize(width: number, height: number): void {
    if (this.#size) {
      this.#image = imageOf(this.raster());
      this.#box = whole(this.#image.width, this.#image.height);
    }
    this.#size = { width, height };
    this.#window = whole(width, height);
  }

  /** What is seen, computed, in the memory of images; not yet mirrored. Valid until another image is worked on. */
  raster(): Raster {
    const source = rasterOf(this.#image, this.#box);
    return this.#size ? resample(source, this.#size, this.#window) : source;
  }
}
