// The small convolutional net for MNIST: two convolutions of 3 by 3, each halved by pooling, and two linear layers.
//
//   [N, 1, 28, 28] -conv 32-> [N, 32, 28, 28] -pool-> [N, 32, 14, 14] -conv 64-> [N, 64, 14, 14] -pool-> [N, 64, 7, 7] -> 3136 -> 128 -> 10 logits

import type { Place } from '../devices.ts';
import { Conv2d, Flatten, heNormal, Linear, MaxPool2d, Module, Sequential } from '../nn/index.ts';
import type { Tensor } from '../tensor.ts';

export interface MnistCnnOptions {
  readonly device?: Place;
  /** Of the initial weights; 0 if absent. */
  readonly seed?: number;
  /** Rows and columns of an image, a multiple of 4; 28 if absent. */
  readonly size?: number;
  /** Filters of both convolutions and outputs of the hidden layer; [32, 64, 128] if absent. */
  readonly widths?: readonly [number, number, number];
  readonly classes?: number;
}

export class MnistCnn extends Module {
  readonly body: Sequential;

  constructor({ device, seed = 0, size = 28, widths = [32, 64, 128], classes = 10 }: MnistCnnOptions = {}) {
    super();
    if (size % 4 !== 0) throw new RangeError(`MnistCnn: size is ${size}, expected a multiple of 4, for two halvings`);
    const [first, second, hidden] = widths;
    const layer = (index: number) => ({ device, seed: 4 * seed + index, init: heNormal, relu: true });
    this.body = new Sequential(
      new Conv2d(1, first, 3, { ...layer(0), padding: 1 }),
      new MaxPool2d(2),
      new Conv2d(first, second, 3, { ...layer(1), padding: 1 }),
      new MaxPool2d(2),
      new Flatten(),
      new Linear((second * size * size) / 16, hidden, layer(2)),
      new Linear(hidden, classes, { device, seed: 4 * seed + 3 }),
    );
  }

  /** [N, 1, size, size] to logits [N, classes]. */
  forward(x: Tensor): Tensor {
    return this.body.forward(x);
  }
}
