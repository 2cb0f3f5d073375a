// A node is a value of the static style: what is to be computed, kept for later. Nodes never change and live on no device; a session gives them bytes.
//
// Every op of the table takes nodes as it takes tensors. A graph has no container: it is what can be reached from the nodes that are fetched.

import type { DType, Values } from '../../kernels/index.ts';
import { elementsOf, type TensorData } from '../create.ts';
import { checkDtype, type Spec, specText } from '../layout.ts';
import type { Attributes, Op, Operand, Style, Value } from '../op.ts';
import { Operators } from '../operators.ts';
import { add, sub } from '../ops/pointwise.ts';
import { checkShape, equalShapes, type Shape } from '../shape.ts';
import { Tensor } from '../tensor.ts';
import type { Control } from './control.ts';
import { noteUpdate } from './updates.ts';

/** How a node comes by its elements. */
export type Definition =
  | { readonly kind: 'placeholder' }
  /** Elements on the host, or a tensor whose bytes on its device are the node's own too. */
  | { readonly kind: 'variable' | 'constant'; readonly values: Values | Tensor }
  | { readonly kind: 'op'; readonly op: Op; readonly operands: readonly Operand<GraphNode>[]; readonly attributes: Attributes }
  | { readonly kind: 'assign'; readonly variable: GraphNode; readonly value: GraphNode }
  /** A subgraph's: what it stands for is given anew each time the subgraph runs. */
  | { readonly kind: 'parameter' }
  /** One of the results of a conditional or a loop. */
  | { readonly kind: 'output'; readonly of: Control; readonly index: number };

let lastId = 0;

/** The number of the newest node: all that is made from now on has a higher one. */
export const newestId = (): number => lastId;

export class GraphNode extends Operators implements Value {
  readonly id = ++lastId;
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  readonly definition: Definition;

  /** For the framework's own use: `placeholder`, `variable`, `constant`, `assign` and the ops make nodes. */
  constructor({ shape, dtype }: Spec, definition: Definition, name?: string) {
    super();
    this.shape = shape;
    this.dtype = dtype;
    this.definition = definition;
    this.name = name ?? `${kindOf(definition)}_${this.id}`;
  }

  get style(): Style {
    return graphStyle;
  }
  /** `x f32[2,3]`, as messages name it. */
  override toString(): string {
    return `${this.name} ${specText(this)}`;
  }
}

const kindOf = (definition: Definition): string =>
  definition.kind === 'op' ? definition.op.name : definition.kind === 'output' ? definition.of.kind : definition.kind;

/** Several nodes under one fetch: they are computed, and nothing of them comes to the host. */
export class Group {
  readonly members: readonly (GraphNode | Group)[];
  constructor(members: readonly (GraphNode | Group)[]) {
    this.members = members;
  }
}

/** How nodes answer ops: the output's spec is inferred, so that what does not fit is refused where it is written. */
const graphStyle: Style = {
  update: (op, target, others) => noteUpdate(op, target as GraphNode, others as GraphNode[]),
  apply(op, operands, attributes) {
    for (const operand of operands)
      if (typeof operand !== 'number' && !(operand instanceof GraphNode))
        throw new TypeError(
          `${op.name}: ${specText(operand)} is a tensor, but the other operands are nodes of a graph; read it into a constant, or feed it`,
        );
    const nodes = operands as readonly Operand<GraphNode>[];
    return new GraphNode(op.infer(nodes, attributes), { kind: 'op', op, operands: nodes, attributes });
  },
};

/** The nodes that a node is computed from. */
export function parentsOf({ definition }: GraphNode): readonly GraphNode[] {
  if (definition.kind === 'op') return definition.operands.filter((operand) => typeof operand !== 'number');
  if (definition.kind === 'output') return definition.of.operands;
  return definition.kind === 'assign' ? [definition.variable, definition.value] : [];
}

/** A value that is given anew to every run that needs it. */
export function placeholder(shape: Shape, dtype: DType = 'f32', name?: string): GraphNode {
  checkShape('placeholder', shape);
  checkDtype('placeholder', dtype);
  return new GraphNode({ shape, dtype }, { kind: 'placeholder' }, name);
}

function holding(kind: 'variable' | 'constant', data: TensorData | Tensor, name?: string, spec?: Partial<Spec>): GraphNode {
  if (data instanceof Tensor) {
    if (!data.layout.dense) throw new TypeError(`${kind}: ${specText(data)} is a view; give the tensor itself, or a clone()`);
    return new GraphNode(data, { kind, values: data }, name);
  }
  const { values, ...found } = elementsOf(kind, data, spec);
  return new GraphNode(found, { kind, values }, name);
}

/**
 * A value that a session keeps on its device from run to run; it starts as `initial`, whose shape `spec` gives where it is a typed array.
 *
 * A tensor is not copied: what a run assigns to the variable, the tensor has then. Throws a TypeError for a view.
 */
export const variable = (initial: TensorData | Tensor, name?: string, spec?: Partial<Spec>): GraphNode =>
  holding('variable', initial, name, spec);

/** A value that never changes; a session writes it to its device once, or uses a tensor where it lies. Throws a TypeError for a view. */
export const constant = (data: TensorData | Tensor, name?: string, spec?: Partial<Spec>): GraphNode =>
  holding('constant', data, name, spec);

/**
 * `value`, which becomes that of `variable` when the run ends: all that a run computes from the variable sees what it was when the run began.
 *
 * Throws a TypeError for what is no variable, a RangeError where shapes or dtypes differ.
 */
export function assign(variable: GraphNode, value: GraphNode): GraphNode {
  if (variable.definition.kind !== 'variable')
    throw new TypeError(`assign: ${variable} is no variable; only what variable(..) made can be assigned`);
  if (!equalShapes(variable.shape, value.shape) || variable.dtype !== value.dtype)
    throw new RangeError(`assign: cannot put ${value} into ${variable}; expected the same shape and dtype`);
  return new GraphNode(value, { kind: 'assign', variable, value });
}

export const assignAdd = (variable: GraphNode, value: GraphNode): GraphNode => assign(variable, add(variable, value));
export const assignSub = (variable: GraphNode, value: GraphNode): GraphNode => assign(variable, sub(variable, value));

/** One fetch for several nodes, assignments most of all, that moves nothing to the host. */
export const group = (...members: readonly (GraphNode | Group)[]): Group => new Group(members);
