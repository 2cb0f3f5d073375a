// Saving: a graph as JSON, and the values of its variables and constants as safetensors.
//
//   { "format": "tilebench-graph", "version": 1, "weights": { "bytes": .., "crc32": .. },
//     "nodes": [ { "kind": .., .. }, .. ],  "fetches": [ { "name": .., "nodes": 12 }, { "name": .., "nodes": [3, [4, 5]] }, .. ] }
//
//   { "kind": "placeholder", "name", "dtype", "shape" }                { "kind": "variable" or "constant", "tensor": name in the safetensors }
//   { "kind": "op", "op", "operands": [1, { "number": 0.5 }], "attributes" }      { "kind": "assign", "variable": 3, "value": 4 }
//   { "kind": "cond", "while" or "unwind", "operands": [..], "subgraphs": [ { "nodes": [..], "parameters": 2, "results": [..] }, .. ] }
//   { "kind": "output", "of": 5, "index": 0 }     { "kind": "parameter", "dtype", "shape" }: the first nodes of a subgraph
//
// A node refers to nodes before it in the same list, by number: so a list can be read in one pass, and cannot have a cycle. Numbers that JSON lacks are
// texts: "NaN", "-0". An op that is not in the op table is an update rule, and saved as its expression. Equal graphs give equal bytes.

import { type Expression, stepsOf } from '../../../kernels/expression.ts';
import { type Values, valuesOf } from '../../../kernels/index.ts';
import type { HostArray } from '../../formats/array.ts';
import { crc32 } from '../../formats/crc32.ts';
import { writeSafetensors } from '../../formats/safetensors.ts';
import { layoutOf } from '../../layout.ts';
import type { Operand } from '../../op.ts';
import { Tensor } from '../../tensor.ts';
import type { Control, Subgraph } from '../control.ts';
import { type Definition, GraphNode, Group, parentsOf } from '../node.ts';
import { inOrder } from '../order.ts';
import type { Fetch, Session } from '../session.ts';
import { opTable } from './op-table.ts';

export const FORMAT = 'tilebench-graph';
export const VERSION = 1;

/** The two files of a saved graph. */
export interface SavedGraph {
  /** Text of the JSON file, UTF-8. */
  readonly json: Uint8Array;
  /** The safetensors file. */
  readonly weights: Uint8Array;
}

/** A number as JSON can say it. */
export const numberOf = (value: number): number | string =>
  Number.isFinite(value) && !Object.is(value, -0) ? value : Object.is(value, -0) ? '-0' : `${value}`;

const attributesOf = (attributes: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(attributes)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, typeof value === 'number' ? numberOf(value) : value]),
  );

/** The name that a node was given by whoever made it; undefined for one that says only what it is and which. */
const givenName = ({ name, definition }: GraphNode): string | undefined => {
  if (definition.kind === 'parameter' || definition.kind === 'output') return undefined;
  const kind = definition.kind === 'op' ? definition.op.name : definition.kind;
  return name.startsWith(`${kind}_`) && /^\d+$/.test(name.slice(kind.length + 1)) ? undefined : name;
};

/** The rule of an update as an expression of its operands. */
function ruleOf(node: GraphNode, { op, operands, attributes }: Extract<Definition, { kind: 'op' }>): Expression {
  const inputs = operands.map((operand) => (typeof operand === 'number' ? operand : layoutOf(operand)));
  const [step, ...more] = op.name.startsWith('update ') ? op.lower(inputs, node, attributes).steps : [];
  if (step?.problem.op !== 'pointwise' || more.length > 0)
    throw new TypeError(`save: ${node} is made by an op of its own, ${op.name}; only ops of the framework can be saved`);
  return step.problem.expression;
}

class Writer {
  readonly arrays = new Map<string, HostArray>();
  readonly #values: ReadonlyMap<GraphNode, Values>;
  readonly #placeholders = new Set<string>();

  constructor(values: ReadonlyMap<GraphNode, Values>) {
    this.#values = values;
  }

  /** A list of what `roots` need, and the number of each node in it. */
  list(roots: readonly GraphNode[], parameters: readonly GraphNode[] = []): { nodes: object[]; places: ReadonlyMap<GraphNode, number> } {
    const nodes: object[] = [];
    const places = new Map<GraphNode, number>();
    const controls = new Map<Control, number>();
    const placeOf = (operand: Operand<GraphNode>) => (typeof operand === 'number' ? { number: numberOf(operand) } : places.get(operand)!);
    const controlPlace = (control: Control): number => {
      const known = controls.get(control);
      if (known !== undefined) return known;
      const { kind, operands, subgraphs, maxIterations } = control;
      const place =
        nodes.push({ kind, operands: operands.map(placeOf), subgraphs: subgraphs.map((each) => this.#subgraph(each)), maxIterations }) - 1;
      controls.set(control, place);
      return place;
    };
    for (const node of [...parameters, ...inOrder(roots, parentsOf)]) {
      if (places.has(node)) continue;
      const { definition, dtype, shape } = node;
      const name = givenName(node);
      const add = (described: object) => places.set(node, nodes.push(described) - 1);
      if (definition.kind === 'op') add({ ...this.#op(node, definition), name, operands: definition.operands.map(placeOf) });
      else if (definition.kind === 'assign')
        add({ kind: 'assign', name, variable: placeOf(definition.variable), value: placeOf(definition.value) });
      else if (definition.kind === 'output') add({ kind: 'output', of: controlPlace(definition.of), index: definition.index });
      else if (definition.kind === 'parameter') add({ kind: 'parameter', dtype, shape });
      else if (definition.kind === 'placeholder') add({ kind: 'placeholder', name: this.#placeholder(name), dtype, shape });
      else add({ kind: definition.kind, tensor: this.#tensor(node, name ?? definition.kind) });
    }
    return { nodes, places };
  }

  #op(node: GraphNode, definition: Extract<Definition, { kind: 'op' }>): object {
    const { op, attributes } = definition;
    if (opTable.get(op.name)?.op === op) return { kind: 'op', op: op.name, attributes: attributesOf(attributes) };
    const steps = stepsOf(ruleOf(node, definition));
    return { kind: 'update', rule: steps.map(({ kind, type, operands, value }) => ({ kind, type, operands, value: numberOf(value) })) };
  }

  #subgraph({ parameters, results }: Subgraph): object {
    const { nodes, places } = this.list(results, parameters);
    return { nodes, parameters: parameters.length, results: results.map((result) => places.get(result)!) };
  }

  #placeholder(given: string | undefined): string {
    const name = given ?? `placeholder_${this.#placeholders.size}`;
    if (this.#placeholders.has(name))
      throw new RangeError(`save: two placeholders are called ${name}; give each a name of its own, to be fed by`);
    this.#placeholders.add(name);
    return name;
  }

  #tensor(node: GraphNode, wanted: string): string {
    let name = wanted;
    for (let i = 2; this.arrays.has(name); i++) name = `${wanted}_${i}`;
    this.arrays.set(name, { shape: node.shape, dtype: node.dtype, values: this.#values.get(node)! });
    return name;
  }
}

/** All nodes of a graph, those of subgraphs included. */
function everyNode(roots: readonly GraphNode[]): Set<GraphNode> {
  const found = new Set<GraphNode>();
  const left = [...roots];
  for (let node = left.pop(); node; node = left.pop()) {
    if (found.has(node)) continue;
    found.add(node);
    left.push(...parentsOf(node));
    if (node.definition.kind === 'output') for (const { results } of node.definition.of.subgraphs) left.push(...results);
  }
  return found;
}

/** The elements of variables, as the session has them now or as they start, and of constants. */
async function valuesOfNodes(nodes: Iterable<GraphNode>, session: Session | undefined): Promise<Map<GraphNode, Values>> {
  const values = new Map<GraphNode, Values>();
  const variables: GraphNode[] = [];
  for (const node of nodes) {
    const { definition } = node;
    if (definition.kind === 'variable' && session) variables.push(node);
    else if (definition.kind === 'variable' || definition.kind === 'constant')
      values.set(node, definition.values instanceof Tensor ? await definition.values.read() : definition.values);
  }
  const read = session && variables.length > 0 ? await session.run(variables) : [];
  for (const [i, value] of read.entries())
    values.set(variables[i], typeof value === 'number' ? valuesOf(variables[i].dtype, [value]) : value);
  return values;
}

/**
 * What `fetches` need, by the names that they are to have, as two files: with the variables' values in `session`, or those that they start with.
 *
 * Throws a RangeError where two placeholders have one name, a TypeError for an op that is not the framework's.
 */
export async function save(fetches: Readonly<Record<string, Fetch>>, session?: Session): Promise<SavedGraph> {
  const nodesIn = (fetch: Fetch): GraphNode[] => (fetch instanceof Group ? fetch.members.flatMap(nodesIn) : [fetch]);
  for (const [name, fetch] of Object.entries(fetches))
    if (!(fetch instanceof GraphNode || fetch instanceof Group))
      throw new TypeError(`save: fetch ${name} is ${fetch}, expected a node of a graph or a group of them`);
  const roots = Object.values(fetches).flatMap(nodesIn);
  const writer = new Writer(await valuesOfNodes(everyNode(roots), session));
  const { nodes, places } = writer.list(roots);
  const placesIn = (fetch: Fetch): unknown => (fetch instanceof Group ? fetch.members.map(placesIn) : places.get(fetch)!);
  const weights = writeSafetensors(writer.arrays);
  const head = { format: FORMAT, version: VERSION, weights: { bytes: weights.length, crc32: crc32(weights) } };
  const lines = (list: readonly unknown[]) => `[\n${list.map((each) => JSON.stringify(each)).join(',\n')}\n]`;
  const fetched = Object.entries(fetches).map(([name, fetch]) => ({ name, nodes: placesIn(fetch) }));
  const text = `${JSON.stringify(head).slice(0, -1)},\n"nodes":${lines(nodes)},\n"fetches":${lines(fetched)}}\n`;
  return { json: new TextEncoder().encode(text), weights };
}
