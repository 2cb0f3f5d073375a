// Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019), whose weight decay acts on the parameters and not through the gradient.
//
// m and v are running means of g and g²; p -= lr · m / (1 - β1^t) / (√(v / (1 - β2^t)) + ε).

import type { UpdateOp } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { rule, update, updateOp } from '../update.ts';
import { checkSetting, Optimizer, type OptimizerOptions } from './optimizer.ts';

export interface AdamOptions extends Partial<OptimizerOptions> {
  /** β1 and β2: shares of the running means that stay from step to step; 0.9 and 0.999 if absent. */
  readonly betas?: readonly [number, number];
  /** Keeps the quotient finite; 1e-8 if absent. */
  readonly epsilon?: number;
}

export class Adam extends Optimizer {
  readonly #betas: readonly [number, number];
  readonly #mean: UpdateOp;
  readonly #square: UpdateOp;
  readonly #descend: UpdateOp;

  constructor(parameters: Iterable<Tensor>, options: AdamOptions = {}, isDecoupled = false) {
    const { lr = 1e-3, betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0 } = options;
    super(parameters, lr);
    betas.forEach((beta, i) => checkSetting('adam', `betas[${i}]`, beta, 0, 1));
    checkSetting('adam', 'weightDecay', weightDecay);
    this.#betas = betas;
    const name = `adam ${betas} ${epsilon} ${weightDecay} ${isDecoupled}`;
    const { add, sub, mul, div, sqrt } = rule;
    const decayed = (g: Parameters<typeof mul>[0], p: typeof g) => (weightDecay && !isDecoupled ? add(g, mul(p, weightDecay)) : g);
    this.#mean = updateOp(`mean of ${name}`, (m, p, g) => add(mul(m, betas[0]), mul(decayed(g, p), 1 - betas[0])));
    this.#square = updateOp(`square of ${name}`, (v, p, g) => {
      const gradient = decayed(g, p);
      return add(mul(v, betas[1]), mul(mul(gradient, gradient), 1 - betas[1]));
    });
    this.#descend = updateOp(name, (p, m, v, lr, meanScale, squareScale) => {
      const step = div(mul(mul(lr, meanScale), m), add(sqrt(mul(v, squareScale)), epsilon));
      return sub(weightDecay && isDecoupled ? mul(p, sub(1, mul(lr, weightDecay))) : p, step);
    });
  }

  protected settings(): number[] {
    return [this.lr, ...this.#betas.map((beta) => 1 / (1 - beta ** this.steps))];
  }

  protected change(parameter: Tensor, gradient: Tensor, ...settings: Tensor[]): void {
    const [mean, square] = [this.slot(parameter, 'mean'), this.slot(parameter, 'square')];
    update(this.#mean, mean, parameter, gradient);
    update(this.#square, square, parameter, gradient);
    update(this.#descend, parameter, mean, square, ...settings);
  }
}

/** Adam with decoupled weight decay, 0.01 if absent. */
export class AdamW extends Adam {
  constructor(parameters: Iterable<Tensor>, options: AdamOptions = {}) {
    super(parameters, { weightDecay: 0.01, ...options }, true);
  }
}
