// A static graph as TensorFlow's GraphDef, for TensorBoard to draw. Nodes keep their names; a path's dots become slashes, which TensorBoard folds into boxes.
//
//   GraphDef { repeated NodeDef node = 1 { string name = 1, op = 2; repeated string input = 3; map<string, AttrValue> attr = 5 } }
//   AttrValue { one of: ListValue list = 1, bytes s = 2, int64 i = 3, float f = 4, bool b = 5, DataType type = 6; ListValue { repeated TensorShapeProto shape = 7 } }
//   TensorShapeProto { repeated Dim dim = 2 { int64 size = 1 } }
// Source: tensorflow/core/framework/{graph,node_def,attr_value,tensor_shape,types}.proto

import type { DType } from '../../kernels/index.ts';
import { type Control, loopOf, PARTS, statesIn } from '../graph/control.ts';
import { type GraphNode, Group, parentsOf } from '../graph/node.ts';
import { inOrder } from '../graph/order.ts';
import type { Fetch } from '../graph/session.ts';
import type { Spec } from '../layout.ts';
import { Message } from './protobuf.ts';

const DATA_TYPES: Readonly<Record<DType, number>> = { f32: 1, i32: 3, u8: 4, bool: 10, f16: 19 };
/** What TensorBoard knows of our definitions; other ops keep their names. */
const KINDS = { placeholder: 'Placeholder', variable: 'VariableV2', constant: 'Const', assign: 'Assign', parameter: 'Identity' } as const;

const nodesOf = (fetch: Fetch): GraphNode[] => (fetch instanceof Group ? fetch.members.flatMap(nodesOf) : [fetch]);

/** The bytes of the graph that the fetches need, as it was built: no rewrite is made. Each node stands after what it depends on. */
export function graphDefOf(fetches: readonly Fetch[]): Uint8Array {
  const drawing = new Drawing();
  drawing.add('', fetches.flatMap(nodesOf), new Map());
  return drawing.message.finish();
}

class Drawing {
  readonly message = new Message();
  readonly #taken = new Set<string>();
  readonly #controls = new Map<Control, string>();

  /** Draws what `roots` need below the path `scope`; `known` has the names of what is drawn already. */
  add(scope: string, roots: readonly GraphNode[], known: Map<GraphNode, string>): void {
    for (const node of inOrder(roots, parentsOf)) {
      if (known.has(node)) continue;
      const { definition } = node;
      const operands = definition.kind === 'op' ? definition.operands : parentsOf(node);
      const inputs = operands.filter((operand) => typeof operand !== 'number').map((operand) => known.get(operand)!);
      if (definition.kind === 'output') {
        const control = this.#control(scope, definition.of, inputs);
        known.set(node, this.#node(`${control}/${node.name}`, 'Identity', [`${control}:${definition.index}`], node));
      } else if (definition.kind === 'op') {
        const numbers = operands.flatMap((operand, i) => (typeof operand === 'number' ? [[`operand ${i}`, operand]] : []));
        const attributes = { ...definition.attributes, ...Object.fromEntries(numbers) };
        known.set(node, this.#node(scope + pathOf(node.name), definition.op.name, inputs, node, attributes));
      } else known.set(node, this.#node(scope + pathOf(node.name), KINDS[definition.kind], inputs, node));
    }
  }

  /** The name of a control, which is drawn with its subgraphs inside of it when one of its outputs is met first. */
  #control(scope: string, control: Control, inputs: readonly string[]): string {
    const found = this.#controls.get(control);
    if (found !== undefined) return found;
    const { kind, subgraphs, maxIterations } = control;
    const attributes = maxIterations === undefined ? {} : { maxIterations };
    const name = this.#node(`${scope}${kind}_${this.#controls.size}`, kind, inputs, undefined, attributes);
    this.#controls.set(control, name);
    for (const [i, { parameters, results }] of subgraphs.entries()) {
      const inside = `${name}/${PARTS[kind][i]}/`;
      const known = new Map(
        parameters.map((parameter, at) => {
          const input = inputs.filter((_, i) => i === operandOf(control, at));
          return [parameter, this.#node(inside + pathOf(parameter.name), 'Identity', input, parameter)];
        }),
      );
      this.add(inside, results, known);
    }
    return name;
  }

  /** Writes a node under a name that no other has, and gives that. */
  #node(wanted: string, op: string, inputs: readonly string[], spec?: Spec, attributes: Readonly<Record<string, unknown>> = {}): string {
    let name = wanted;
    for (let copy = 1; this.#taken.has(name); copy++) name = `${wanted}_${copy}`;
    this.#taken.add(name);
    const node = new Message().nested(1, name).nested(2, op);
    for (const input of inputs) node.nested(3, input);
    const shown = { ...(spec && { T: dataType(spec), _output_shapes: shapesOf(spec) }), ...attributes };
    for (const [key, value] of Object.entries(shown).sort(([a], [b]) => (a < b ? -1 : 1)))
      if (value !== undefined) node.nested(5, new Message().nested(1, key).nested(2, attribute(value)));
    this.message.nested(1, node);
    return name;
  }
}

/** Which operand of a control a parameter of its subgraphs begins as; none for states that a loop has kept and for sums that begin at 0. */
function operandOf(control: Control, parameter: number): number {
  if (control.kind === 'while') return parameter;
  // Before the captures stands a conditional's predicate, or in place of a loop's states one of its outputs.
  const states = control.kind === 'unwind' ? statesIn(loopOf(control)) : 0;
  return parameter < states ? -1 : 1 + parameter - states;
}

/** A name as TensorFlow allows it. */
const pathOf = (name: string): string =>
  name
    .split(/[./]/)
    .map((part) => part.replaceAll(/[^A-Za-z0-9_-]/g, '_').replace(/^([^A-Za-z0-9]|$)/, 'n$1'))
    .join('/');

const dataType = ({ dtype }: Spec): Message => new Message().integer(6, DATA_TYPES[dtype]);

function shapesOf({ shape }: Spec): Message {
  const dimensions = new Message();
  for (const size of shape) dimensions.nested(2, size === 0 ? new Message() : new Message().integer(1, size));
  return new Message().nested(1, new Message().nested(7, dimensions));
}

function attribute(value: unknown): Message {
  if (value instanceof Message) return value;
  if (typeof value === 'boolean') return new Message().integer(5, value);
  if (typeof value === 'number') return Number.isSafeInteger(value) ? new Message().integer(3, value) : new Message().float(4, value);
  return new Message().nested(2, typeof value === 'string' ? value : JSON.stringify(value));
}
