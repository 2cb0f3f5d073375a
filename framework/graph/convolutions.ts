// Rewrites around convolutions: what is done to their output by channel or by element is done in their filter, or in their kernel.
//
//   (x * w + b) · s + t        =  x * (w · s) + (b · s + t)         s, t: one constant a channel, as batch normalisation by running statistics has them
//   relu((x * w + b) + r)      =  one kernel                        r: of the output's shape, the other branch of a residual block

import { conv2dOp } from '../ops/conv.ts';
import { add, div, mul, neg, pointwiseOps, sub } from '../ops/pointwise.ts';
import { reshape } from '../ops/shape.ts';
import { equalShapes, sizeOf } from '../shape.ts';
import { GraphNode, parentsOf } from './node.ts';
import { inOrder } from './order.ts';
import { type OpDefinition, rebuild } from './rebuild.ts';

/** A convolution with the parts of its operands by name. */
interface Convolution {
  readonly node: GraphNode;
  readonly input: GraphNode;
  readonly filter: GraphNode;
  readonly bias?: GraphNode;
  readonly residual?: GraphNode;
  readonly attributes: OpDefinition['attributes'];
}

function convolutionOf(node: unknown): Convolution | undefined {
  if (!(node instanceof GraphNode) || node.definition.kind !== 'op' || node.definition.op !== conv2dOp) return undefined;
  const { operands, attributes } = node.definition;
  const [input, filter, ...rest] = operands as GraphNode[];
  const residual = attributes.residual ? rest.pop() : undefined;
  return { node, input, filter, bias: rest[0], residual, attributes };
}

/** The node of a convolution whose output has the place and shape of `like`, named after both. */
function nodeOf({ node, input, filter, bias, residual, attributes }: Convolution, like: GraphNode): GraphNode {
  const operands = [input, filter, ...(bias ? [bias] : []), ...(residual ? [residual] : [])];
  const definition = { kind: 'op', op: conv2dOp, operands, attributes: { ...attributes, residual: residual !== undefined } } as const;
  return new GraphNode(like, definition, `${node.name}+${like.name}`);
}

/** How often nodes are used, a root as often as makes it stay; a node that took another's place has its uses. */
class Uses {
  readonly #times = new Map<GraphNode, number>();

  constructor(roots: readonly GraphNode[]) {
    const use = (node: GraphNode, times: number) => this.#times.set(node, (this.#times.get(node) ?? 0) + times);
    for (const root of roots) use(root, 2);
    for (const node of inOrder(roots, parentsOf)) for (const parent of parentsOf(node)) use(parent, 1);
  }
  isOnce(node: GraphNode): boolean {
    return this.#times.get(node) === 1;
  }
  move(from: GraphNode, to: GraphNode): void {
    this.#times.set(to, this.#times.get(from)!);
  }
}

/** A rule for ops that follow a convolution which nobody else uses, and that does nothing afterwards yet. */
type Follower = (found: Convolution, other: unknown, node: GraphNode, definition: OpDefinition) => Convolution | undefined;

function follow(roots: readonly GraphNode[], rule: Follower, count: () => void, visit: (node: GraphNode) => void = () => {}): GraphNode[] {
  const uses = new Uses(roots);
  return rebuild(roots, (node, definition, before) => {
    uses.move(before, node);
    visit(node);
    for (const [at, operand] of definition.operands.entries()) {
      const found = convolutionOf(operand);
      if (!found || found.attributes.relu || !uses.isOnce(found.node) || !equalShapes(found.node.shape, node.shape)) continue;
      // Subtraction and division move only where the convolution comes first.
      if (at === 1 && definition.op !== pointwiseOps.add && definition.op !== pointwiseOps.mul) continue;
      const next = rule(found, definition.operands[1 - at], node, definition);
      if (!next) continue;
      count();
      const moved = nodeOf(next, node);
      uses.move(node, moved);
      return moved;
    }
    return node;
  });
}

/** Whether a value broadcasts to [N, K, H, W] as one number a channel. */
const isByChannel = ({ shape }: GraphNode, channels: number): boolean =>
  sizeOf(shape) === channels && shape.length <= 4 && (channels === 1 || shape.at(-3) === channels);

/** Moves scales and shifts of channels by constants into constant filters and biases; `count` is told of each. */
export function moveIntoFilters(roots: readonly GraphNode[], count: () => void): GraphNode[] {
  const computed = new Set<GraphNode>();
  const isConstant = (node: GraphNode): boolean => node.definition.kind === 'constant' || computed.has(node);
  const visit = (node: GraphNode): void => {
    if (parentsOf(node).every(isConstant)) computed.add(node);
  };
  const fixed = (node: GraphNode): GraphNode => {
    computed.add(node);
    return node;
  };
  /** Filters that are another one times one number a filter: such numbers are multiplied first, since filters are large. */
  const scaled = new Map<GraphNode, { readonly filter: GraphNode; readonly scale: GraphNode }>();
  const times = (filter: GraphNode, factor: GraphNode): GraphNode => {
    const before = scaled.get(filter);
    const whole = before?.filter ?? filter;
    const scale = before ? fixed(mul<GraphNode>(before.scale, factor)) : factor;
    const product = fixed(mul<GraphNode>(whole, fixed(reshape<GraphNode>(scale, [filter.shape[0], 1, 1, 1]))));
    scaled.set(product, { filter: whole, scale });
    return product;
  };
  return follow(
    roots,
    (found, other, _node, { op }) => {
      const { filter, bias, residual } = found;
      if (!(other instanceof GraphNode) || residual || !isConstant(other) || !isByChannel(other, filter.shape[0])) return undefined;
      const each = fixed(reshape<GraphNode>(other, [filter.shape[0]]));
      if (op === pointwiseOps.add) return { ...found, bias: bias ? fixed(add<GraphNode>(bias, each)) : each };
      if (op === pointwiseOps.sub) return { ...found, bias: fixed(bias ? sub<GraphNode>(bias, each) : neg<GraphNode>(each)) };
      if ((op !== pointwiseOps.mul && op !== pointwiseOps.div) || !isConstant(filter)) return undefined;
      const factor = op === pointwiseOps.mul ? each : fixed(div<GraphNode>(1, each));
      return { ...found, filter: times(filter, factor), bias: bias && fixed(mul<GraphNode>(bias, factor)) };
    },
    count,
    visit,
  );
}

/** Moves biases, residuals and ReLU after convolutions into their kernels; `count` is told of each. */
export const moveIntoConvolutions = (roots: readonly GraphNode[], count: () => void): GraphNode[] =>
  follow(
    roots,
    (found, other, node, { op }) => {
      const { filter, bias, residual, attributes } = found;
      if (op === pointwiseOps.relu) return { ...found, attributes: { ...attributes, relu: true } };
      if (op !== pointwiseOps.add || !(other instanceof GraphNode) || residual || other.dtype !== 'f32') return undefined;
      if (!bias && isByChannel(other, filter.shape[0])) return { ...found, bias: reshape<GraphNode>(other, [filter.shape[0]]) };
      return equalShapes(other.shape, node.shape) ? { ...found, residual: other } : undefined;
    },
    count,
  );
