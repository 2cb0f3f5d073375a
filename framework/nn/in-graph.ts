// A module in a graph: its forward, written once, run on nodes instead of tensors. Every tensor that it holds is a variable there, under its path.
//
// The module's own properties are nodes while its forward runs, and tensors again afterwards: so any module will do whose forward is made of ops and other
// modules. What it changes on the way, such as running statistics, is collected as assignments.

import { constant, type GraphNode, type Group, group, variable } from '../graph/node.ts';
import { collectUpdates } from '../graph/updates.ts';
import type { Tensor } from '../tensor.ts';
import { holdingsOf, type Module } from './module.ts';

/** A type with nodes in place of tensors. */
export type OnNodes<T> = T extends Tensor
  ? GraphNode
  : T extends (...inputs: infer I) => infer R
    ? (...inputs: OnNodes<I> extends readonly unknown[] ? OnNodes<I> : never) => OnNodes<R>
    : T extends object
      ? { readonly [K in keyof T]: OnNodes<T[K]> }
      : T;

/** A module with a forward. */
export interface ModuleWithForward extends Module {
  // biome-ignore lint/suspicious/noExplicitAny: cells take and give states of their own form.
  forward(...inputs: any[]): unknown;
}

export class InGraph<M extends ModuleWithForward> {
  /** Every tensor of the module as a variable that starts with its values (a constant: see `InGraphOptions`), by its path. */
  readonly variables: Readonly<Record<string, GraphNode>>;
  /** The variables that are trained: those of tensors with requiresGrad. */
  readonly parameters: readonly GraphNode[];
  readonly #module: M;
  #updates: readonly GraphNode[] = [];

  /** Use `inGraph`. */
  constructor(module: M, variables: Readonly<Record<string, GraphNode>>) {
    this.#module = module;
    this.variables = variables;
    const trained = new Set(holdingsOf(module).flatMap(({ path, tensor }) => (tensor.requiresGrad ? [variables[path]] : [])));
    this.parameters = [...trained];
  }

  /** The module's forward on nodes, in training or for use as the module stands now. */
  forward(...inputs: Parameters<OnNodes<M['forward']>>): ReturnType<OnNodes<M['forward']>> {
    const holdings = holdingsOf(this.#module);
    const { result, updates } = collectUpdates(() => {
      for (const { owner, key, path } of holdings) owner[key] = this.variables[path];
      try {
        return this.#module.forward(...inputs);
      } finally {
        for (const { owner, key, tensor } of holdings) owner[key] = tensor;
      }
    });
    this.#updates = [...this.#updates, ...updates];
    return result as ReturnType<OnNodes<M['forward']>>;
  }

  /** What the forwards so far change besides parameters (running statistics, the count of dropout's draws): fetch it with each training step. */
  updates(): Group {
    return group(...this.#updates);
  }
}

export interface InGraphOptions {
  /**
   * Nodes are the module's tensors themselves, no copies of them: variables of a module in training, which the graph then trains, and constants of one in
   * use (`eval()`), so that what depends on them alone is computed once. Disposing of the module then frees what no session needs.
   */
  readonly share?: boolean;
}

/** A module's forward for a graph; reads its tensors, which stay as they are, unless it shares them. */
export async function inGraph<M extends ModuleWithForward>(module: M, { share = false }: InGraphOptions = {}): Promise<InGraph<M>> {
  const nodes = new Map<Tensor, GraphNode>();
  const variables: Record<string, GraphNode> = {};
  const shared = module.training ? variable : constant;
  for (const { path, tensor } of holdingsOf(module)) {
    const node = nodes.get(tensor) ?? (share ? shared(tensor, path) : variable(await tensor.read(), path, tensor));
    nodes.set(tensor, node);
    variables[path] = node;
  }
  return new InGraph(module, variables);
}
