// Loading: a saved graph again, for any session, without the code that built it. What the files say is checked before it is used; save.ts has the format.

import { excerpt, FormatError, type HostArray } from '../../formats/array.ts';
import { textIn } from '../../formats/bytes.ts';
import { crc32 } from '../../formats/crc32.ts';
import { flawIn } from '../../formats/json-text.ts';
import { readSafetensors } from '../../formats/safetensors.ts';
import type { Control, Subgraph } from '../control.ts';
import { assign, GraphNode, Group } from '../node.ts';
import type { Fetch } from '../session.ts';
import { checkControl } from './check-control.ts';
import { checked, checkedSpec, type Json, listOf, recordOf, shown, specOf, textOf } from './json.ts';
import { NodeList } from './node-list.ts';
import { opNode, ruleNode } from './read-op.ts';
import { FORMAT, type SavedGraph, VERSION } from './save.ts';

/** A graph from files. */
export interface LoadedGraph {
  /** By the names that they were saved under. */
  readonly fetches: ReadonlyMap<string, Fetch>;
  /** By name: what is to be fed. */
  readonly placeholders: ReadonlyMap<string, GraphNode>;
  /** By their names among the weights. */
  readonly variables: ReadonlyMap<string, GraphNode>;
}

/** Deepest nesting of the JSON: a subgraph within a subgraph adds four levels. */
const MAX_DEPTH = 64;
const named = (stated: Json, node: GraphNode): GraphNode =>
  typeof stated.name === 'string' ? new GraphNode(node, node.definition, stated.name) : node;

class Reader {
  readonly placeholders = new Map<string, GraphNode>();
  readonly variables = new Map<string, GraphNode>();
  readonly #arrays: ReadonlyMap<string, HostArray>;
  readonly #used = new Set<string>();

  constructor(arrays: ReadonlyMap<string, HostArray>) {
    this.#arrays = arrays;
  }

  /** A name of an array that no node has; undefined where there is none. */
  get unused(): string | undefined {
    return [...this.#arrays.keys()].find((name) => !this.#used.has(name));
  }

  /** The nodes of a list; a control has its outputs in its place. */
  list(who: string, stated: unknown): NodeList {
    const list = new NodeList(who);
    for (const each of listOf(`${who}: nodes`, stated)) {
      const described = recordOf(list.next, each);
      list.add(this.#node(list, `${list.next} (${excerpt(String(described.op ?? described.kind))})`, described));
    }
    return list;
  }

  #node(list: NodeList, who: string, stated: Json): GraphNode | Control {
    switch (stated.kind) {
      case 'placeholder':
        return this.#placeholder(who, stated);
      case 'variable':
      case 'constant':
        return this.#held(who, stated.kind, stated.tensor);
      case 'parameter':
        return new GraphNode(specOf(who, stated), { kind: 'parameter' });
      case 'op':
        return named(stated, opNode(who, stated, list));
      case 'update':
        return named(stated, ruleNode(who, stated, list));
      case 'assign':
        return checked(who, () => named(stated, assign(list.node(who, stated.variable), list.node(who, stated.value))));
      case 'cond':
      case 'while':
      case 'unwind':
        return this.#control(who, stated.kind, stated, list);
      case 'output':
        return list.output(who, stated);
      default:
        throw new FormatError(`${who}: kind is ${shown(stated.kind)}, which this release does not know`);
    }
  }

  #placeholder(who: string, stated: Json): GraphNode {
    const name = textOf(`${who}: name`, stated.name);
    if (this.placeholders.has(name)) throw new FormatError(`${who}: the name ${excerpt(name)} is taken by another placeholder`);
    const node = new GraphNode(specOf(who, stated), { kind: 'placeholder' }, name);
    this.placeholders.set(name, node);
    return node;
  }

  #held(who: string, kind: 'variable' | 'constant', tensor: unknown): GraphNode {
    const name = textOf(`${who}: tensor`, tensor);
    const array = this.#arrays.get(name);
    if (!array) throw new FormatError(`${who}: the weights have no tensor ${excerpt(name)}; are both files of one graph?`);
    if (this.#used.has(name)) throw new FormatError(`${who}: tensor ${excerpt(name)} has another node already`);
    this.#used.add(name);
    const node = new GraphNode(checkedSpec(who, array), { kind, values: array.values }, name);
    if (kind === 'variable') this.variables.set(name, node);
    return node;
  }

  #control(who: string, kind: Control['kind'], stated: Json, list: NodeList): Control {
    const operands = listOf(`${who}: operands`, stated.operands).map((place) => list.node(who, place));
    const subgraphs = listOf(`${who}: subgraphs`, stated.subgraphs).map((each, i) =>
      this.#subgraph(`${who}: subgraph ${i}`, recordOf(who, each)),
    );
    const { maxIterations } = stated;
    if (maxIterations !== undefined && !(Number.isSafeInteger(maxIterations) && (maxIterations as number) >= 0))
      throw new FormatError(`${who}: maxIterations is ${shown(maxIterations)}, expected a whole number from 0`);
    const control: Control = { kind, operands, subgraphs, maxIterations: maxIterations as number | undefined };
    checked(who, () => checkControl(control));
    return control;
  }

  #subgraph(who: string, stated: Json): Subgraph {
    const list = this.list(who, stated.nodes);
    const { parameters } = stated;
    const isCount = Number.isSafeInteger(parameters) && (parameters as number) >= 0;
    const nodes = isCount ? list.nodes.slice(0, parameters as number) : [];
    const isParameter = (node: GraphNode | Control | undefined) => node instanceof GraphNode && node.definition.kind === 'parameter';
    if (!isCount || nodes.length !== parameters || !nodes.every(isParameter) || list.nodes.slice(nodes.length).some(isParameter))
      throw new FormatError(`${who}: parameters is ${shown(parameters)}, expected how many parameters its nodes begin with`);
    const outside = list.nodes.find(
      (node) => node instanceof GraphNode && ['placeholder', 'variable', 'assign'].includes(node.definition.kind),
    );
    if (outside) throw new FormatError(`${who}: has ${outside}, which can only be outside of it`);
    const results = listOf(`${who}: results`, stated.results).map((place) => list.node(who, place));
    if (results.length === 0) throw new FormatError(`${who}: has no results, expected one or more`);
    return { parameters: nodes as GraphNode[], results };
  }
}

function documentOf(json: Uint8Array): Json {
  const text = textIn('graph: the file', json);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new FormatError(`graph: the file is not JSON: ${excerpt((error as Error).message)}; it is damaged or cut off`);
  }
  const flaw = flawIn(text, MAX_DEPTH);
  if (flaw) throw new FormatError(`graph: the file ${flaw}`);
  const found = recordOf('graph: the file', document);
  if (found.format !== FORMAT)
    throw new FormatError(`graph: format is ${shown(found.format)}, expected "${FORMAT}"; is this a saved graph?`);
  if (found.version !== VERSION)
    throw new FormatError(
      `graph: version is ${shown(found.version)}, but this release reads ${VERSION}; save it again, or load it with its own release`,
    );
  return found;
}

/** The graph in two files, from `save`. Throws a FormatError, and nothing else, for whatever is wrong with them. */
export function load({ json, weights }: SavedGraph): LoadedGraph {
  const document = documentOf(json);
  const stated = recordOf('graph: weights', document.weights);
  const found = { bytes: weights.length, crc32: crc32(weights) };
  if (stated.bytes !== found.bytes || stated.crc32 !== found.crc32)
    throw new FormatError(
      `graph: the weights have ${found.bytes} bytes and the checksum ${found.crc32}, expected ${shown(stated.bytes)} and ${shown(stated.crc32)}; they are damaged, or of another graph`,
    );
  const reader = new Reader(readSafetensors(weights).arrays);
  const list = reader.list('graph', document.nodes);
  if (reader.unused !== undefined)
    throw new FormatError(`graph: the weights have a tensor ${excerpt(reader.unused)} that no node is made of`);
  const fetches = new Map<string, Fetch>();
  for (const [i, each] of listOf('graph: fetches', document.fetches).entries()) {
    const { name, nodes } = recordOf(`graph: fetch ${i}`, each);
    const key = textOf(`graph: fetch ${i}: name`, name);
    if (fetches.has(key)) throw new FormatError(`graph: fetch ${i}: the name ${excerpt(key)} is taken`);
    const fetchOf = (place: unknown): Fetch =>
      Array.isArray(place) ? new Group(place.map(fetchOf)) : list.node(`graph: fetch ${i}`, place);
    fetches.set(key, fetchOf(nodes));
  }
  return { fetches, placeholders: reader.placeholders, variables: reader.variables };
}
