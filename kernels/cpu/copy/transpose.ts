// out[.., p, .., l] = x0[.., l, .., p]: one dimension is contiguous in the source (p), another in the destination (l).
//
//             p: 16                       l
//          +-------+                 +---------+
//      l   | a b   |  4x4 in         | a c     |      Squares of 4x4 are turned in registers. A unit takes BLOCK of p, a cache line of
//          | c d   |  registers   p  | b d     |      the source, all along l: every line that is touched on either side is used whole.
//          +-------+                 +---------+

import { copyCost, copyFacts } from '../../copy.ts';
import type { Entry, Kernel, Plan, Source, Traits, Tunables } from '../../kernel.ts';
import { type CopyProblem, transposition } from '../../problems/copy.ts';
import { elementCount } from '../../problems/pointwise.ts';
import { advance, assemble, i32, type Local, loopWhileBelow, min, repeat, set, task, v128 } from '../assembly.ts';
import { type Odometer, seek } from '../odometer.ts';
import { turnSquare } from '../square.ts';
import { threadsFor } from '../threading.ts';
import { moveElement } from './rows.ts';

const TASKS_PER_THREAD = 2;

export const transpose: Kernel<CopyProblem> = {
  name: 'transpose',
  op: 'copy',
  device: 'cpu',
  summary: 'squares of 4x4 turned in registers, a cache line of the source at a time',
  requires: ['simd'],
  tunables: { BLOCK: [16, 8, 32, 4] },
  constraints: [],
  deterministic: true,
  facts: copyFacts,
  rejects: (problem) => {
    if (problem.elementBytes !== 4) return `it moves elements of 4 bytes, not of ${problem.elementBytes}`;
    return transposition(problem) ? undefined : 'no dimension is contiguous in the source and another one in the destination';
  },
  // Rows of the destination that are pages apart share their places in the cache: few of them at a time then.
  defaults: (problem) => ({ BLOCK: (problem.to.strides[transposition(problem)?.across ?? 0] * 4) % 4096 === 0 ? 8 : 16 }),
  cost: copyCost,
  estimate: (problem) => 2.1e-6 + copyCost(problem).bytes / 8e9,
  variant: ({ shape }) => `r${shape.length}`,
  generate,
  plan,
};

function entryOf({ shape }: CopyProblem): Entry {
  const outer = shape.slice(2).map((_, d) => d);
  const names = ['size', 'from', 'to'].flatMap((name) => outer.map((d) => `${name}${d}`));
  return {
    buffers: [
      { name: 'x0', access: 'read' },
      { name: 'out', access: 'write' },
    ],
    arguments: ['units', 'perTask', 'blocks', 'across', 'along', 'fromOffset', 'toOffset', 'fromStride', 'toStride', ...names].map(
      (name) => ({
        name,
        type: 'u32',
      }),
    ),
  };
}

function generate(problem: CopyProblem, { BLOCK }: Tunables): Source {
  const outer = problem.shape.length - 2;
  const locals = {
    unit: i32,
    end: i32,
    rest: i32,
    number: i32,
    first: i32,
    width: i32,
    quads: i32,
    groups: i32,
    i: i32,
    source: [i32, 4],
    target: [i32, 4],
    rowSource: i32,
    rowTarget: i32,
    index: [i32, outer],
    row: [v128, 4],
    pair: [v128, 4],
  } as const;
  const copy = task(entryOf(problem), locals, (names, argument) => {
    const { task, unit, end, rest, number, first, width, quads, groups, i, source, target, rowSource, rowTarget, index, row, pair } = names;
    const { x0, out, units, perTask, blocks, across, along, fromOffset, toOffset, fromStride, toStride } = argument;
    const byDimension = (name: string): Local[] => index.map((_, d) => argument[`${name}${d}`]);
    const odometer: Odometer = {
      index,
      sizes: byDimension('size'),
      walkers: [
        { at: rowSource, strides: byDimension('from') },
        { at: rowTarget, strides: byDimension('to') },
      ],
    };
    set(unit, i32.mul(task, perTask));
    set(end, i32.add(unit, perTask));
    min(end, end, units);
    loopWhileBelow(unit, end, 1, () => {
      startUnit();
      set(quads, i32.shr_u(along, 2));
      repeat(quads, () => {
        for (const [k, address] of source.entries()) set(address, k === 0 ? rowSource : i32.add(source[k - 1], fromStride));
        for (const [k, address] of target.entries()) set(address, k === 0 ? rowTarget : i32.add(target[k - 1], toStride));
        set(groups, i32.shr_u(width, 2));
        repeat(groups, square);
        set(groups, i32.and(width, 3));
        repeat(groups, column);
        set(rowSource, i32.add(rowSource, i32.shl(fromStride, 2)));
        advance(rowTarget, 16);
      });
      set(quads, i32.and(along, 3));
      repeat(quads, lastRow);
    });

    /** Decodes the unit: which BLOCK of `across`, at which index of the outer dimensions. */
    function startUnit() {
      set(first, i32.mul(i32.rem_u(unit, blocks), BLOCK));
      set(width, i32.sub(across, first));
      min(width, width, BLOCK);
      set(rowSource, i32.add(i32.add(x0, fromOffset), i32.shl(first, 2)));
      set(rowTarget, i32.add(i32.add(out, toOffset), i32.mul(first, toStride)));
      set(number, i32.div_u(unit, blocks));
      seek(odometer, number, rest);
    }

    /** Turns 4x4 elements, and moves on by 4 of `across`. */
    function square() {
      row.forEach((vector, k) => set(vector, v128.load({}, source[k])));
      turnSquare(row, pair);
      row.forEach((vector, k) => v128.store({}, target[k], vector));
      for (const address of source) advance(address, 16);
      for (const address of target) set(address, i32.add(address, i32.shl(toStride, 2)));
    }

    /** One of `across` that fills no square: four elements along. */
    function column() {
      for (const k of [0, 1, 2, 3]) {
        i32.store({ offset: 4 * k }, target[0], i32.load({}, source[k]));
        advance(source[k], 4);
      }
      advance(target[0], toStride);
    }

    /** One of `along` that fills no square: all of the block's `across`. */
    function lastRow() {
      set(source[0], rowSource);
      set(target[0], rowTarget);
      set(i, width);
      repeat(i, () => {
        moveElement(4, source[0], target[0]);
        advance(source[0], 4);
        advance(target[0], toStride);
      });
      advance(rowSource, fromStride);
      advance(rowTarget, 4);
    }
  });
  return assemble(`copy/transpose/${transpose.variant(problem)}`, { copy });
}

function plan(problem: CopyProblem, { BLOCK }: Tunables, traits: Traits): Plan {
  const { shape, from, to } = problem;
  const last = shape.length - 1;
  const { across } = transposition(problem)!;
  const isOuter = (_: number, d: number) => d !== across && d !== last;
  const sizes = shape.filter(isOuter);
  const blocks = Math.ceil(shape[across] / BLOCK);
  const units = elementCount(sizes) * blocks;
  const threads = threadsFor(copyCost(problem), traits);
  const perTask = threads === 1 ? units : Math.ceil(units / (threads * TASKS_PER_THREAD));
  const bytes = (elements: readonly number[]) => elements.map((each) => each * 4);
  return {
    passes: [
      {
        entry: 'copy',
        buffers: ['x0', 'out'],
        arguments: [
          ...[units, perTask, blocks, shape[across], shape[last]],
          ...bytes([from.offset, to.offset, from.strides[last], to.strides[across]]),
          ...sizes,
          ...bytes(from.strides.filter(isOuter)),
          ...bytes(to.strides.filter(isOuter)),
        ],
        grid: [Math.ceil(units / perTask), 1, 1],
      },
    ],
    workspace: {},
  };
}
