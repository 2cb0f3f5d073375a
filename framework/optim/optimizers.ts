// The optimizers by name, each a formula of descent.ts with its defaults.

import type { Tensor } from '../tensor.ts';
import { type AdamSettings, adagrad, adam, type RmsPropSettings, rmsProp, type ScaledSettings, type SgdSettings, sgd } from './descent.ts';
import { Optimizer, type OptimizerOptions } from './optimizer.ts';

export type SgdOptions = OptimizerOptions & SgdSettings;
export type AdamOptions = Partial<OptimizerOptions> & AdamSettings;
export type ScaledOptions = Partial<OptimizerOptions> & ScaledSettings;
export type RmsPropOptions = Partial<OptimizerOptions> & RmsPropSettings;

/** Stochastic gradient descent, plain, with momentum, or Nesterov's. */
export class Sgd extends Optimizer {
  constructor(parameters: Iterable<Tensor>, options: SgdOptions) {
    super(parameters, options.lr, sgd(options));
  }
}

export class Adam extends Optimizer {
  constructor(parameters: Iterable<Tensor>, options: AdamOptions = {}) {
    super(parameters, options.lr ?? 1e-3, adam(options));
  }
}

/** Adam with decoupled weight decay, 0.01 if absent. */
export class AdamW extends Optimizer {
  constructor(parameters: Iterable<Tensor>, options: AdamOptions = {}) {
    super(parameters, options.lr ?? 1e-3, adam({ weightDecay: 0.01, ...options }, true));
  }
}

export class Adagrad extends Optimizer {
  constructor(parameters: Iterable<Tensor>, options: ScaledOptions = {}) {
    super(parameters, options.lr ?? 1e-2, adagrad(options));
  }
}

export class RmsProp extends Optimizer {
  constructor(parameters: Iterable<Tensor>, options: RmsPropOptions = {}) {
    super(parameters, options.lr ?? 1e-2, rmsProp(options));
  }
}
