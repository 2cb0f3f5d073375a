// An image while transforms work on it: crops and resizes are only noted, and pixels are computed once, at the end, where they are needed.

import type { Image } from '../decode/image.ts';
import { type Box, resample } from './resample.ts';

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
      this.#image = this.pixels();
      this.#box = whole(this.#image.width, this.#image.height);
    }
    this.#size = { width, height };
    this.#window = whole(width, height);
  }

  /** What is seen, computed; not yet mirrored. */
  pixels(): Image {
    if (this.#size) return resample(this.#image, this.#box, this.#size, this.#window);
    const { left, top, width, height } = this.#box;
    if (width === this.#image.width && height === this.#image.height) return this.#image;
    const pixels = new Uint8Array(width * height * 3);
    for (let y = 0; y < height; y++) {
      const from = ((top + y) * this.#image.width + left) * 3;
      pixels.set(this.#image.pixels.subarray(from, from + width * 3), y * width * 3);
    }
    return { width, height, pixels };
  }
}
