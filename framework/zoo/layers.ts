// What the nets of the zoo are made of: layers with He's initial weights, each from a seed of its own, their widths scaled alike.

import type { Place } from '../devices.ts';
import { BatchNorm2d, Conv2d, type Conv2dLayerOptions, heNormal, Linear } from '../nn/index.ts';

export interface NetOptions {
  /** The first device that was opened if absent. */
  readonly device?: Place;
  /** Of the initial weights and of dropout; 0 if absent. */
  readonly seed?: number;
  /** Pixels of an image's side; 224 if absent. */
  readonly size?: number;
  /** 1000 if absent. */
  readonly classes?: number;
  /** What every number of channels and of hidden units is multiplied by, for nets that must be small; 1 if absent. */
  readonly width?: number;
}

/** Layers for one net. */
export class Layers {
  readonly size: number;
  readonly classes: number;
  readonly #width: number;
  readonly #device: Place | undefined;
  #seed: number;

  /** Throws a RangeError for a width that is not above 0. */
  constructor({ device, seed = 0, size = 224, classes = 1000, width = 1 }: NetOptions) {
    if (!(width > 0)) throw new RangeError(`zoo: width is ${width}, expected a number above 0`);
    this.size = size;
    this.classes = classes;
    this.#width = width;
    this.#device = device;
    this.#seed = seed * 1000;
  }

  get seed(): number {
    return this.#seed++;
  }

  /** Channels or hidden units at this net's width; a multiple of 2, since convolutions come in up to two groups. */
  wide(channels: number): number {
    return this.#width === 1 ? channels : 2 * Math.max(1, Math.round((channels * this.#width) / 2));
  }

  conv(channels: number, filters: number, size: number, options: Conv2dLayerOptions = {}): Conv2d {
    return new Conv2d(channels, filters, size, { device: this.#device, seed: this.seed, init: heNormal, ...options });
  }

  linear(inputs: number, outputs: number): Linear {
    return new Linear(inputs, outputs, { device: this.#device, seed: this.seed, init: heNormal });
  }

  norm(channels: number): BatchNorm2d {
    return new BatchNorm2d(channels, { device: this.#device });
  }
}
