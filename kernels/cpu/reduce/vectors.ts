// out[o, j] = fold over r of expression(x0[o, r, j]), in one pass over the input.
//
//   rows (inner is 1):            |-4-|-4-|-4-|-4-|..|1|   four states side by side along a row, merged at its end
//   columns:      r |  |-4-|-4-|-4-|-4-|  |                four states beside each other walk down 16 columns, a cache line wide
//                   v  |   |   |   |   |  v
//
// Where few results are made of much, a fold is cut into chunks whose states go to memory and are merged in a second pass. Chunks depend on the shape
// alone, never on the number of threads: the same bits come out for any.

import { bytesPerElement } from '../../dtype.ts';
import { stepsOf } from '../../expression.ts';
import type { Entry, Kernel, Plan, Source, Traits } from '../../kernel.ts';
import { isIndex, type ReduceProblem } from '../../problems/reduce.ts';
import { reduceCost, reduceFacts, reduceVariant } from '../../reduce.ts';
import { advance, assemble, f32, f32x4, i32, i32x4, loopWhileBelow, min, repeat, set, type Task, task, v128 } from '../assembly.ts';
import { hoisted, integers, SCRATCH, type Vector } from '../math.ts';
import { constantLanes, constantsOfSteps, loadRepeated, loadRow, operate, store } from '../pointwise/lanes.ts';
import { threadsFor } from '../threading.ts';
import { type Accumulation, accumulationOf, mergeLanes } from './accumulation.ts';
import { mergeTask, WORDS } from './merge.ts';

/** States side by side: covers the latency of an addition. */
const STATES = 4;
/** Columns of one unit of work. */
const BLOCK = 64;
/** Elements of a chunk, where folds are cut; and how few units make cutting worth it. */
const CHUNK = 2 ** 16;
const FEW_UNITS = 16;
const TASKS_PER_THREAD = 4;

export const vectors: Kernel<ReduceProblem> = {
  name: 'vectors',
  op: 'reduce',
  device: 'cpu',
  summary: 'four vectors of states along rows, or down columns; sums in f64',
  requires: ['simd'],
  tunables: {},
  constraints: [],
  deterministic: true,
  facts: reduceFacts,
  rejects: ({ source }) => (source === 'f16' ? 'it stores no f16' : undefined),
  defaults: () => ({}),
  cost: reduceCost,
  estimate: (problem, { limits }) => {
    const { executedFlops, bytes } = reduceCost(problem);
    return 2e-6 + Math.max(bytes / 15e9, executedFlops / (10e9 * limits.threads));
  },
  variant: (problem) => `${reduceVariant(problem)}${cut(problem).chunks > 1 ? '/chunks' : ''}`,
  generate,
  plan,
};

/** How a problem is cut into units of work: (outer, chunk of the reduced dimension, block of columns). By the shape alone. */
function cut({ fold, outer, reduced, inner }: ReduceProblem): { blocks: number; chunks: number; chunk: number } {
  const blocks = inner === 1 ? 1 : Math.ceil(inner / BLOCK);
  if (isIndex(fold) || reduced * inner < 2 * CHUNK || outer * blocks >= FEW_UNITS) return { blocks, chunks: 1, chunk: reduced };
  const chunk = Math.ceil(reduced / Math.ceil((reduced * inner) / CHUNK) / 16) * 16;
  return { blocks, chunks: Math.ceil(reduced / chunk), chunk };
}

/** All bits of the first lane. */
const FIRST_LANE = () => v128.const('i8x16', [255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

function foldEntry(target: string): Entry {
  return {
    buffers: [
      { name: 'x0', access: 'read' },
      { name: target, access: 'write' },
    ],
    arguments: WORDS.map((name) => ({ name, type: 'u32' })),
  };
}

function generate(problem: ReduceProblem): Source {
  const tasks: Record<string, Task> = { fold: foldTask(problem) };
  if (cut(problem).chunks > 1) tasks.merge = mergeTask(problem);
  return assemble(`reduce/vectors/${reduceVariant(problem)}`, tasks);
}

/** Folds the units of one task, into results or into the states of chunks. */
function foldTask(problem: ReduceProblem): Task {
  const { fold, inner, source, expression } = problem;
  const type = expression.type as 'f32' | 'i32';
  const accumulation = accumulationOf(fold, type);
  const { registers, partialBytes } = accumulation;
  const isPairs = partialBytes === 8;
  const isRows = inner === 1;
  const toStates = cut(problem).chunks > 1;
  const steps = stepsOf(expression);
  const size = bytesPerElement(source);
  const constants = constantsOfSteps(steps);
  const locals = {
    unit: i32,
    endUnit: i32,
    block: i32,
    chunkNumber: i32,
    o: i32,
    length: i32,
    width: i32,
    left: i32,
    at: i32,
    column: i32,
    target: i32,
    rowBytes: i32,
    rest: i32,
    value: [v128, STATES * steps.length],
    constant: [v128, constants.size],
    state: [v128, STATES * registers],
    index: v128,
    laneIndex: v128,
    count: v128,
    scratch: [v128, SCRATCH],
  } as const;
  return task(foldEntry(toStates ? 'states' : 'out'), locals, (names, argument) => {
    const { task, unit, endUnit, block, chunkNumber, o, length, width, left, at, column, target, rowBytes, rest } = names;
    const { value, constant, state, index, laneIndex, count, scratch } = names;
    const { x0, reduced, inner, chunks, chunk, blocks, units, perTask } = argument;
    const out = toStates ? argument.states : argument.out;
    const stateOf = (i: number): Vector[] => state.slice(i * registers, (i + 1) * registers);
    const resultBytes = toStates ? partialBytes : 4;

    set(count, f32x4.splat(f32.convert_i32_u(reduced)));
    set(rowBytes, i32.mul(inner, size));
    steps.forEach((step, s) => {
      for (let i = 0; i < STATES; i++) if (step.kind === 'constant') set(value[i * steps.length + s], constantLanes(step));
    });
    set(unit, i32.mul(task, perTask));
    set(endUnit, i32.add(unit, perTask));
    min(endUnit, endUnit, units);
    hoisted(constants, constant, () =>
      loopWhileBelow(unit, endUnit, 1, () => {
        startUnit();
        if (isRows) row();
        else {
          repeatColumns(STATES, 4);
          repeatColumns(1, 4);
          repeatColumns(1, 1);
        }
      }),
    );

    /** Decodes the unit's number; sets the address of its first element and of its first result. */
    function startUnit() {
      set(block, i32.rem_u(unit, blocks));
      set(rest, i32.div_u(unit, blocks));
      set(chunkNumber, i32.rem_u(rest, chunks));
      set(o, i32.div_u(rest, chunks));
      set(at, i32.mul(chunkNumber, chunk));
      set(length, i32.sub(reduced, at));
      min(length, length, chunk);
      advance(at, i32.mul(o, reduced));
      set(column, i32.mul(block, BLOCK));
      set(width, i32.sub(inner, column));
      min(width, width, BLOCK);
      set(at, i32.add(x0, i32.mul(i32.add(i32.mul(at, inner), column), size)));
      set(target, i32.add(out, i32.mul(i32.add(i32.mul(rest, inner), column), resultBytes)));
    }

    /** The expression's value of four elements (or of one, in all lanes) at `address + offset`. */
    function evaluate(i: number, address: typeof at, offset: number, lanes: 1 | 4): Vector {
      const own = value.slice(i * steps.length, (i + 1) * steps.length);
      steps.forEach((step, s) => {
        if (step.kind === 'input' && lanes === 4) loadRow(own[s], source, address, offset);
        else if (step.kind === 'input') loadRepeated(own[s], source, address);
        else if (step.operands.length > 0)
          operate(
            step,
            own[s],
            step.operands.map((operand) => own[operand]),
            scratch,
          );
      });
      return own[steps.length - 1];
    }

    function row() {
      for (let i = 0; i < STATES; i++) accumulation.start(stateOf(i));
      set(laneIndex, v128.const('i32x4', [0, 1, 2, 3]));
      set(left, i32.div_u(length, 4 * STATES));
      repeat(left, () => {
        for (let i = 0; i < STATES; i++) {
          const four = evaluate(i, at, 4 * i * size, 4);
          set(index, i32x4.add(laneIndex, integers(4 * i)));
          accumulation.add(stateOf(i), four, index, scratch);
        }
        advance(at, 4 * STATES * size);
        set(laneIndex, i32x4.add(laneIndex, integers(4 * STATES)));
      });
      set(left, i32.shr_u(i32.rem_u(length, 4 * STATES), 2));
      repeat(left, () => {
        accumulation.add(stateOf(0), evaluate(0, at, 0, 4), laneIndex, scratch);
        advance(at, 4 * size);
        set(laneIndex, i32x4.add(laneIndex, integers(4)));
      });
      set(laneIndex, i32x4.splat(i32.and(length, -4)));
      set(left, i32.and(length, 3));
      repeat(left, () => {
        const one = evaluate(0, at, 0, 1);
        // A sum must take it in once, not in every lane; the others do not mind.
        const isSum = fold === 'sum' || fold === 'mean';
        set(index, isSum ? v128.and(one, FIRST_LANE()) : one);
        accumulation.add(stateOf(0), index, laneIndex, scratch);
        advance(at, size);
        set(laneIndex, i32x4.add(laneIndex, integers(1)));
      });
      for (let i = 1; i < STATES; i++) accumulation.merge(stateOf(0), stateOf(i), scratch);
      mergeLanes(accumulation, isPairs, stateOf(0), stateOf(1), scratch);
      write(0, 1);
    }

    /** Groups of `states` vectors of columns as long as there are so many left in the block. */
    function repeatColumns(states: number, lanes: 1 | 4) {
      const columns = states * lanes;
      set(rest, i32.div_u(width, columns));
      set(width, i32.rem_u(width, columns));
      repeat(rest, () => {
        for (let i = 0; i < states; i++) accumulation.start(stateOf(i));
        set(index, integers(0));
        set(column, at);
        set(left, length);
        repeat(left, () => {
          for (let i = 0; i < states; i++) accumulation.add(stateOf(i), evaluate(i, column, 4 * i * size, lanes), index, scratch);
          set(index, i32x4.add(index, integers(1)));
          advance(column, rowBytes);
        });
        for (let i = 0; i < states; i++) write(i, lanes);
        advance(at, columns * size);
      });
    }

    /** Writes the results of state `i`, or the state itself, and moves the target on. */
    function write(i: number, lanes: 1 | 4) {
      if (!toStates) {
        accumulation.finish(stateOf(i), scratch[0], count);
        store(scratch[0], problem.dtype, target, 0, lanes);
      } else if (isPairs) {
        if (lanes === 1) v128.store64_lane({}, 0, target, stateOf(i)[0]);
        else stateOf(i).forEach((pair, half) => v128.store({ offset: 16 * half }, target, pair));
      } else store(stateOf(i)[0], 'i32', target, 0, lanes);
      advance(target, lanes * resultBytes);
    }
  });
}

function plan(problem: ReduceProblem, _tunables: unknown, traits: Traits): Plan {
  const { fold, outer, reduced, inner, expression } = problem;
  const { blocks, chunks, chunk } = cut(problem);
  const units = outer * chunks * blocks;
  const { executedFlops, bytes } = reduceCost(problem);
  const threads = threadsFor({ flops: executedFlops, executedFlops, bytes }, traits);
  const perTask = threads === 1 ? units : Math.ceil(units / (threads * TASKS_PER_THREAD));
  const words = [outer, reduced, inner, chunks, chunk, blocks, units, perTask];
  const { partialBytes }: Accumulation = accumulationOf(fold, expression.type as 'f32' | 'i32');
  const first = (target: string) => ({
    entry: 'fold',
    buffers: ['x0', target],
    arguments: words,
    grid: [Math.ceil(units / perTask), 1, 1] as const,
  });
  if (chunks === 1) return { passes: [first('out')], workspace: {} };
  const results = outer * inner;
  const merge = { entry: 'merge', buffers: ['states', 'out'], arguments: [...words.slice(0, 7), results], grid: [1, 1, 1] as const };
  return { passes: [first('states'), merge], workspace: { states: results * chunks * partialBytes } };
}
