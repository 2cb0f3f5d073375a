// LayerNorm: each sample normalised over its last axes, then scaled and shifted by learned weights.

import { ones, zeros } from '../create.ts';
import type { Place } from '../devices.ts';
import { layerNorm } from '../ops/norm.ts';
import type { Shape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { held, Module } from './module.ts';

export class LayerNorm extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly epsilon: number;

  /** Over the axes of `shape`, the last of the input. */
  constructor(shape: Shape, { device, epsilon = 1e-5 }: { readonly device?: Place; readonly epsilon?: number } = {}) {
    super();
    this.weight = held(ones(shape, { device, requiresGrad: true }));
    this.bias = held(zeros(shape, { device, requiresGrad: true }));
    this.epsilon = epsilon;
  }

  forward(x: Tensor): Tensor {
    return layerNorm(x, this.weight.shape, { weight: this.weight, bias: this.bias, epsilon: this.epsilon });
  }
}
