// Optimizers of the static style: an update is part of the graph, so that training is fetching it, and no gradient ever leaves the device.
//
// Their state is variables, and so is all that changes from step to step: it is computed on the device, in the order of the formulas in optim/descent.ts.

import type { Operand } from '../op.ts';
import { gather } from '../ops/gather.ts';
import { add, div, mul, sqrt, sub } from '../ops/pointwise.ts';
import { clippedByNorm } from '../optim/clip.ts';
import {
  type AdamSettings,
  type Arithmetic,
  adagrad,
  adam,
  type Descent,
  type RmsPropSettings,
  rmsProp,
  type ScaledSettings,
  type SgdSettings,
  sgd,
} from '../optim/descent.ts';
import type { Schedule } from '../optim/schedule.ts';
import { sizeOf } from '../shape.ts';
import { gradients } from './gradients.ts';
import { assign, assignAdd, constant, type GraphNode, type Group, group, parentsOf, variable } from './node.ts';
import { inOrder } from './order.ts';

/** A learning rate: a number, a node of one element such as a placeholder, or a schedule of the optimizer's own steps, whose last rate stays after `steps`. */
export type Rate = Operand<GraphNode> | { readonly schedule: Schedule; readonly steps: number };

export interface GraphOptimizerOptions {
  /** In units of the variables per unit of gradient. */
  readonly rate: Rate;
  /** Gradients are clipped so that the norm of all of them together is at most this; not if absent. */
  readonly clipNorm?: number;
}

const math: Arithmetic<GraphNode> = { add, sub, mul, div, sqrt };

const isSchedule = (rate: Rate): rate is Extract<Rate, { schedule: Schedule }> => typeof rate === 'object' && 'schedule' in rate;

/** The rates of a schedule as a table, and the variable that counts through it. */
function scheduled({ schedule, steps }: Extract<Rate, { schedule: Schedule }>): { rate: GraphNode; advance: GraphNode } {
  if (!(Number.isInteger(steps) && steps >= 1))
    throw new RangeError(`optimizer: the schedule has ${steps} steps, expected a whole number from 1`);
  const rates = Float32Array.from({ length: steps }, (_, step) => schedule(step));
  const bad = rates.findIndex((rate) => !(rate >= 0));
  if (bad >= 0) throw new RangeError(`optimizer: the schedule's rate of step ${bad} is ${rates[bad]}, expected a number from 0`);
  const step = variable(Int32Array.of(0), 'step', { shape: [] });
  const rate = gather(constant(rates, 'rates'), step.minimum(steps - 1));
  return { rate, advance: assignAdd(step, constant(Int32Array.of(1), undefined, { shape: [] })) };
}

/** Updates that make a loss smaller, by a formula. */
export class GraphOptimizer {
  readonly rate: Rate;
  readonly #descent: Descent;
  readonly #clipNorm: number | undefined;

  /** Throws a RangeError for a rate that is not above 0. */
  constructor({ rate, clipNorm }: GraphOptimizerOptions, descent: Descent) {
    if (typeof rate === 'number' && !(rate > 0)) throw new RangeError(`optimizer: rate is ${rate}, expected a number above 0`);
    this.rate = rate;
    this.#descent = descent;
    this.#clipNorm = clipNorm;
  }

  /**
   * One step for `variables`; all f32 ones that the loss depends on, if absent. Fetch it together with the loss. Each call makes an update with a state
   * of its own.
   *
   * Throws what `gradients` throws, a TypeError where there is no variable.
   */
  minimize(loss: GraphNode, variables: readonly GraphNode[] = trainable(loss)): Group {
    if (variables.length === 0) throw new TypeError(`minimize: ${loss} depends on no f32 variable; make its weights with variable(..)`);
    const found = gradients(loss, variables);
    const slopes = this.#clipNorm === undefined ? found : clippedByNorm(found, this.#clipNorm);
    const { rate, advance = [] } = isSchedule(this.rate) ? scheduled(this.rate) : { rate: this.rate };
    const corrections = this.#descent.corrected.map(correction);
    return group(
      ...[advance].flat(),
      ...corrections.map(({ advance }) => advance),
      ...variables.map((each, i) =>
        this.#step(
          each,
          slopes[i],
          rate,
          corrections.map(({ factor }) => factor),
        ),
      ),
    );
  }

  #step(weight: GraphNode, gradient: GraphNode, rate: Operand<GraphNode>, corrections: readonly GraphNode[]): Group {
    const { slots, step } = this.#descent;
    const next = Object.entries(slots).map(([name, rule]) => {
      const slot = variable(new Float32Array(sizeOf(weight.shape)), `${weight.name}_${name}`, weight);
      return assign(slot, rule(math, slot, weight, gradient));
    });
    return group(...next, assign(weight, step(math, weight, gradient, next, rate, corrections)));
  }
}

/** 1 / (1 - β^t), where the divisor is a running mean of ones: the difference itself would lose most of its digits in f32 while β^t is near 1. */
function correction(beta: number): { factor: GraphNode; advance: GraphNode } {
  const share = variable(0, `share_of_${beta}`);
  const advance = assign(share, share.mul(beta).add(1 - beta));
  return { factor: div<GraphNode>(1, advance), advance };
}

const trainable = (loss: GraphNode): GraphNode[] =>
  inOrder([loss], parentsOf).filter(({ definition, dtype }) => definition.kind === 'variable' && dtype === 'f32');

/** Plain, with momentum, or Nesterov's. */
export class GradientDescent extends GraphOptimizer {
  constructor(options: GraphOptimizerOptions & SgdSettings) {
    super(options, sgd(options));
  }
}

export class Adam extends GraphOptimizer {
  constructor(options: GraphOptimizerOptions & AdamSettings) {
    super(options, adam(options));
  }
}

/** Adam with decoupled weight decay, 0.01 if absent. */
export class AdamW extends GraphOptimizer {
  constructor(options: GraphOptimizerOptions & AdamSettings) {
    super(options, adam({ weightDecay: 0.01, ...options }, true));
  }
}

export class Adagrad extends GraphOptimizer {
  constructor(options: GraphOptimizerOptions & ScaledSettings) {
    super(options, adagrad(options));
  }
}

export class RmsProp extends GraphOptimizer {
  constructor(options: GraphOptimizerOptions & RmsPropSettings) {
    super(options, rmsProp(options));
  }
}
