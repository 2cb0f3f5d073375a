// Optimizers of the static style: an update is part of the graph, so that training is fetching it, and no gradient ever leaves the device.

import type { Operand } from '../op.ts';
import { add, mul } from '../ops/pointwise.ts';
import { sizeOf } from '../shape.ts';
import { gradients } from './gradients.ts';
import { assign, assignSub, type GraphNode, type Group, group, parentsOf, variable } from './node.ts';
import { inOrder } from './order.ts';

export interface GradientDescentOptions {
  /** A number, or a node of one element, such as a placeholder that follows a schedule. */
  readonly rate: Operand<GraphNode>;
  /** How much of the last step's direction is kept; 0 if absent (Polyak 1964). */
  readonly momentum?: number;
}

/** Updates that make a loss smaller by steps against its gradient. */
export class GradientDescent {
  readonly rate: Operand<GraphNode>;
  readonly momentum: number;

  /** Throws a RangeError for a rate that is not above 0, or a momentum outside of [0, 1). */
  constructor({ rate, momentum = 0 }: GradientDescentOptions) {
    if (typeof rate === 'number' && !(rate > 0)) throw new RangeError(`gradient descent: rate is ${rate}, expected a number above 0`);
    if (!(momentum >= 0 && momentum < 1))
      throw new RangeError(`gradient descent: momentum is ${momentum}, expected a number from 0, below 1`);
    this.rate = rate;
    this.momentum = momentum;
  }

  /** One step for `variables`; all f32 ones that the loss depends on, if absent. Fetch it together with the loss. */
  minimize(loss: GraphNode, variables: readonly GraphNode[] = trainable(loss)): Group {
    if (variables.length === 0) throw new TypeError(`minimize: ${loss} depends on no f32 variable; make its weights with variable(..)`);
    const found = gradients(loss, variables);
    return group(...variables.map((each, i) => this.#step(each, found[i])));
  }

  #step(weight: GraphNode, gradient: GraphNode): Group {
    if (this.momentum === 0) return group(assignSub(weight, mul(gradient, this.rate)));
    const velocity = variable(new Float32Array(sizeOf(weight.shape)), `${weight.name}_velocity`, weight);
    const next = assign(velocity, add(mul(velocity, this.momentum), gradient));
    return group(next, assignSub(weight, mul(next, this.rate)));
  }
}

const trainable = (loss: GraphNode): GraphNode[] =>
  inOrder([loss], parentsOf).filter(({ definition, dtype }) => definition.kind === 'variable' && dtype === 'f32');
