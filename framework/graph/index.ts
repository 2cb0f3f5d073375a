// What `tilebench/framework` exports of the static style.

export type { Feeds } from './feeds.ts';
export { cond, type Nodes, type NodesLike, type WhileOptions, whileLoop } from './flow.ts';
export { gradients } from './gradients.ts';
export { assign, assignAdd, assignSub, constant, GraphNode, Group, group, placeholder, variable } from './node.ts';
export { Adagrad, Adam, AdamW, GradientDescent, GraphOptimizer, type GraphOptimizerOptions, type Rate, RmsProp } from './optimizer.ts';
export type { KernelReport } from './plan.ts';
export { REWRITES, type Rewrite, type RewriteCounts } from './rewrite.ts';
export { type LoadedGraph, load } from './saved/load.ts';
export { type SavedGraph, save } from './saved/save.ts';
export {
  type Crossing,
  type Fetch,
  type Fetched,
  type RunOptions,
  Session,
  type SessionOptions,
  type StepReport,
} from './session.ts';
export { collectUpdates } from './updates.ts';
