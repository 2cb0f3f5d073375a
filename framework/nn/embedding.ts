// Embedding: a learned row for each of `count` things, looked up by number.

import { normal } from '../create.ts';
import type { Place } from '../devices.ts';
import { gather } from '../ops/gather.ts';
import type { Tensor } from '../tensor.ts';
import { held, Module } from './module.ts';

export class Embedding extends Module {
  readonly weight: Tensor;

  /** Rows start normal with deviation 1. */
  constructor(count: number, width: number, { device, seed = 0 }: { readonly device?: Place; readonly seed?: number } = {}) {
    super();
    this.weight = held(normal([count, width], { device, seed, requiresGrad: true }));
  }

  /** i32 [..] to [.., width]; zeros for a number outside of 0 to count - 1. */
  forward(indices: Tensor): Tensor {
    return gather(this.weight, indices);
  }
}
