// A model as peers get it: the graph of our net with its batch normalisation folded, as it is in our own rows, its constants' values, and what comes out.

import { moveIntoFilters } from '../framework/graph/convolutions.ts';
import type { GraphNode } from '../framework/graph/node.ts';
import { inOrder } from '../framework/graph/order.ts';
import { Session } from '../framework/graph/session.ts';
import type { Operand } from '../framework/op.ts';
import { forwardProblem } from '../framework/ops/conv.ts';
import { sizeOf } from '../framework/shape.ts';
import { checked, classesOf, computed, graphOfNet, imagesOf, netOf, smallOf } from '../framework/zoo/index.ts';
import { openDevice } from '../kernels/open.ts';
import { pool2d } from '../kernels/problem.ts';
import type { Axis } from '../kernels/problems/window.ts';
import type { Exercise } from './peer-exercise.ts';
import { CLASSES, IMAGES, type ModelCase, type ModelOp, type ModelOps, type ModelWindow } from './peers/model.ts';
import { ArmFailure } from './protocol.ts';

type OpDefinition = Extract<GraphNode['definition'], { kind: 'op' }>;

const windowOf = (vertical: Axis, horizontal: Axis, groups = 1): ModelWindow => ({
  size: [vertical.window, horizontal.window],
  stride: [vertical.stride, horizontal.stride],
  dilation: [vertical.dilation, horizontal.dilation],
  pads: [vertical.before, horizontal.before, vertical.after, horizontal.after],
  groups,
});

/** What an op is told besides its operands. */
function detailsOf({ op, operands, attributes }: OpDefinition): Partial<ModelOp> {
  const { relu, residual, axes, keepDims, epsilon } = attributes as Partial<ModelOp>;
  if (op.name === 'conv2d') {
    const { vertical, horizontal, groups } = forwardProblem(operands as GraphNode[], attributes as Parameters<typeof forwardProblem>[1]);
    return { window: windowOf(vertical, horizontal, groups), relu, residual };
  }
  if (op.name === 'maxPool2d' || op.name === 'avgPool2d') {
    const options = attributes as unknown as Omit<Parameters<typeof pool2d>[0], 'input'>;
    const { vertical, horizontal } = pool2d({ ...options, input: (operands[0] as GraphNode).shape });
    return { window: windowOf(vertical, horizontal) };
  }
  return { relu, axes, keepDims, epsilon };
}

/** The node that an op changed only the shape or the order of. */
const viewed = (operand: Operand<GraphNode>): Operand<GraphNode> =>
  typeof operand === 'object' && operand.definition.kind === 'op' ? operand.definition.operands[0] : operand;

/** Operands as libraries take them. */
function operandsOf({ op, operands }: OpDefinition): readonly Operand<GraphNode>[] {
  // A product's weights lie as [N, K], and are read transposed; statistics are a library's own business, and one number a channel has one axis.
  if (op.name === 'matmul') return [operands[0], viewed(operands[1]), ...operands.slice(2)];
  return op.name === 'standardize' ? [operands[0], ...operands.slice(3).map(viewed)] : operands;
}

const parentsIn = (node: GraphNode): readonly GraphNode[] =>
  node.definition.kind === 'op' ? operandsOf(node.definition).filter((operand) => typeof operand === 'object') : [];

/** The ops of a graph from its placeholder to `output`, and what else they start from, by name: constants, or variables. */
function opsOf(output: GraphNode): { readonly graph: ModelOps; readonly held: ReadonlyMap<string, GraphNode> } {
  const order = inOrder([output], parentsIn);
  const fixed = new Set<GraphNode>();
  const uses = new Map<GraphNode, number>();
  for (const node of order) {
    const parents = parentsIn(node);
    for (const parent of parents) uses.set(parent, (uses.get(parent) ?? 0) + 1);
    if (node.definition.kind === 'constant' || (parents.length > 0 && parents.every((parent) => fixed.has(parent)))) fixed.add(node);
  }
  const held = new Map<string, GraphNode>();
  const names = new Map<GraphNode, string>();
  const nameOf = (node: GraphNode): string => {
    const known = names.get(node);
    if (known !== undefined) return known;
    const isHeld = fixed.has(node) || node.definition.kind === 'variable';
    const name = isHeld ? `weight${held.size}` : IMAGES;
    names.set(node, name);
    if (isHeld) held.set(name, node);
    return name;
  };
  const ops: ModelOp[] = [];
  for (const node of order) {
    const { definition } = node;
    if (definition.kind !== 'op' || fixed.has(node)) continue;
    const own = operandsOf(definition);
    const operands = own.map((operand) => (typeof operand === 'number' ? operand : nameOf(operand)));
    const [first] = own;
    const inPlace = typeof first === 'object' && first.definition.kind === 'op' && !fixed.has(first) && uses.get(first) === 1;
    names.set(node, `value${ops.length}`);
    ops.push({ op: definition.op.name, operands, output: `value${ops.length}`, shape: node.shape, ...detailsOf(definition), inPlace });
  }
  const inputs = Object.fromEntries(
    [...names].filter(([node]) => !ops.some(({ output }) => output === names.get(node))).map(([{ shape }, name]) => [name, shape]),
  );
  return { graph: { inputs, ops, parameters: [], output: names.get(output)!, shape: output.shape }, held };
}

/** Makes the model on a CPU device of its own, and leaves nothing of it there. */
export async function modelExercise({ model, pass }: ModelCase): Promise<Exercise> {
  const device = await openDevice('cpu');
  try {
    const training = pass === 'backward';
    const net = netOf(model, device, training);
    const made = await graphOfNet(model, net);
    const { graph, held } = opsOf(training ? made.output : moveIntoFilters([made.output], () => {})[0]);
    const inputs: Record<string, Float32Array<ArrayBuffer>> = { [IMAGES]: imagesOf(model) };
    if (training) inputs[CLASSES] = Float32Array.from(classesOf(model));
    await using session = new Session({ device });
    for (const [name, node] of held) inputs[name] = (await session.run([node]))[0] as Float32Array<ArrayBuffer>;
    const small = smallOf(model, training);
    // A loss is that of the whole batch. A large one is computed as our own rows do it, which are checked by a small one.
    const expected = training && small.batch < model.batch ? await computed(model, net, {}) : await computed(small, net);
    const parameters = training ? [...held.keys()] : [];
    return {
      asked: { kind: 'model', model, pass, graph: { ...graph, parameters } },
      inputs,
      calls: 1,
      resultBytes: 4 * (training ? expected.length : sizeOf(graph.shape)),
      check(result) {
        const { error, complaint } = checked(result, expected, training);
        if (complaint !== undefined) throw new ArmFailure('wrong', complaint);
        return { maxRelErr: error, err2norm: error };
      },
    };
  } finally {
    await device.close();
  }
}
