// Descent scaled by past gradients: Adagrad (Duchi et al. 2011) divides by the root of the sum of their squares, RMSProp (Tieleman and Hinton 2012) by that of
// their running mean.

import type { Expression } from '../../kernels/expression.ts';
import type { UpdateOp } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { rule, update, updateOp } from '../update.ts';
import { checkSetting, Optimizer, type OptimizerOptions } from './optimizer.ts';

export interface ScaledOptions extends Partial<OptimizerOptions> {
  /** Keeps the quotient finite. */
  readonly epsilon?: number;
}

/** p -= lr · g / (√s + ε), with s kept by the optimizer's own rule from its old value and g². */
class ScaledDescent extends Optimizer {
  readonly #accumulate: UpdateOp;
  readonly #descend: UpdateOp;

  constructor(
    parameters: Iterable<Tensor>,
    name: string,
    settings: Required<ScaledOptions>,
    next: (s: Expression, g2: Expression) => Expression,
  ) {
    const { lr, epsilon, weightDecay } = settings;
    super(parameters, lr);
    checkSetting(name, 'weightDecay', weightDecay);
    const key = `${name} ${epsilon} ${weightDecay}`;
    const { add, sub, mul, div, sqrt } = rule;
    const decayed = (g: Expression, p: Expression) => (weightDecay ? add(g, mul(p, weightDecay)) : g);
    this.#accumulate = updateOp(`scale of ${key}`, (s, p, g) => next(s, mul(decayed(g, p), decayed(g, p))));
    this.#descend = updateOp(key, (p, g, s, lr) => sub(p, div(mul(lr, decayed(g, p)), add(sqrt(s), epsilon))));
  }

  protected settings(): number[] {
    return [this.lr];
  }

  protected change(parameter: Tensor, gradient: Tensor, lr: Tensor): void {
    const scale = this.slot(parameter, 'scale');
    update(this.#accumulate, scale, parameter, gradient);
    update(this.#descend, parameter, gradient, scale, lr);
  }
}

export class Adagrad extends ScaledDescent {
  constructor(parameters: Iterable<Tensor>, { lr = 1e-2, epsilon = 1e-10, weightDecay = 0 }: ScaledOptions = {}) {
    super(parameters, 'adagrad', { lr, epsilon, weightDecay }, rule.add);
  }
}

export class RmsProp extends ScaledDescent {
  /** `alpha`: share of the running mean that stays from step to step; 0.99 if absent. */
  constructor(parameters: Iterable<Tensor>, options: ScaledOptions & { readonly alpha?: number } = {}) {
    const { lr = 1e-2, epsilon = 1e-8, weightDecay = 0, alpha = 0.99 } = options;
    checkSetting('rmsProp', 'alpha', alpha, 0, 1);
    const { add, mul } = rule;
    super(parameters, `rmsProp ${alpha}`, { lr, epsilon, weightDecay }, (s, g2) => add(mul(s, alpha), mul(g2, 1 - alpha)));
  }
}
