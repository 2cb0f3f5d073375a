// Gather: out[i] = table[indices[i]].  ScatterAdd: out[indices[i]] += x0[i], after out is cleared.
//
//   indices  | 3 | 0 | 3 | 9 |        gather: a task takes a piece of the indices.
//              |   |   |              scatterAdd: a task takes a piece of out's rows and reads all indices, so that no two tasks share a row
//   rows     [ 0 . . 3 . . ]          and every row is summed in the order of the indices, whatever the number of threads.

import { gatherCost, gatherFacts, scatterAddCost, wordsOfRow } from '../../gather.ts';
import type { Entry, Kernel, Plan, Source } from '../../kernel.ts';
import type { GatherProblem, ScatterAddProblem } from '../../problems/gather.ts';
import {
  advance,
  assemble,
  f32,
  f32x4,
  i32,
  if_,
  type Local,
  loopWhileBelow,
  min,
  repeat,
  set,
  task,
  type Value,
  v128,
} from '../assembly.ts';
import { integers } from '../math.ts';
import { sharedBy, sharing, sharingConstraints, unitsPerTask } from '../threading.ts';

export const gatherRows: Kernel<GatherProblem> = {
  name: 'rows',
  op: 'gather',
  device: 'cpu',
  summary: 'row by row, by vectors',
  requires: ['simd'],
  tunables: sharing(2, 1, 4, 8),
  constraints: sharingConstraints(2),
  deterministic: true,
  facts: gatherFacts,
  rejects: (problem) =>
    Number.isInteger(wordsOfRow(problem)) ? undefined : `rows of ${problem.width} ${problem.dtype} are not whole words of 4 bytes`,
  defaults: (problem, traits) => sharedBy(gatherCost(problem), traits, 2),
  cost: gatherCost,
  estimate: (problem) => 2e-6 + gatherCost(problem).bytes / 8e9,
  variant: () => 'words',
  generate: () => assemble('gather/rows', { rows: gatherTask() }),
  plan: (problem, tunables, traits) => {
    const sizes = [problem.rows, wordsOfRow(problem)];
    return planOf(problem.count, sizes, ['table', 'indices', 'out'], unitsPerTask(problem.count, tunables, traits));
  },
};

export const scatterAddRows: Kernel<ScatterAddProblem> = {
  name: 'rows',
  op: 'scatterAdd',
  device: 'cpu',
  summary: 'each task sums its own rows in the order of the indices',
  requires: ['simd'],
  tunables: sharing(2, 1, 4, 8),
  constraints: sharingConstraints(2),
  deterministic: true,
  facts: gatherFacts,
  rejects: () => undefined,
  defaults: (problem, traits) => sharedBy(scatterAddCost(problem), traits, 2),
  cost: scatterAddCost,
  estimate: (problem) => 2e-6 + scatterAddCost(problem).bytes / 8e9,
  variant: () => 'f32',
  generate: (): Source => assemble('scatterAdd/rows', { rows: scatterAddTask() }),
  plan: ({ rows, count, width }, tunables, traits) =>
    planOf(rows, [count, width], ['x0', 'indices', 'out'], unitsPerTask(rows, tunables, traits)),
};

/** Deals `outputs` rows of the result to tasks. */
function planOf(outputs: number, sizes: readonly number[], buffers: readonly string[], perTask: number): Plan {
  const pass = { entry: 'rows', buffers, arguments: [outputs, ...sizes, perTask], grid: [Math.ceil(outputs / perTask), 1, 1] as const };
  return { passes: [pass], workspace: {} };
}

const entryOf = (buffers: readonly string[], sizes: readonly string[]): Entry => ({
  buffers: buffers.map((name) => ({ name, access: name === 'out' ? 'write' : 'read' })),
  arguments: ['outputs', ...sizes, 'perTask'].map((name) => ({ name, type: 'u32' })),
});

const LOCALS = { i: i32, end: i32, row: i32, left: i32, from: i32, to: i32, rowBytes: i32, outRow: i32 } as const;

/** Runs `vector` on each four words of a row, then `word` on each that is left, moving `addresses` along. */
function alongRow(words: Local, left: Local, addresses: readonly Local[], vector: () => void, word: () => void): void {
  for (const [body, bytes] of [
    [vector, 16],
    [word, 4],
  ] as const) {
    if (bytes === 16) set(left, i32.shr_u(words, 2));
    else set(left, i32.and(words, 3));
    repeat(left, () => {
      body();
      for (const address of addresses) advance(address, bytes);
    });
  }
}

const clearRow = (words: Local, left: Local, to: Local): void =>
  alongRow(
    words,
    left,
    [to],
    () => v128.store({}, to, integers(0)),
    () => i32.store({}, to, 0),
  );

function gatherTask() {
  return task(entryOf(['table', 'indices', 'out'], ['rows', 'words']), LOCALS, (names, argument) => {
    const { i, end, row, left, from, to, rowBytes } = names;
    const { table, indices, out, outputs, rows, words, perTask } = argument;
    share(names, outputs, perTask);
    set(rowBytes, i32.shl(words, 2));
    set(to, i32.add(out, i32.mul(i, rowBytes)));
    loopWhileBelow(i, end, 1, () => {
      set(row, i32.load({}, i32.add(indices, i32.shl(i, 2))));
      set(from, i32.add(table, i32.mul(row, rowBytes)));
      // Unsigned, so that negative indices are outside too.
      i32.lt_u(row, rows);
      if_({}, () =>
        alongRow(
          words,
          left,
          [from, to],
          () => v128.store({}, to, v128.load({}, from)),
          () => i32.store({}, to, i32.load({}, from)),
        ),
      );
      i32.ge_u(row, rows);
      if_({}, () => clearRow(words, left, to));
    });
  });
}

function scatterAddTask() {
  return task(entryOf(['x0', 'indices', 'out'], ['count', 'words']), LOCALS, (names, argument) => {
    const { i, end, row, left, from, to, rowBytes, outRow } = names;
    const { x0, indices, out, outputs, count, words, perTask } = argument;
    share(names, outputs, perTask);
    set(rowBytes, i32.shl(words, 2));
    set(outRow, i);
    set(to, i32.add(out, i32.mul(i, rowBytes)));
    set(out, to);
    loopWhileBelow(i, end, 1, () => clearRow(words, left, to));
    set(end, i32.sub(end, outRow));
    set(i, 0);
    loopWhileBelow(i, count, 1, () => {
      set(row, i32.sub(i32.load({}, i32.add(indices, i32.shl(i, 2))), outRow));
      // Rows of other tasks, and indices outside, are not below the end either.
      i32.lt_u(row, end);
      if_({}, () => {
        set(from, i32.add(x0, i32.mul(i, rowBytes)));
        set(to, i32.add(out, i32.mul(row, rowBytes)));
        const sum = (): Value<'v128'> => f32x4.add(v128.load({}, to), v128.load({}, from));
        alongRow(
          words,
          left,
          [from, to],
          () => v128.store({}, to, sum()),
          () => f32.store({}, to, f32.add(f32.load({}, to), f32.load({}, from))),
        );
      });
    });
  });
}

/** Sets `i` and `end` to the outputs of this task. */
function share({ task, i, end }: Record<'task' | 'i' | 'end', Local>, outputs: Local, perTask: Local): void {
  set(i, i32.mul(task, perTask));
  set(end, i32.add(i, perTask));
  min(end, end, outputs);
}
