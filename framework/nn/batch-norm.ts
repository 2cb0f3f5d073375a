// BatchNorm: each channel of [N, C, ..] normalised by the batch's statistics while training, by their running means afterwards.

import { ones, zeros } from '../create.ts';
import type { Place } from '../devices.ts';
import { specText } from '../layout.ts';
import type { UpdateOp } from '../op.ts';
import { batchNorm, batchNormTraining } from '../ops/norm.ts';
import type { Tensor } from '../tensor.ts';
import { rule, update, updateOp } from '../update.ts';
import { held, Module } from './module.ts';

export interface BatchNormOptions {
  readonly device?: Place;
  readonly epsilon?: number;
  /** The new batch's share in the running statistics; 0.1 if absent. */
  readonly momentum?: number;
  /** Whether channels are scaled and shifted by learned weights; true if absent. */
  readonly affine?: boolean;
}

export class BatchNorm extends Module {
  readonly weight: Tensor | undefined;
  readonly bias: Tensor | undefined;
  /** Running statistics, [C]: no parameters, but part of the state. */
  readonly runningMean: Tensor;
  readonly runningVariance: Tensor;
  readonly epsilon: number;
  readonly #follow: UpdateOp;

  constructor(channels: number, { device, epsilon = 1e-5, momentum = 0.1, affine = true }: BatchNormOptions = {}) {
    super();
    this.weight = affine ? held(ones([channels], { device, requiresGrad: true })) : undefined;
    this.bias = affine ? held(zeros([channels], { device, requiresGrad: true })) : undefined;
    this.runningMean = held(zeros([channels], { device }));
    this.runningVariance = held(ones([channels], { device }));
    this.epsilon = epsilon;
    const { add, mul } = rule;
    this.#follow = updateOp(`running mean ${momentum}`, (old, batch) => add(mul(old, 1 - momentum), mul(batch, momentum)));
  }

  forward(x: Tensor): Tensor {
    if (!this.training) return batchNorm(x, this.runningMean, this.runningVariance, this);
    const { output, mean, variance } = batchNormTraining(x, this);
    update(this.#follow, this.runningMean, mean);
    update(this.#follow, this.runningVariance, variance);
    return output;
  }
}

/** BatchNorm of images: refuses what is not [N, C, H, W]. */
export class BatchNorm2d extends BatchNorm {
  override forward(x: Tensor): Tensor {
    if (x.shape.length !== 4) throw new RangeError(`BatchNorm2d: got ${specText(x)}, expected [N, C, H, W]`);
    return super.forward(x);
  }
}
