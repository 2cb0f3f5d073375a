// Gradients of conditionals and loops: control again, whose subgraphs compute the forward pass once more and then its gradient.
//
//   cond     the same predicate decides; each branch gives the gradients of its captures
//   while    unwound: with the states that the loop began iteration t with, from the last t to the first,
//              ds[t] = (∂body/∂state)ᵀ ds[t+1],    dc += (∂body/∂capture)ᵀ ds[t+1]

import { add } from '../ops/pointwise.ts';
import { broadcastTo } from '../ops/shape.ts';
import { type Control, outputsOf, type Subgraph, statesIn } from './control.ts';
import type { pulledBack } from './gradients.ts';
import { constant, GraphNode } from './node.ts';

type Share = readonly [node: GraphNode, gradient: GraphNode];
type PulledBack = typeof pulledBack;

const parameterLike = (node: GraphNode, name?: string): GraphNode => new GraphNode(node, { kind: 'parameter' }, name);
const zerosLike = ({ shape, dtype }: GraphNode): GraphNode => broadcastTo(constant(0, undefined, { shape: [], dtype }), shape);
const isFloat = ({ dtype }: GraphNode): boolean => dtype === 'f32' || dtype === 'f16';
const indexOf = ({ definition }: GraphNode): number => (definition as Extract<typeof definition, { kind: 'output' }>).index;
const placesOf = (flags: readonly boolean[]): number[] => flags.flatMap((flag, i) => (flag ? [i] : []));

/** Gradients by operand, where `needs` asks for them, from those of some outputs. Throws a TypeError for a gradient of a loop's gradient. */
export function controlGradient(
  control: Control,
  upstream: readonly Share[],
  needs: readonly boolean[],
  pulledBack: PulledBack,
): (GraphNode | undefined)[] {
  if (control.kind === 'cond') return condGradient(control, upstream, needs, pulledBack);
  if (control.kind === 'while') return loopGradient(control, upstream, needs, pulledBack);
  throw new TypeError(
    'gradients: the gradient of a whileLoop cannot be differentiated again; unroll the loop where second derivatives are needed',
  );
}

function condGradient({ operands, subgraphs }: Control, upstream: readonly Share[], needs: readonly boolean[], pulledBack: PulledBack) {
  const [predicate, ...captures] = operands;
  const wanted = placesOf(needs.slice(1));
  const backward = subgraphs.map(({ parameters, results }): Subgraph => {
    const slopes = upstream.map(([, gradient]) => parameterLike(gradient));
    const seeds = upstream.map(([output], i) => [results[indexOf(output)], slopes[i]] as const);
    const targets = wanted.map((i) => parameters[i]);
    const found = pulledBack(seeds, targets);
    return { parameters: [...parameters, ...slopes], results: targets.map((target, i) => found[i] ?? zerosLike(target)) };
  });
  const given = upstream.map(([, gradient]) => gradient);
  const outputs = outputsOf({ kind: 'cond', operands: [predicate, ...captures, ...given], subgraphs: backward });
  return [undefined, ...captures.map((_, i) => outputs[wanted.indexOf(i)])];
}

function loopGradient(loop: Control, upstream: readonly Share[], needs: readonly boolean[], pulledBack: PulledBack) {
  const count = statesIn(loop);
  const { parameters, results } = loop.subgraphs[1];
  const states = placesOf(results.map(isFloat));
  const captures = placesOf(needs).filter((i) => i >= count);
  const slopes = states.map((i) => parameterLike(parameters[i], `${parameters[i].name}_gradient`));
  const sums = captures.map((i) => parameterLike(parameters[i], `${parameters[i].name}_gradient`));
  const found = pulledBack(
    states.map((i, at) => [results[i], slopes[at]] as const),
    [...states, ...captures].map((i) => parameters[i]),
  );
  const next = states.map((i, at) => found[at] ?? zerosLike(parameters[i]));
  const more = captures.map((_, at) => {
    const share = found[states.length + at];
    return share ? add(sums[at], share) : sums[at];
  });
  const given = states.map(
    (i) => sumOf(upstream.filter(([output]) => indexOf(output) === i).map(([, gradient]) => gradient)) ?? zerosLike(results[i]),
  );
  const outputs = outputsOf({
    kind: 'unwind',
    operands: [outputsOf(loop)[0], ...loop.operands.slice(count), ...given],
    subgraphs: [{ parameters: [...parameters, ...slopes, ...sums], results: [...next, ...more] }],
  });
  const moving = [...states, ...captures];
  return loop.operands.map((_, i) => outputs[moving.indexOf(i)]);
}

const sumOf = (nodes: readonly GraphNode[]): GraphNode | undefined =>
  nodes.reduce<GraphNode | undefined>((sum, node) => (sum ? add(sum, node) : node), undefined);
