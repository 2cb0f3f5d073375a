// Rewrites replace a graph by an equal one that costs less. Each can be switched off, and counts what it did.

import { choose, type Device, kernelsFor, refusal } from '../../kernels/index.ts';
import { specText } from '../layout.ts';
import type { Attributes } from '../op.ts';
import { matmulOp } from '../ops/matmul.ts';
import { pointwiseOps } from '../ops/pointwise.ts';
import { equalShapes } from '../shape.ts';
import { accumulateProducts, type IsAsGood } from './accumulate.ts';
import { moveIntoConvolutions, moveIntoFilters } from './convolutions.ts';
import { fusePointwise, type IsPossible } from './fuse.ts';
import { overwriteOperands, updateInPlace } from './inplace.ts';
import { GraphNode, parentsOf } from './node.ts';
import { inOrder } from './order.ts';
import { lowerGraph, type Program, type Request } from './program.ts';
import { type OpDefinition, rebuild } from './rebuild.ts';
import { shareStages } from './share.ts';

/** The rewrites by name, in the order they are made. */
export const REWRITES = [
  // Equal ops on equal operands are computed once, and what different ops begin with alike; counts nodes and kernels that were equal to another.
  'commonSubexpressions',
  // Bias and ReLU come with the matrix product, in its kernel; counts the additions and ReLUs.
  'matmulEpilogue',
  // Scales and shifts of channels by constants, such as batch normalisation of a net in use, move into the filter before them; counts them.
  'convolutionScale',
  // Bias, residual and ReLU come with the convolution, in its kernel; counts the additions and ReLUs.
  'convolutionEpilogue',
  // What depends on constants only is computed before the first run; counts kernels.
  'constantFolding',
  // Chains of pointwise ops become one kernel each; counts kernels that were joined to the next.
  'pointwiseChains',
  // Variables are updated where they lie; counts updates.
  'inPlaceUpdates',
  // Of those, the ones by a matrix product are added by its kernel; counts them.
  'productUpdates',
  // Pointwise kernels write over an operand that nobody needs after them; counts kernels.
  'inPlaceResults',
] as const;

export type Rewrite = (typeof REWRITES)[number];
export type RewriteCounts = Readonly<Record<Rewrite, number>>;

const numberText = (value: unknown): unknown => (typeof value === 'number' ? (Object.is(value, -0) ? '-0' : `${value}`) : value);
const attributesText = (attributes: Attributes): string => JSON.stringify(attributes, (_, value) => numberText(value));

function shareCommon(roots: readonly GraphNode[], count: () => void): GraphNode[] {
  const known = new Map<string, GraphNode>();
  return rebuild(roots, (node, { op, operands, attributes }) => {
    const inputs = operands.map((operand) => (typeof operand === 'number' ? `=${numberText(operand)}` : operand.id));
    const key = `${op.name} ${specText(node)} ${inputs} ${attributesText(attributes)}`;
    const found = known.get(key);
    if (found?.definition.kind === 'op' && found.definition.op === op) {
      count();
      return found;
    }
    known.set(key, node);
    return node;
  });
}

/** The product that an addition or ReLU can be moved into, and the bias that is added to it. */
function productOf(node: GraphNode, { op, operands }: OpDefinition, isUsedOnce: (node: GraphNode) => boolean) {
  if (op !== pointwiseOps.add && op !== pointwiseOps.relu) return undefined;
  for (const [at, operand] of operands.entries()) {
    if (typeof operand === 'number' || operand.definition.kind !== 'op' || operand.definition.op !== matmulOp) continue;
    const { operands: factors, attributes } = operand.definition;
    if (attributes.relu || !isUsedOnce(operand) || !equalShapes(operand.shape, node.shape)) continue;
    const bias = operands[1 - at];
    const isBias = typeof bias === 'object' && bias.shape.length === 1 && bias.shape[0] === node.shape.at(-1) && bias.dtype === node.dtype;
    if (op === pointwiseOps.relu || (isBias && factors.length === 2)) return { product: operand, factors, bias, attributes };
  }
  return undefined;
}

function moveIntoProducts(roots: readonly GraphNode[], count: () => void): GraphNode[] {
  const uses = new Map<GraphNode, number>();
  const use = (node: GraphNode, times = 1) => uses.set(node, (uses.get(node) ?? 0) + times);
  for (const root of roots) use(root, 2);
  for (const node of inOrder(roots, parentsOf)) parentsOf(node).forEach((parent) => use(parent));
  return rebuild(roots, (node, definition, before) => {
    const times = uses.get(before)!;
    uses.set(node, times);
    const found = productOf(node, definition, (product) => uses.get(product) === 1);
    if (!found) return node;
    count();
    const { product, factors, bias } = found;
    const operands = typeof bias === 'object' ? [...factors, bias] : factors;
    const attributes = { ...found.attributes, relu: definition.op === pointwiseOps.relu };
    const joined = new GraphNode(node, { kind: 'op', op: matmulOp, operands, attributes }, `${product.name}+${node.name}`);
    // Who used the addition uses the product that has it, so that a ReLU can follow it there.
    uses.set(joined, times);
    return joined;
  });
}

/** Whether a device has a kernel for a problem that gives the same result every time. */
const possibleOn =
  (device: Device): IsPossible =>
  (problem) =>
    kernelsFor(problem.op, device.kind).some((kernel) => kernel.deterministic && refusal(kernel, problem, device) === undefined);

/** Whether the kernel that a device would choose for a product can also add it to what is there. */
const addsAsWell =
  (device: Device): IsAsGood =>
  (product, sum) =>
    refusal(choose(product, device).kernel, sum, device) === undefined;

/** The program of a request after the rewrites that are `on`; subgraphs are rewritten and counted like the graph around them. */
export function compileGraph(
  request: Request,
  on: Readonly<Record<Rewrite, boolean>>,
  device: Device,
): { readonly program: Program; readonly counts: RewriteCounts } {
  const counts = Object.fromEntries(REWRITES.map((name) => [name, 0])) as Record<Rewrite, number>;
  const counting = (name: Rewrite) => (times?: number) => {
    counts[name] += times ?? 1;
  };
  const compile = ({ roots, fetched, results }: Request): Program => {
    let nodes = [...roots, ...fetched, ...results.map(({ node }) => node)];
    if (on.commonSubexpressions) nodes = shareCommon(nodes, counting('commonSubexpressions'));
    if (on.matmulEpilogue) nodes = moveIntoProducts(nodes, counting('matmulEpilogue'));
    if (on.convolutionScale && on.constantFolding) nodes = moveIntoFilters(nodes, counting('convolutionScale'));
    if (on.convolutionEpilogue) nodes = moveIntoConvolutions(nodes, counting('convolutionEpilogue'));
    const rewritten: Request = {
      roots: nodes.splice(0, roots.length),
      fetched: nodes.splice(0, fetched.length),
      results: results.map(({ target }, i) => ({ target, node: nodes[i] })),
    };
    let program = lowerGraph(rewritten, on.constantFolding, compile);
    if (on.commonSubexpressions) program = shareStages(program, counting('commonSubexpressions'));
    counting('constantFolding')(program.setup.length);
    if (on.pointwiseChains) program = fusePointwise(program, possibleOn(device), counting('pointwiseChains'));
    if (on.inPlaceUpdates) program = updateInPlace(program, counting('inPlaceUpdates'));
    if (on.productUpdates) program = accumulateProducts(program, addsAsWell(device), counting('productUpdates'));
    return on.inPlaceResults ? overwriteOperands(program, possibleOn(device), counting('inPlaceResults')) : program;
  };
  return { program: compile(request), counts };
}
