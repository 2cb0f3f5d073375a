// Gradients of a graph are more graph: the chain rule from a loss back to some nodes, by the same rules that eager tensors are differentiated by.

import type { Call } from '../op.ts';
import { add } from '../ops/pointwise.ts';
import { sizeOf } from '../shape.ts';
import type { Control } from './control.ts';
import { controlGradient } from './control-gradient.ts';
import { constant, type GraphNode, parentsOf } from './node.ts';
import { inOrder } from './order.ts';

export const isFloat = ({ dtype }: GraphNode): boolean => dtype === 'f32' || dtype === 'f16';

/** A node, and what is added to its gradient. */
type Share = readonly [node: GraphNode, gradient: GraphNode];

/** The nodes of `order` that a gradient passes on its way to `targets`, the targets included. */
function pathTo(targets: readonly GraphNode[], order: readonly GraphNode[]): Set<GraphNode> {
  const path = new Set(targets);
  for (const node of order) if (isFloat(node) && parentsOf(node).some((parent) => path.has(parent))) path.add(node);
  return path;
}

const shares = (operands: readonly unknown[], gradients: readonly (GraphNode | undefined)[], needs: readonly boolean[]): Share[] =>
  gradients.flatMap((gradient, i) => (gradient && needs[i] ? [[operands[i] as GraphNode, gradient] as const] : []));

/** What an op passes on to its operands. */
function throughOp(node: GraphNode, upstream: GraphNode, path: ReadonlySet<GraphNode>): Share[] {
  const { definition } = node;
  if (definition.kind !== 'op' || !definition.op.gradient)
    throw new TypeError(`gradients: ${node} is not differentiable; wrap it in stopGradient(..), or use another op`);
  const { op, operands, attributes } = definition;
  const needs = operands.map((operand) => typeof operand !== 'number' && path.has(operand));
  const call: Call<GraphNode, typeof attributes> = { operands, output: node, attributes, needs };
  return shares(operands, op.gradient!(call, upstream), needs);
}

/** The outputs of each control among `order`, the earliest one first: when its turn comes in reverse, the gradients of all are known. */
function outputsByControl(order: readonly GraphNode[]): Map<Control, GraphNode[]> {
  const found = new Map<Control, GraphNode[]>();
  for (const node of order)
    if (node.definition.kind === 'output') found.set(node.definition.of, [...(found.get(node.definition.of) ?? []), node]);
  return found;
}

/** Gradients of `targets` from those of `seeds`; undefined where no seed depends on a target. */
export function pulledBack(seeds: readonly Share[], targets: readonly GraphNode[]): (GraphNode | undefined)[] {
  const order = inOrder(
    seeds.map(([node]) => node),
    parentsOf,
  );
  const path = pathTo(targets, order);
  const outputs = outputsByControl(order);
  const found = new Map<GraphNode, GraphNode>();
  const give = ([node, gradient]: Share) => found.set(node, found.has(node) ? add(found.get(node)!, gradient) : gradient);
  for (const seed of seeds) if (path.has(seed[0])) give(seed);
  const isTarget = new Set(targets);
  for (const node of order.toReversed()) {
    const isStart = isTarget.has(node) && !parentsOf(node).some((parent) => path.has(parent));
    if (!isStart) passedOn(node).forEach(give);
  }
  return targets.map((target) => found.get(target));

  function passedOn(node: GraphNode): Share[] {
    const { definition } = node;
    if (definition.kind !== 'output') return found.has(node) ? throughOp(node, found.get(node)!, path) : [];
    const control = definition.of;
    const all = outputs.get(control)!;
    const upstream = all.filter((output) => found.has(output)).map((output) => [output, found.get(output)!] as const);
    if (all[0] !== node || upstream.length === 0) return [];
    const needs = control.operands.map((operand) => isFloat(operand) && path.has(operand));
    return shares(control.operands, controlGradient(control, upstream, needs, pulledBack), needs);
  }
}

/**
 * The gradient of `loss`, one number, by each of `targets`, in their shapes.
 *
 * Throws a RangeError where the loss has several elements, a TypeError where it does not depend on a target, or through an op that has no gradient.
 */
export function gradients(loss: GraphNode, targets: readonly GraphNode[]): GraphNode[] {
  if (sizeOf(loss.shape) !== 1)
    throw new RangeError(`gradients: ${loss} has ${sizeOf(loss.shape)} elements, expected one; take its sum or mean first`);
  return pulledBack([[loss, constant([1], undefined, loss)]], targets).map((gradient, i) => {
    if (!gradient) throw new TypeError(`gradients: ${loss} does not depend on ${targets[i]} by ops that have a gradient`);
    return gradient;
  });
}
