// Stochastic gradient descent: v = momentum · v + g, then p -= lr · v; Nesterov's form looks ahead by p -= lr · (g + momentum · v).
//
// As PyTorch has it (Sutskever et al. 2013, with the learning rate outside the velocity).

import type { UpdateOp } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { rule, update, updateOp } from '../update.ts';
import { checkSetting, Optimizer, type OptimizerOptions } from './optimizer.ts';

export interface SgdOptions extends OptimizerOptions {
  /** Share of the velocity that stays from step to step; 0 if absent. */
  readonly momentum?: number;
  readonly nesterov?: boolean;
}

export class Sgd extends Optimizer {
  #velocity: UpdateOp | undefined;
  #descend: UpdateOp;

  constructor(parameters: Iterable<Tensor>, { lr, momentum = 0, nesterov = false, weightDecay = 0 }: SgdOptions) {
    super(parameters, lr);
    checkSetting('sgd', 'momentum', momentum, 0, 1);
    checkSetting('sgd', 'weightDecay', weightDecay);
    const name = `sgd ${momentum} ${nesterov} ${weightDecay}`;
    const { add, sub, mul } = rule;
    const decayed = (g: Parameters<typeof mul>[0], p: typeof g) => (weightDecay ? add(g, mul(p, weightDecay)) : g);
    if (momentum > 0) this.#velocity = updateOp(`velocity of ${name}`, (v, p, g) => add(mul(v, momentum), decayed(g, p)));
    this.#descend = updateOp(name, (p, g, lr, v) => {
      const direction = !v ? decayed(g, p) : nesterov ? add(decayed(g, p), mul(v, momentum)) : v;
      return sub(p, mul(lr, direction));
    });
  }

  protected settings(): number[] {
    return [this.lr];
  }

  protected change(parameter: Tensor, gradient: Tensor, lr: Tensor): void {
    const others = [gradient, lr];
    if (this.#velocity) {
      const velocity = this.slot(parameter, 'velocity');
      update(this.#velocity, velocity, parameter, gradient);
      others.push(velocity);
    }
    update(this.#descend, parameter, ...others);
  }
}
