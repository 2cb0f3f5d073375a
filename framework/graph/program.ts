// A program is a graph come down to kernel problems in the order they run: stages, and the values that they read and write.
//
// Views cost no stage: several nodes may lie in one value, each by its own layout.

import type { Problem, Values } from '../../kernels/index.ts';
import { denseBytes } from '../launches.ts';
import { type Layout, layoutOf } from '../layout.ts';
import type { Lowering } from '../op.ts';
import { copyStep } from '../ops/dense.ts';
import { type Control, loopOf, outputsOf, type Subgraph, statesIn } from './control.ts';
import { type Elementwise, elementwiseOf } from './fuse.ts';
import { constant, GraphNode, parentsOf } from './node.ts';
import { inOrder } from './order.ts';

/** Bytes on the device. What a source holds comes from outside of the program: a placeholder, a variable or a constant. */
export interface Value {
  readonly bytes: number;
  readonly source?: GraphNode;
}

/** One kernel problem, and the value that each of its operands is bound to. */
export interface KernelStage {
  /** The nodes it computes, the last of them its result. */
  readonly nodes: readonly GraphNode[];
  readonly problem: Problem;
  readonly bind: Readonly<Record<string, Value>>;
  /** How its operands run, where it computes each element from those at the same place. */
  readonly elementwise?: Elementwise;
  readonly control?: undefined;
}

/** A conditional, a loop or a loop unwound: programs, and the values that their parameters stand for. */
export interface ControlStage {
  readonly nodes: readonly GraphNode[];
  readonly control: Control;
  /** `in0`, .. operands and `out0`, .. outputs. */
  readonly bind: Readonly<Record<string, Value>>;
  /** One for each subgraph; they read parameters as sources, and commit results to outputs. */
  readonly programs: readonly Program[];
  /** The name in `bind` of each parameter, and of the output that each result is committed to. */
  readonly names: ReadonlyMap<GraphNode, string>;
  readonly elementwise?: undefined;
  readonly problem?: undefined;
}

export type Stage = KernelStage | ControlStage;

/** What is asked of a graph. */
export interface Request {
  readonly roots: readonly GraphNode[];
  /** Those that the host reads. */
  readonly fetched: readonly GraphNode[];
  /** Nodes whose values are given to a parameter when the program ends, as an assignment gives one to a variable. */
  readonly results: readonly { readonly target: GraphNode; readonly node: GraphNode }[];
}

/** Makes the program of a subgraph. */
export type Compile = (request: Request) => Program;

/** What becomes of a variable, or of a parameter, at the end of a run. */
export interface Commit {
  readonly variable: Value;
  readonly value: Value;
}

export interface Program {
  /** Run once, before the first run: they depend on constants only. */
  readonly setup: readonly KernelStage[];
  readonly stages: readonly Stage[];
  readonly commits: readonly Commit[];
  /** The values of the fetched nodes, dense. */
  readonly fetches: readonly Value[];
}

/** Where a node's elements lie. */
interface Place {
  readonly value: Value;
  readonly layout: Layout;
}

/** What a kernel reads beside its operands, as a value that the session writes once. */
const constantValue = (values: Values): Value => {
  const source = constant(values);
  return { bytes: denseBytes(source), source };
};

class Lowerer {
  readonly stages: Stage[] = [];
  readonly #places = new Map<GraphNode, Place>();
  readonly #outputs = new Map<Control, readonly Value[]>();
  readonly #compile: Compile;

  constructor(compile: Compile) {
    this.#compile = compile;
  }

  /** Gives a node its place, once its parents have theirs. */
  add(node: GraphNode): void {
    const { definition } = node;
    if (this.#places.has(node)) return;
    if (definition.kind === 'op') this.#places.set(node, this.#apply(node));
    else if (definition.kind === 'output')
      this.#places.set(node, { value: this.#outputsOf(definition.of)[definition.index], layout: layoutOf(node) });
    else if (definition.kind === 'assign') this.#places.set(node, this.#places.get(definition.value)!);
    else this.#places.set(node, { value: { bytes: denseBytes(node), source: node }, layout: layoutOf(node) });
  }

  placeOf(node: GraphNode): Place {
    return this.#places.get(node)!;
  }

  #apply(node: GraphNode): Place {
    const { op, operands, attributes } = node.definition as Extract<GraphNode['definition'], { kind: 'op' }>;
    const places = operands.map((operand) => (typeof operand === 'number' ? operand : this.placeOf(operand)));
    const layouts = places.map((place) => (typeof place === 'number' ? place : place.layout));
    const first = places[0];
    const view = typeof first === 'object' ? op.view?.(first.layout, node, attributes) : undefined;
    if (view) return { value: (first as Place).value, layout: layoutOf(node, view.strides, view.offset) };
    const inputs = places.map((place) => (typeof place === 'number' ? undefined : place.value));
    return { value: this.#lower(node, inputs, op.lower(layouts, node, attributes), layouts), layout: layoutOf(node) };
  }

  #outputsOf(control: Control): readonly Value[] {
    const known = this.#outputs.get(control);
    if (known) return known;
    // What an unwinding depends on first is there only to come after its loop.
    const inputs = control.operands.map((operand, i) => (control.kind === 'unwind' && i === 0 ? undefined : this.dense(operand)));
    const nodes = outputsOf(control);
    const outputs = nodes.map((node): Value => ({ bytes: denseBytes(node) }));
    const named = (prefix: string, values: readonly (Value | undefined)[]) =>
      values.flatMap((value, i) => (value ? [[`${prefix}${i}`, value] as const] : []));
    const { subgraphs, names } = boundSubgraphs(control, nodes);
    const programs = subgraphs.map(this.#compile);
    this.stages.push({ nodes, control, bind: Object.fromEntries([...named('in', inputs), ...named('out', outputs)]), programs, names });
    this.#outputs.set(control, outputs);
    return outputs;
  }

  #lower(
    node: GraphNode,
    inputs: readonly (Value | undefined)[],
    { steps, temporaries = [], constants = [] }: Lowering,
    layouts: readonly (Layout | number)[],
  ): Value {
    const output: Value = { bytes: denseBytes(node) };
    const values = [...inputs, output, ...temporaries.map((bytes) => ({ bytes })), ...constants.map(constantValue)];
    for (const { problem, bind } of steps) {
      const bound = Object.fromEntries(Object.entries(bind).map(([name, index]) => [name, values[index]!]));
      const elementwise = steps.length === 1 ? elementwiseOf(problem, node, bind, layouts) : undefined;
      this.stages.push({ nodes: [node], problem, bind: bound, elementwise });
    }
    return output;
  }

  /** A value with the node's elements in dense order and nothing else; a copy where it lies otherwise, or `isTaken`. */
  dense(node: GraphNode, isTaken = false): Value {
    const { value, layout } = this.placeOf(node);
    if (layout.dense && !isTaken) return value;
    return this.#lower(node, [value], { steps: [copyStep(layout, 0, 1)] }, [layout]);
  }
}

/** Nodes that can be computed once and for all: made of constants. */
function foldable(order: readonly GraphNode[]): Set<GraphNode> {
  const found = new Set<GraphNode>();
  for (const node of order) {
    const { kind } = node.definition;
    if (kind === 'constant' || (kind === 'op' && parentsOf(node).every((parent) => found.has(parent)))) found.add(node);
  }
  return found;
}

/** Stages that nothing else waits for, updates most of all, come last, when what they replace has been read. */
function updatesLast(stages: readonly Stage[]): Stage[] {
  const reads = new Map<Value, number>();
  for (const { bind } of stages) for (const value of Object.values(bind)) reads.set(value, (reads.get(value) ?? 0) + 1);
  const isLast = ({ bind }: Stage) => bind.out !== undefined && reads.get(bind.out) === 1;
  return [...stages.filter((stage) => !isLast(stage)), ...stages.filter(isLast)];
}

/** What is asked of each subgraph of a control, and the name that each of their parameters and targets has among the control's operands and outputs. */
function boundSubgraphs(control: Control, outputs: readonly GraphNode[]): { subgraphs: Request[]; names: Map<GraphNode, string> } {
  const { kind, subgraphs } = control;
  const names = new Map<GraphNode, string>();
  const name = (nodes: readonly GraphNode[], prefix: string, from = 0) =>
    nodes.forEach((node, i) => names.set(node, `${prefix}${from + i}`));
  const request = (results: Request['results']): Request => ({ roots: [], fetched: [], results });
  const committed = (targets: readonly GraphNode[], { results }: Subgraph) =>
    request(results.map((node, i) => ({ target: targets[i], node })));
  if (kind === 'cond') {
    const targets = outputs.map((node) => new GraphNode(node, { kind: 'parameter' }));
    for (const { parameters } of subgraphs) name(parameters, 'in', 1);
    name(targets, 'out');
    return { subgraphs: subgraphs.map((each) => committed(targets, each)), names };
  }
  const [first, last] = [subgraphs[0], subgraphs[subgraphs.length - 1]];
  const states = statesIn(kind === 'while' ? control : loopOf(control));
  if (kind === 'while') {
    for (const { parameters } of subgraphs) {
      name(parameters.slice(0, states), 'out');
      name(parameters.slice(states), 'in', states);
    }
    return { subgraphs: [{ ...request([]), fetched: first.results }, committed(last.parameters.slice(0, states), last)], names };
  }
  // The states of an iteration are no operands: the loop has kept them.
  const moving = last.parameters.slice(last.parameters.length - last.results.length);
  name(last.parameters.slice(states, last.parameters.length - moving.length), 'in', 1);
  name(moving, 'out');
  return { subgraphs: [committed(moving, last)], names };
}

/** The assignments among nodes. Throws a TypeError where a variable is assigned twice. */
function assignmentsIn(order: readonly GraphNode[]): Request['results'] {
  const assigned = new Map<GraphNode, GraphNode>();
  return order.flatMap((node) => {
    if (node.definition.kind !== 'assign') return [];
    const { variable, value } = node.definition;
    if (assigned.has(variable))
      throw new TypeError(`run: ${assigned.get(variable)} and ${node} both assign ${variable}; fetch one of them a run`);
    assigned.set(variable, node);
    return [{ target: variable, node: value }];
  });
}

/** The program of a request; `folding` says whether what depends on constants only is computed once. */
export function lowerGraph({ roots, fetched, results }: Request, folding: boolean, compile: Compile): Program {
  const order = inOrder([...roots, ...fetched, ...results.map(({ node }) => node)], parentsOf);
  const once = folding ? foldable(order) : new Set<GraphNode>();
  const lowerer = new Lowerer(compile);
  for (const node of order) lowerer.add(node);
  const commits: Commit[] = [];
  const taken = new Set<Value>();
  for (const { target, node } of [...assignmentsIn(order), ...results]) {
    lowerer.add(target);
    // A state that stays as it is.
    if (target === node) continue;
    const { value } = lowerer.placeOf(node);
    const isTaken = value.source !== undefined || taken.has(value) || once.has(node) || value.bytes !== denseBytes(node);
    const own = lowerer.dense(node, isTaken);
    taken.add(own);
    commits.push({ variable: lowerer.placeOf(target).value, value: own });
  }
  const fetches = fetched.map((node) => lowerer.dense(node));
  // A copy made for an assignment is swapped away by its run, so it is made anew in each.
  const isOnce = ({ nodes: [node], bind }: Stage) => once.has(node) && !commits.some(({ value }) => Object.values(bind).includes(value));
  return {
    setup: lowerer.stages.filter(isOnce) as KernelStage[],
    stages: updatesLast(lowerer.stages.filter((stage) => !isOnce(stage))),
    commits,
    fetches,
  };
}
