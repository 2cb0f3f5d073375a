// Recurrent cells: one step in time, from an input [N, inputs] and a state [N, size] to the next state. Gates are ordered as PyTorch orders them.

import { zeros } from '../create.ts';
import { slice } from '../ops/shape.ts';
import type { Tensor } from '../tensor.ts';
import { Linear, type LinearOptions } from './linear.ts';
import { Module } from './module.ts';

type CellOptions = Pick<LinearOptions, 'device' | 'seed'>;

/** h' = tanh(W x + b + U h + c) (Elman 1990). */
export class RnnCell extends Module {
  readonly size: number;
  readonly input: Linear;
  readonly recurrent: Linear;

  constructor(inputs: number, size: number, { device, seed = 0 }: CellOptions = {}) {
    super();
    this.size = size;
    this.input = new Linear(inputs, size, { device, seed: 2 * seed });
    this.recurrent = new Linear(size, size, { device, seed: 2 * seed + 1 });
  }

  /** A state of zeros for a batch. */
  start(batch: number): Tensor {
    return zeros([batch, this.size], { device: this.input.weight.device });
  }

  forward(x: Tensor, hidden: Tensor): Tensor {
    return this.input.forward(x).add(this.recurrent.forward(hidden)).tanh();
  }
}

export interface LstmState {
  readonly hidden: Tensor;
  readonly cell: Tensor;
}

/** Long short-term memory (Hochreiter and Schmidhuber 1997, with a forget gate): c' = f · c + i · g, h' = o · tanh(c'). */
export class LstmCell extends Module {
  readonly size: number;
  /** To the four gates i, f, g, o, one after another. */
  readonly input: Linear;
  readonly recurrent: Linear;

  constructor(inputs: number, size: number, { device, seed = 0 }: CellOptions = {}) {
    super();
    this.size = size;
    this.input = new Linear(inputs, 4 * size, { device, seed: 2 * seed });
    this.recurrent = new Linear(size, 4 * size, { device, seed: 2 * seed + 1 });
  }

  /** A state of zeros for a batch. */
  start(batch: number): LstmState {
    const { device } = this.input.weight;
    return { hidden: zeros([batch, this.size], { device }), cell: zeros([batch, this.size], { device }) };
  }

  forward(x: Tensor, { hidden, cell }: LstmState): LstmState {
    const gates = this.input.forward(x).add(this.recurrent.forward(hidden));
    const gate = (index: number) => slice(gates, [], [index * this.size, (index + 1) * this.size]);
    const next = gate(1)
      .sigmoid()
      .mul(cell)
      .add(gate(0).sigmoid().mul(gate(2).tanh()));
    return { hidden: gate(3).sigmoid().mul(next.tanh()), cell: next };
  }
}

/** Gated recurrent unit (Cho et al. 2014, as PyTorch has it): n = tanh(W x + r · (U h)), h' = (1 - z) · n + z · h. */
export class GruCell extends Module {
  readonly size: number;
  /** To the gates r, z, n, one after another. */
  readonly input: Linear;
  readonly recurrent: Linear;

  constructor(inputs: number, size: number, { device, seed = 0 }: CellOptions = {}) {
    super();
    this.size = size;
    this.input = new Linear(inputs, 3 * size, { device, seed: 2 * seed });
    this.recurrent = new Linear(size, 3 * size, { device, seed: 2 * seed + 1 });
  }

  /** A state of zeros for a batch. */
  start(batch: number): Tensor {
    return zeros([batch, this.size], { device: this.input.weight.device });
  }

  forward(x: Tensor, hidden: Tensor): Tensor {
    const [seen, known] = [this.input.forward(x), this.recurrent.forward(hidden)];
    const part = (of: Tensor, index: number) => slice(of, [], [index * this.size, (index + 1) * this.size]);
    const [reset, keep] = [0, 1].map((index) => part(seen, index).add(part(known, index)).sigmoid());
    const fresh = part(seen, 2)
      .add(reset.mul(part(known, 2)))
      .tanh();
    return hidden.sub(fresh).mul(keep).add(fresh);
  }
}
