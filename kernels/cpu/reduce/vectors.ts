// out[o, j] = fold over r of expression(x0[o, r, j]), in one pass over the input: rows (inner is 1) in rows.ts, columns in columns.ts.
//
// Where few results are made of much, a fold is cut into chunks whose states go to memory and are merged in a second pass. Chunks depend on the shape
// alone, never on the number of threads: the same bits come out for any.

import { bytesPerElement } from '../../dtype.ts';
import type { Kernel, Plan, Source, Traits, Tunables } from '../../kernel.ts';
import { isIndex, type ReduceProblem } from '../../problems/reduce.ts';
import { reduceCost, reduceFacts, reduceVariant } from '../../reduce.ts';
import { assemble, type Task } from '../assembly.ts';
import { sharedBy, sharing, sharingConstraints, unitsPerTask } from '../threading.ts';
import { type Accumulation, accumulationOf } from './accumulation.ts';
import { BLOCK, STATES, scratchBytes, stripOf } from './columns.ts';
import { foldTask } from './fold.ts';
import { mergeTask } from './merge.ts';

/** Elements of a chunk, where folds are cut, but not more chunks than this; and how few units make cutting worth it. */
const CHUNK = 2 ** 16;
const MOST_CHUNKS = 64;
const FEW_UNITS = 16;
/** Rows from which on a unit has four; not fewer than FEW_UNITS, so that such folds are not cut. */
const MANY_ROWS = 64;
/** Results below this many are merged on one thread. */
const FEW_RESULTS = 256;

export const vectors: Kernel<ReduceProblem> = {
  name: 'vectors',
  op: 'reduce',
  device: 'cpu',
  summary: 'rows four at a time, columns by strips of rows; sums in f64',
  requires: ['simd'],
  tunables: sharing(4, 1, 2, 8),
  constraints: sharingConstraints(4),
  deterministic: true,
  facts: reduceFacts,
  rejects: ({ source }) => (source === 'f16' ? 'it stores no f16' : undefined),
  defaults: (problem, traits) => {
    const { executedFlops, bytes } = reduceCost(problem);
    return sharedBy({ flops: executedFlops, bytes }, traits, 4);
  },
  cost: reduceCost,
  estimate: (problem, { limits }) => {
    const { executedFlops, bytes } = reduceCost(problem);
    return 2e-6 + Math.max(bytes / 15e9, executedFlops / (10e9 * limits.threads));
  },
  variant: (problem) => `${reduceVariant(problem)}${cut(problem).chunks > 1 ? '/chunks' : ''}`,
  generate,
  plan,
};

interface Cut {
  /** Of columns. */
  readonly blocks: number;
  readonly chunks: number;
  /** Elements along the reduced dimension. */
  readonly chunk: number;
  /** Rows of a unit. */
  readonly group: number;
}

/** How a problem is cut into units of work: (outer or a group of rows, chunk of the reduced dimension, block of columns). By the shape alone. */
function cut({ fold, outer, reduced, inner }: ReduceProblem): Cut {
  const blocks = inner === 1 ? 1 : Math.ceil(inner / BLOCK);
  const group = inner === 1 && outer >= MANY_ROWS ? STATES : 1;
  if (isIndex(fold) || reduced * inner < 2 * CHUNK || outer * blocks >= FEW_UNITS) return { blocks, chunks: 1, chunk: reduced, group };
  const chunk = Math.ceil(reduced / Math.min(MOST_CHUNKS, Math.ceil((reduced * inner) / CHUNK)) / 16) * 16;
  return { blocks, chunks: Math.ceil(reduced / chunk), chunk, group };
}

function generate(problem: ReduceProblem): Source {
  const tasks: Record<string, Task> = { fold: foldTask(problem, cut(problem).chunks > 1) };
  if (cut(problem).chunks > 1) tasks.merge = mergeTask(problem);
  return assemble(`reduce/vectors/${reduceVariant(problem)}`, tasks);
}

function plan(problem: ReduceProblem, tunables: Tunables, traits: Traits): Plan {
  const { fold, outer, reduced, inner, source, expression } = problem;
  const { blocks, chunks, chunk, group } = cut(problem);
  const units = Math.ceil((outer * chunks) / group) * blocks;
  const share = (count: number) => unitsPerTask(count, tunables, traits);
  const words = [outer, reduced, inner, chunks, chunk, blocks, group, units, stripOf(inner * bytesPerElement(source))];
  const { registers, partialBytes }: Accumulation = accumulationOf(fold, expression.type as 'f32' | 'i32');
  const tasks = Math.ceil(units / share(units));
  const kept = inner === 1 ? undefined : { kept: tasks * scratchBytes(registers) };
  const first = (target: string) => ({
    entry: 'fold',
    buffers: ['x0', target, ...Object.keys(kept ?? {})],
    arguments: [...words, share(units)],
    grid: [tasks, 1, 1] as const,
  });
  if (chunks === 1) return { passes: [first('out')], workspace: { ...kept } };
  const results = outer * inner;
  const perTask = results < FEW_RESULTS ? results : share(results);
  const merge = {
    entry: 'merge',
    buffers: ['states', 'out'],
    arguments: [...words, perTask],
    grid: [Math.ceil(results / perTask), 1, 1] as const,
  };
  return { passes: [first('states'), merge], workspace: { states: results * chunks * partialBytes, ...kept } };
}
