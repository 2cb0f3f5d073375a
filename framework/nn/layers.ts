// Layers without weights, and those that hold other layers: activations, dropout, and Sequential.

import { constant } from '../../kernels/expression.ts';
import { zeros } from '../create.ts';
import { variable } from '../graph/node.ts';
import { dropout } from '../ops/norm.ts';
import { Tensor } from '../tensor.ts';
import { rule, update, updateOp } from '../update.ts';
import { held, type Layer, Module } from './module.ts';

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

const countUp = updateOp('draws', (count) => rule.add(count, constant(1, 'i32')));

/** Drops elements while training; each call drops others, and the same ones in a second run with the same seed. */
export class Dropout extends Module {
  readonly rate: number;
  readonly seed: number;
  /** Counts the calls on the device of the last one. It is no part of the state: weights from elsewhere come without it. */
  #draws: Tensor | undefined;
  /** Graphs that it was put into, each with a stream and a count of its own. */
  #uses = 0;

  constructor(rate = 0.5, seed = 0) {
    super();
    this.rate = rate;
    this.seed = seed;
  }

  forward(x: Tensor): Tensor {
    if (!this.training) return x;
    const draws = this.#drawsBeside(x);
    const stream = x instanceof Tensor ? 2 : 3 + this.#uses++;
    const kept = dropout(x, this.rate, { seed: this.seed, stream, step: draws });
    update(countUp, draws);
    return kept;
  }

  #drawsBeside(x: Tensor): Tensor {
    if (!(x instanceof Tensor)) return variable([0], undefined, { dtype: 'i32' }) as never;
    if (this.#draws?.isDisposed || this.#draws?.device !== x.device) {
      this.#draws?.dispose();
      this.#draws = held(zeros([1], { dtype: 'i32', device: x.device }));
    }
    return this.#draws;
  }

  override dispose(): void {
    this.#draws?.dispose();
    super.dispose();
  }
}
