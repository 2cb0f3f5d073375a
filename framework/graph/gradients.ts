// Gradients of a graph are more graph: the chain rule from a loss back to some nodes, by the same rules that eager tensors are differentiated by.

import type { Call } from '../op.ts';
import { add } from '../ops/pointwise.ts';
import { sizeOf } from '../shape.ts';
import { constant, type GraphNode, parentsOf } from './node.ts';
import { inOrder } from './order.ts';

const isFloat = ({ dtype }: GraphNode): boolean => dtype === 'f32' || dtype === 'f16';

/** The nodes of `order` that a gradient passes on its way to `targets`, the targets included. */
function pathTo(targets: readonly GraphNode[], order: readonly GraphNode[]): Set<GraphNode> {
  const path = new Set(targets);
  for (const node of order) if (isFloat(node) && parentsOf(node).some((parent) => path.has(parent))) path.add(node);
  return path;
}

/** Adds what one node passes on to the gradients of its operands. */
function passOn(node: GraphNode, upstream: GraphNode, path: ReadonlySet<GraphNode>, gradients: Map<GraphNode, GraphNode>): void {
  const { definition } = node;
  if (definition.kind !== 'op' || !definition.op.gradient)
    throw new TypeError(`gradients: ${node} is not differentiable; wrap it in stopGradient(..), or use another op`);
  const { op, operands, attributes } = definition;
  const needs = operands.map((operand) => typeof operand !== 'number' && path.has(operand));
  const call: Call<GraphNode, typeof attributes> = { operands, output: node, attributes, needs };
  op.gradient!(call, upstream).forEach((gradient, i) => {
    const operand = operands[i];
    if (!gradient || typeof operand === 'number' || !needs[i]) return;
    const before = gradients.get(operand);
    gradients.set(operand, before ? add(before, gradient) : gradient);
  });
}

/**
 * The gradient of `loss`, one number, by each of `targets`, in their shapes.
 *
 * Throws a RangeError where the loss has several elements, a TypeError where it does not depend on a target, or through an op that has no gradient.
 */
export function gradients(loss: GraphNode, targets: readonly GraphNode[]): GraphNode[] {
  if (sizeOf(loss.shape) !== 1)
    throw new RangeError(`gradients: ${loss} has ${sizeOf(loss.shape)} elements, expected one; take its sum or mean first`);
  const order = inOrder([loss], parentsOf);
  const path = pathTo(targets, order);
  const found = new Map<GraphNode, GraphNode>();
  if (path.has(loss)) found.set(loss, constant([1], undefined, loss));
  const isTarget = new Set(targets);
  for (const node of order.toReversed()) {
    const upstream = found.get(node);
    const isStart = isTarget.has(node) && !parentsOf(node).some((parent) => path.has(parent));
    if (upstream && !isStart) passOn(node, upstream, path, found);
  }
  return targets.map((target) => {
    const gradient = found.get(target);
    if (!gradient) throw new TypeError(`gradients: ${loss} does not depend on ${target} by ops that have a gradient`);
    return gradient;
  });
}
