// Linear: y = x · Wᵀ + b, with W [out, in] as PyTorch stores it; the kernel reads it transposed, and adds the bias as it stores.

import type { Place } from '../devices.ts';
import { matmul } from '../ops/matmul.ts';
import type { Tensor } from '../tensor.ts';
import { type Init, uniformWithin } from './init.ts';
import { held, Module } from './module.ts';

export interface LinearOptions {
  readonly device?: Place;
  /** True if absent. */
  readonly bias?: boolean;
  /** Of the initial weights; 0 if absent. Layers of one net should differ in it. */
  readonly seed?: number;
  /** How the weights start, such as `xavierUniform`; uniform within 1 / √inputs (LeCun's rule, PyTorch's default) if absent. */
  readonly init?: Init;
  /** max(x, 0) after the bias, in the same kernel; false if absent. */
  readonly relu?: boolean;
}

export class Linear extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  readonly relu: boolean;

  constructor(inputs: number, outputs: number, { device, bias = true, seed = 0, init, relu = false }: LinearOptions = {}) {
    super();
    const bound = 1 / Math.sqrt(inputs);
    const shape = [outputs, inputs];
    this.weight = held(init ? init(shape, { device, seed, stream: 0 }) : uniformWithin(shape, bound, { device, seed, stream: 0 }));
    this.bias = bias ? held(uniformWithin([outputs], bound, { device, seed, stream: 1 })) : undefined;
    this.relu = relu;
  }

  /** [.., inputs] to [.., outputs]. */
  forward(x: Tensor): Tensor {
    return matmul(x, this.weight, { transposeB: true, bias: this.bias, relu: this.relu });
  }
}
