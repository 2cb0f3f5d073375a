// A program is a graph come down to kernel problems in the order they run: stages, and the values that they read and write.
//
// Views cost no stage: several nodes may lie in one value, each by its own layout.

import type { Problem } from '../../kernels/index.ts';
import { denseBytes } from '../launches.ts';
import { type Layout, layoutOf } from '../layout.ts';
import type { Lowering } from '../op.ts';
import { copyStep } from '../ops/dense.ts';
import { type Elementwise, elementwiseOf } from './fuse.ts';
import { type GraphNode, parentsOf } from './node.ts';
import { inOrder } from './order.ts';

/** Bytes on the device. What a source holds comes from outside of the program: a placeholder, a variable or a constant. */
export interface Value {
  readonly bytes: number;
  readonly source?: GraphNode;
}

/** One kernel problem, and the value that each of its operands is bound to. */
export interface Stage {
  /** The nodes it computes, the last of them its result. */
  readonly nodes: readonly GraphNode[];
  readonly problem: Problem;
  readonly bind: Readonly<Record<string, Value>>;
  /** How its operands run, where it computes each element from those at the same place. */
  readonly elementwise?: Elementwise;
}

/** What becomes of a variable at the end of a run. */
export interface Commit {
  readonly variable: Value;
  readonly value: Value;
}

export interface Program {
  /** Run once, before the first run: they depend on constants only. */
  readonly setup: readonly Stage[];
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

class Lowerer {
  readonly stages: Stage[] = [];
  readonly #places = new Map<GraphNode, Place>();

  /** The place of a node whose parents have theirs. */
  add(node: GraphNode): void {
    const { definition } = node;
    if (definition.kind === 'op') this.#places.set(node, this.#apply(node));
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

  #lower(
    node: GraphNode,
    inputs: readonly (Value | undefined)[],
    { steps, temporaries = [] }: Lowering,
    layouts: readonly (Layout | number)[],
  ): Value {
    const output: Value = { bytes: denseBytes(node) };
    const values = [...inputs, output, ...temporaries.map((bytes) => ({ bytes }))];
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

/** The program of what `roots` need; `fetched` of them are read by the host. Throws a TypeError where a variable is assigned twice. */
export function lowerGraph(roots: readonly GraphNode[], fetched: readonly GraphNode[], folding: boolean): Program {
  const order = inOrder(roots, parentsOf);
  const once = folding ? foldable(order) : new Set<GraphNode>();
  const lowerer = new Lowerer();
  for (const node of order) lowerer.add(node);
  const commits: Commit[] = [];
  const taken = new Map<Value, GraphNode>();
  const assigned = new Map<GraphNode, GraphNode>();
  for (const node of order) {
    if (node.definition.kind !== 'assign') continue;
    const { variable, value } = node.definition;
    if (assigned.has(variable))
      throw new TypeError(`run: ${assigned.get(variable)} and ${node} both assign ${variable}; fetch one of them a run`);
    assigned.set(variable, node);
    const place = lowerer.placeOf(value).value;
    const own = lowerer.dense(value, place.source !== undefined || taken.has(place) || once.has(value));
    taken.set(own, node);
    commits.push({ variable: lowerer.placeOf(variable).value, value: own });
  }
  const fetches = fetched.map((node) => lowerer.dense(node));
  // A copy made for an assignment is swapped away by its run, so it is made anew in each.
  const isOnce = ({ nodes: [node], bind }: Stage) => once.has(node) && !commits.some(({ value }) => Object.values(bind).includes(value));
  return {
    setup: lowerer.stages.filter(isOnce),
    stages: updatesLast(lowerer.stages.filter((stage) => !isOnce(stage))),
    commits,
    fetches,
  };
}
