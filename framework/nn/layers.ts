// Layers without weights, and those that hold other layers: activations, dropout, and Sequential.

import { dropout } from '../ops/norm.ts';
import type { Tensor } from '../tensor.ts';
import { type Layer, Module } from './module.ts';

/** A function as a layer. */
export class Activation extends Module {
  readonly #work: (x: Tensor) => Tensor;
  constructor(work: (x: Tensor) => Tensor) {
    super();
    this.#work = work;
  }
  forward(x: Tensor): Tensor {
    return this.#work(x);
  }
}

export const relu = (): Activation => new Activation((x) => x.relu());
export const leakyRelu = (slope?: number): Activation => new Activation((x) => x.leakyRelu(slope));
export const sigmoid = (): Activation => new Activation((x) => x.sigmoid());
export const tanh = (): Activation => new Activation((x) => x.tanh());
export const gelu = (): Activation => new Activation((x) => x.gelu());
export const softmax = (axis = -1): Activation => new Activation((x) => x.softmax(axis));
export const logSoftmax = (axis = -1): Activation => new Activation((x) => x.logSoftmax(axis));

/** Layers one after another. */
export class Sequential extends Module {
  readonly layers: readonly Layer[];
  constructor(...layers: Layer[]) {
    super();
    this.layers = layers;
  }
  forward(x: Tensor): Tensor {
    return this.layers.reduce((each, layer) => layer.forward(each), x);
  }
}

/** Drops elements while training; each call drops others, and the same ones in a second run with the same seed. */
export class Dropout extends Module {
  readonly rate: number;
  readonly seed: number;
  #calls = 0;
  constructor(rate = 0.5, seed = 0) {
    super();
    this.rate = rate;
    this.seed = seed;
  }
  forward(x: Tensor): Tensor {
    return this.training ? dropout(x, this.rate, { seed: this.seed, stream: 2, step: this.#calls++ }) : x;
  }
}
