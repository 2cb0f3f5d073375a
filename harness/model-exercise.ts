// A model as peers get it: the graph of our net with its batch normalisation folded, as it is in our own rows, its constants' values, and what comes out.

import { moveIntoFilters } from '../framework/graph/convolutions.ts';
import { type GraphNode, parentsOf } from '../framework/graph/node.ts';
import { inOrder } from '../framework/graph/order.ts';
import { Session } from '../framework/graph/session.ts';
import { forwardProblem } from '../framework/ops/conv.ts';
import { checked, computed, graphOfNet, netOf, smallOf } from '../framework/zoo/index.ts';
import { openDevice } from '../kernels/open.ts';
import { pool2d } from '../kernels/problem.ts';
import type { Axis } from '../kernels/problems/window.ts';
import type { Exercise } from './peer-exercise.ts';
import { IMAGES, type ModelCase, type ModelOp, type ModelOps, type ModelWindow } from './peers/model.ts';
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
  const { relu, residual, axes, keepDims } = attributes as Partial<ModelOp>;
  if (op.name === 'conv2d') {
    const { vertical, horizontal, groups } = forwardProblem(operands as GraphNode[], attributes as Parameters<typeof forwardProblem>[1]);
    return { window: windowOf(vertical, horizontal, groups), relu, residual };
  }
  if (op.name === 'maxPool2d' || op.name === 'avgPool2d') {
    const options = attributes as unknown as Omit<Parameters<typeof pool2d>[0], 'input'>;
    const { vertical, horizontal } = pool2d({ ...options, input: (operands[0] as GraphNode).shape });
    return { window: windowOf(vertical, horizontal) };
  }
  return { relu, axes, keepDims };
}

/** The ops of a graph from its one placeholder to `output`, and the nodes that are its constants, by name. */
function opsOf(output: GraphNode): { readonly graph: ModelOps; readonly constants: ReadonlyMap<string, GraphNode> } {
  const order = inOrder([output], parentsOf);
  const fixed = new Set<GraphNode>();
  const uses = new Map<GraphNode, number>();
  for (const node of order) {
    const parents = parentsOf(node);
    for (const parent of parents) uses.set(parent, (uses.get(parent) ?? 0) + 1);
    if (node.definition.kind === 'constant' || (parents.length > 0 && parents.every((parent) => fixed.has(parent)))) fixed.add(node);
  }
  const constants = new Map<string, GraphNode>();
  const inputs: Record<string, readonly number[]> = {};
  const names = new Map<GraphNode, string>();
  const nameOf = (node: GraphNode): string => {
    const name = names.get(node) ?? (fixed.has(node) ? `constant${constants.size}` : IMAGES);
    names.set(node, name);
    if (fixed.has(node)) constants.set(name, node);
    if (fixed.has(node) || name === IMAGES) inputs[name] = node.shape;
    return name;
  };
  const ops: ModelOp[] = [];
  for (const node of order) {
    const { definition } = node;
    if (definition.kind !== 'op' || fixed.has(node)) continue;
    const [first] = definition.operands;
    const operands = definition.operands.map((operand, i) => {
      if (typeof operand === 'number') return operand;
      // A product's weights lie as [N, K], and are read transposed.
      const { definition: own } = operand;
      const stored = definition.op.name === 'matmul' && i === 1 && own.kind === 'op' ? (own.operands[0] as GraphNode) : operand;
      return nameOf(stored);
    });
    const inPlace = typeof first === 'object' && first.definition.kind === 'op' && !fixed.has(first) && uses.get(first) === 1;
    names.set(node, `value${ops.length}`);
    ops.push({ op: definition.op.name, operands, output: `value${ops.length}`, shape: node.shape, ...detailsOf(definition), inPlace });
  }
  return { graph: { inputs, ops, output: names.get(output)!, shape: output.shape }, constants };
}

/** Makes the model on a CPU device of its own, and leaves nothing of it there. */
export async function modelExercise({ model }: ModelCase): Promise<Exercise> {
  const device = await openDevice('cpu');
  try {
    const net = netOf(model, device);
    const { output, feeds } = await graphOfNet(model, net);
    const { graph, constants } = opsOf(moveIntoFilters([output], () => {})[0]);
    await using session = new Session({ device });
    const inputs: Record<string, Float32Array<ArrayBuffer>> = { [IMAGES]: [...feeds()][0][1] as Float32Array<ArrayBuffer> };
    for (const [name, node] of constants) inputs[name] = (await session.run([node]))[0] as Float32Array<ArrayBuffer>;
    const expected = await computed(smallOf(model, false), net);
    return {
      asked: { kind: 'model', model, graph },
      inputs,
      calls: 1,
      resultBytes: 4 * graph.shape.reduce((product, size) => product * size, 1),
      check(logits) {
        const { error, complaint } = checked(logits, expected, false);
        if (complaint !== undefined) throw new ArmFailure('wrong', complaint);
        return { maxRelErr: error, err2norm: error };
      },
    };
  } finally {
    await device.close();
  }
}
