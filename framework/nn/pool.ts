// Pooling layers, and what turns their images into rows. They have no weights.

import type { Pair } from '../../kernels/index.ts';
import { type AveragePoolOptions, avgPool2d, globalAvgPool, maxPool2d, type PoolOptions } from '../ops/pool.ts';
import type { ReduceOptions } from '../ops/reduce.ts';
import { reshape } from '../ops/shape.ts';
import type { Tensor } from '../tensor.ts';
import { Module } from './module.ts';

/** The largest element of each window: [N, C, H, W] to [N, C, H', W']. */
export class MaxPool2d extends Module {
  readonly window: Pair;
  readonly options: PoolOptions;
  constructor(window: Pair, options: PoolOptions = {}) {
    super();
    this.window = window;
    this.options = options;
  }
  forward(x: Tensor): Tensor {
    return maxPool2d(x, this.window, this.options);
  }
}

/** The mean of each window: [N, C, H, W] to [N, C, H', W']. */
export class AvgPool2d extends Module {
  readonly window: Pair;
  readonly options: AveragePoolOptions;
  constructor(window: Pair, options: AveragePoolOptions = {}) {
    super();
    this.window = window;
    this.options = options;
  }
  forward(x: Tensor): Tensor {
    return avgPool2d(x, this.window, this.options);
  }
}

/** The mean of each channel: [N, C, H, W] to [N, C], or [N, C, 1, 1] with `keepDims` (PyTorch's AdaptiveAvgPool2d(1)). */
export class GlobalAvgPool extends Module {
  readonly options: ReduceOptions;
  constructor(options: ReduceOptions = {}) {
    super();
    this.options = options;
  }
  forward(x: Tensor): Tensor {
    return globalAvgPool(x, this.options);
  }
}

/** [N, ..] to [N, elements of the rest]. */
export class Flatten extends Module {
  forward(x: Tensor): Tensor {
    return reshape(x, [x.shape[0], -1]);
  }
}
