// What module code changes as it runs, such as running statistics, becomes assignments when it runs on nodes: they are collected here, to be fetched.

import type { UpdateOp } from '../op.ts';
import { apply } from '../op.ts';
import { assign, type GraphNode } from './node.ts';

/** The value that each variable is to have; a second update of one builds on the first. */
let pending: Map<GraphNode, GraphNode> | undefined;

/** Runs `work` on nodes. Besides its result, gives the assignments that it came to: nothing changes until they are fetched. */
export function collectUpdates<T>(work: () => T): { readonly result: T; readonly updates: readonly GraphNode[] } {
  const outer = pending;
  const mine = new Map<GraphNode, GraphNode>();
  pending = mine;
  try {
    const result = work();
    return { result, updates: [...mine].map(([variable, value]) => assign(variable, value)) };
  } finally {
    pending = outer;
  }
}

/** Notes an update of a variable. Throws a TypeError outside of `collectUpdates`. */
export function noteUpdate({ updated }: UpdateOp, variable: GraphNode, others: readonly GraphNode[]): void {
  if (!pending)
    throw new TypeError(
      `${updated.name}: ${variable} cannot be changed here; a graph's variable changes by assign(..), when that is fetched`,
    );
  pending.set(variable, apply<GraphNode>(updated, [pending.get(variable) ?? variable, ...others]));
}
