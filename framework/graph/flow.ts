// Control flow in a graph. In the eager style it is the language's own: `if` and `while` over values that were read.
//
// A session decides on the host: each predicate is read back, one crossing a conditional and one an iteration. Only what is taken runs. Ops made while a
// branch or body function runs are inside; what was made before is outside, and computed once. Variables inside have their value from before the run.
//
// Gradients pass through both. A conditional's computes the forward pass of its branch again. A loop's keeps, on the device, the states that it needs of
// every iteration (their bytes times the iterations), and computes each iteration's forward pass again: about 4/3 of the time that unrolling takes.

import { specText } from '../layout.ts';
import { equalShapes, sizeOf } from '../shape.ts';
import { Captures, type Control, enclosed, outputsOf } from './control.ts';
import { GraphNode, newestId } from './node.ts';

/** One node or several, where several values belong together. */
export type Nodes = GraphNode | readonly GraphNode[];
/** What a branch or a loop gives for `Nodes`: as many. */
export type NodesLike<T extends Nodes> = T extends GraphNode ? GraphNode : { -readonly [I in keyof T]: GraphNode };

export interface WhileOptions {
  /** Stops after so many iterations, whatever the condition says; room for a gradient's states is then made before the first run. */
  readonly maxIterations?: number;
}

const listOf = (nodes: Nodes): readonly GraphNode[] => [nodes].flat();

function checkNodes(who: string, nodes: readonly unknown[]): void {
  const bad = nodes.findIndex((node) => !(node instanceof GraphNode));
  if (bad >= 0 || nodes.length === 0)
    throw new TypeError(
      `${who} gave ${bad < 0 ? 'nothing' : `${nodes[bad]} as value ${bad}`}, expected nodes of a graph; wrap numbers in constant(..)`,
    );
}

function checkPredicate(who: string, node: unknown): void {
  if (!(node instanceof GraphNode))
    throw new TypeError(`${who} is ${node}, expected a node; compare two nodes by lt(..), or wrap it in constant(..)`);
  if (node.dtype !== 'bool' || sizeOf(node.shape) !== 1)
    throw new TypeError(`${who} is ${node}, expected one bool; compare by lt(..), gt(..), eq(..), or cast it`);
}

/** Throws unless both have as many values, of the same shapes and dtypes. */
export function checkAlike(who: string, found: readonly GraphNode[], wanted: readonly GraphNode[], whose: string): void {
  if (found.length !== wanted.length)
    throw new RangeError(`${who} gave ${found.length} values, but ${whose} ${wanted.length}; expected as many`);
  const odd = found.findIndex((node, i) => !equalShapes(node.shape, wanted[i].shape) || node.dtype !== wanted[i].dtype);
  if (odd >= 0)
    throw new RangeError(
      `${who} gave ${found[odd]} as value ${odd}, but ${whose} ${specText(wanted[odd])}; expected the same shape and dtype`,
    );
}

/** The outputs of a control, in the form of `like`. */
const formed = <T extends Nodes>(control: Control, like: T): NodesLike<T> => {
  const outputs = outputsOf(control);
  return (like instanceof GraphNode ? outputs[0] : outputs) as NodesLike<T>;
};

/**
 * What `then` gives where `predicate`, one bool, holds, else what `otherwise` gives: a node, or several in a list.
 *
 * Throws a TypeError for a predicate that is no bool or an assignment in a branch, a RangeError where the branches differ in count, shape or dtype.
 */
export function cond<T extends Nodes>(predicate: GraphNode, then: () => T, otherwise: () => Nodes): NodesLike<T> {
  checkPredicate('cond: the predicate', predicate);
  const captures = new Captures();
  const since = newestId();
  const taken = then();
  const [results, others] = [listOf(taken), listOf(otherwise())];
  checkNodes('cond: then', results);
  checkNodes('cond: otherwise', others);
  checkAlike('cond: otherwise', others, results, 'then');
  const closed = [results, others].map((each) => enclosed('cond', each, since, [], captures));
  const subgraphs = closed.map((each) => ({ parameters: captures.parameters, results: each }));
  return formed({ kind: 'cond', operands: [predicate, ...captures.nodes], subgraphs }, taken);
}

/**
 * `initial` values, replaced by what `body` makes of them as long as `condition` of them, one bool, holds: a node, or several in a list.
 *
 * Throws a TypeError for a condition that is no bool or an assignment in the body, a RangeError where the body gives other shapes or dtypes than it got.
 */
export function whileLoop<const T extends Nodes>(
  condition: (...states: GraphNode[]) => GraphNode,
  body: (...states: GraphNode[]) => Nodes,
  initial: T,
  { maxIterations }: WhileOptions = {},
): NodesLike<T> {
  if (maxIterations !== undefined && !(Number.isInteger(maxIterations) && maxIterations >= 0))
    throw new RangeError(`whileLoop: maxIterations is ${maxIterations}, expected a whole number from 0`);
  const start = listOf(initial);
  checkNodes('whileLoop: initial', start);
  const states = start.map((node) => new GraphNode(node, { kind: 'parameter' }));
  const captures = new Captures();
  const since = newestId();
  const predicate = condition(...states);
  checkPredicate('whileLoop: the condition', predicate);
  const next = listOf(body(...states));
  checkNodes('whileLoop: the body', next);
  checkAlike('whileLoop: the body', next, start, 'it began with');
  const closed = [[predicate], next].map((each) => enclosed('whileLoop', each, since, states, captures));
  const parameters = [...states, ...captures.parameters];
  const subgraphs = closed.map((results) => ({ parameters, results }));
  return formed({ kind: 'while', operands: [...start, ...captures.nodes], subgraphs, maxIterations }, initial);
}
