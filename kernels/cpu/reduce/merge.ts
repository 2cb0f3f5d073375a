// The merge is the second pass of a fold that was cut into chunks: the states of each result's chunks become the result, in their order.

import type { Entry } from '../../kernel.ts';
import type { ReduceProblem } from '../../problems/reduce.ts';
import { advance, f32, f32x4, i32, loopWhileBelow, min, repeat, set, type Task, task, v128 } from '../assembly.ts';
import { store } from '../pointwise/lanes.ts';
import { accumulationOf } from './accumulation.ts';

/** The arguments of both passes. */
export const WORDS = ['outer', 'reduced', 'inner', 'chunks', 'chunk', 'blocks', 'group', 'units', 'strip', 'perTask'];

/** One task: `perTask` results, each merged from its chunks in their order. */
export function mergeTask(problem: ReduceProblem): Task {
  const accumulation = accumulationOf(problem.fold, problem.expression.type as 'f32' | 'i32');
  const { registers, partialBytes } = accumulation;
  const entry: Entry = {
    buffers: [
      { name: 'states', access: 'read' },
      { name: 'out', access: 'write' },
    ],
    arguments: WORDS.map((name) => ({ name, type: 'u32' })),
  };
  const locals = {
    result: i32,
    end: i32,
    at: i32,
    left: i32,
    step: i32,
    state: [v128, 2],
    other: [v128, 2],
    count: v128,
    scratch: [v128, 2],
  } as const;
  return task(entry, locals, ({ task, result, end, at, left, step, state, other, count, scratch }, argument) => {
    const { states, out, outer, reduced, inner, chunks, perTask } = argument;
    const own = state.slice(0, registers);
    set(count, f32x4.splat(f32.convert_i32_u(reduced)));
    set(step, i32.mul(inner, partialBytes));
    set(result, i32.mul(task, perTask));
    set(end, i32.mul(outer, inner));
    set(left, i32.add(result, perTask));
    min(end, end, left);
    loopWhileBelow(result, end, 1, () => {
      set(at, i32.add(i32.mul(i32.mul(i32.div_u(result, inner), chunks), inner), i32.rem_u(result, inner)));
      set(at, i32.add(states, i32.mul(at, partialBytes)));
      accumulation.start(own);
      set(left, chunks);
      repeat(left, () => {
        if (partialBytes === 8) {
          set(other[0], v128.load64_splat({}, at));
          set(other[1], other[0]);
          accumulation.merge(own, other, scratch);
        } else {
          // A state of one value is taken in as a value.
          set(other[0], v128.load32_splat({}, at));
          accumulation.add(own, other[0], other[1], scratch);
        }
        advance(at, step);
      });
      accumulation.finish(own, scratch[0], count);
      set(at, i32.add(out, i32.shl(result, 2)));
      store(scratch[0], problem.dtype, at, 0, 1);
    });
  });
}
