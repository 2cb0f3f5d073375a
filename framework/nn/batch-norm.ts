// BatchNorm: each channel of [N, C, ..] normalised by the batch's statistics while training, by their running means afterwards.

import { ones, zeros } from '../create.ts';
import type { Place } from '../devices.ts';
import type { Op } from '../op.ts';
import { batchNorm, batchNormTraining } from '../ops/norm.ts';
import type { Tensor } from '../tensor.ts';
import { rule, update, updateOp } from '../update.ts';
import { held, Module } from './module.ts';

export interface BatchNormOptions {
  readonly device?: Place;
  readonly epsilon?: number;
  /** The new batch's share in the running statistics; 0.1 if absent. */
  readonly momentum?: number;
}

export class BatchNorm extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;
  /** Running statistics, [C]: no parameters, but part of the state. */
  readonly mean: Tensor;
  readonly variance: Tensor;
  readonly epsilon: number;
  readonly #follow: Op;

  constructor(channels: number, { device, epsilon = 1e-5, momentum = 0.1 }: BatchNormOptions = {}) {
    super();
    this.weight = held(ones([channels], { device, requiresGrad: true }));
    this.bias = held(zeros([channels], { device, requiresGrad: true }));
    this.mean = held(zeros([channels], { device }));
    this.variance = held(ones([channels], { device }));
    this.epsilon = epsilon;
    const { add, mul } = rule;
    this.#follow = updateOp(`running mean ${momentum}`, (old, batch) => add(mul(old, 1 - momentum), mul(batch, momentum)));
  }

  forward(x: Tensor): Tensor {
    if (!this.training) return batchNorm(x, this.mean, this.variance, this);
    const { output, mean, variance } = batchNormTraining(x, this);
    update(this.#follow, this.mean, mean);
    update(this.#follow, this.variance, variance);
    return output;
  }
}
