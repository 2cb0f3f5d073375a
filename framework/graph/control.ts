// Control is a conditional or a loop as part of a graph: operands, and subgraphs that run once, not at all, or again and again.
//
//   cond    operands [predicate, captures..]              subgraphs then, otherwise: (captures) -> outputs
//   while   operands [initial states.., captures..]       subgraphs condition: (states, captures) -> bool, body: (states, captures) -> next states
//   unwind  operands [an output of the loop, captures.., upstream..]
//                                                         subgraph (states, captures, gradients) -> next gradients, once for each iteration, last one first
//
// Subgraphs are closed: they reach nothing outside but through their parameters. What the functions that build them use from around becomes a capture.

import { GraphNode, parentsOf } from './node.ts';
import { inOrder } from './order.ts';
import { rebuild } from './rebuild.ts';

/** A graph of its own: results from parameters, and from constants made inside. */
export interface Subgraph {
  readonly parameters: readonly GraphNode[];
  readonly results: readonly GraphNode[];
}

export interface Control {
  readonly kind: 'cond' | 'while' | 'unwind';
  readonly operands: readonly GraphNode[];
  readonly subgraphs: readonly Subgraph[];
  /** Of a loop: the most iterations it makes. */
  readonly maxIterations?: number;
}

/** What reports and drawings call the subgraphs of a control, in their order. */
export const PARTS = { cond: ['then', 'otherwise'], while: ['condition', 'body'], unwind: ['body'] } as const;

/** The subgraph whose results the control's outputs have the specs of. */
const lastSubgraph = ({ subgraphs }: Control): Subgraph => subgraphs[subgraphs.length - 1];

/** A node for each result of a control. */
export const outputsOf = (control: Control): GraphNode[] =>
  lastSubgraph(control).results.map((result, index) => new GraphNode(result, { kind: 'output', of: control, index }));

/** How many states a loop carries from one iteration to the next. */
export const statesIn = (loop: Control): number => lastSubgraph(loop).results.length;

/** The loop whose iterations an `unwind` goes through backwards. */
export function loopOf({ operands: [output] }: Control): Control {
  return (output.definition as Extract<GraphNode['definition'], { kind: 'output' }>).of;
}

/** What functions that build subgraphs use from around them, and the parameters that stand for it inside. */
export class Captures {
  readonly nodes: GraphNode[] = [];
  readonly parameters: GraphNode[] = [];

  parameterFor(node: GraphNode): GraphNode {
    const at = this.nodes.indexOf(node);
    if (at >= 0) return this.parameters[at];
    this.nodes.push(node);
    const parameter = new GraphNode(node, { kind: 'parameter' }, node.name);
    this.parameters.push(parameter);
    return parameter;
  }
}

/**
 * `results` with parameters in place of what was made before node number `since`, `own` parameters aside. Variables and placeholders are always captured,
 * so that gradients and feeds reach them. Throws a TypeError for an assignment among the nodes made since.
 */
export function enclosed(who: string, results: readonly GraphNode[], since: number, own: readonly GraphNode[], captures: Captures) {
  const isOwn = new Set(own);
  const isOutside = ({ id, definition: { kind } }: GraphNode) => id <= since || kind === 'variable' || kind === 'placeholder';
  const parents = (node: GraphNode) => (isOwn.has(node) || isOutside(node) ? [] : parentsOf(node));
  const stands = new Map<GraphNode, GraphNode>(own.map((node) => [node, node]));
  for (const node of inOrder(results, parents)) {
    if (isOwn.has(node)) continue;
    if (isOutside(node)) stands.set(node, captures.parameterFor(node));
    else if (node.definition.kind === 'assign')
      throw new TypeError(`${who}: ${node} assigns inside of a branch or body; make the new value a result, and assign that outside`);
  }
  return rebuild(results, (node) => node, stands);
}
