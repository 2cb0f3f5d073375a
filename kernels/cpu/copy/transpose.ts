// out[.., p, .., l] = x0[.., l, .., p]: one dimension is contiguous in the source (p, across), another in the destination (l, along).
//
//          p: 4   4   4   4                l: BLOCK
//        +---+---+---+---+               +-----------+
//   l:   | 1 | 3 | 5 | 7 |               | 1   2     |  p     Squares of 4x4 are turned in registers, down a strip of four across: lines of the
//  BLOCK +---+---+---+---+               +-----------+        destination are written whole at once, and lines of the source, which lie side by
//        | 2 | 4 | 6 | 8 |               | 3   4     |        side along BLOCK rows, are still in the cache for the next strips.
//        +---+---+---+---+               +-----------+
//
// Lines of a strip's destination are loaded before they are stored to: loads that miss the cache go out side by side, stores one after another.

import { copyCost, copyFacts } from '../../copy.ts';
import type { Entry, Kernel, Plan, Source, Traits, Tunables } from '../../kernel.ts';
import { type CopyProblem, transposition } from '../../problems/copy.ts';
import { elementCount } from '../../problems/pointwise.ts';
import { advance, assemble, drop, i32, type Local, loopWhileBelow, min, repeat, set, task, v128 } from '../assembly.ts';
import { type Odometer, seek } from '../odometer.ts';
import { transpose as turn } from '../shuffle.ts';
import { sharedBy, sharing, sharingConstraints, tasksOf } from '../threading.ts';
import { moveElement } from './rows.ts';

/** Elements of a cache line. */
const LINE = 16;

export const transpose: Kernel<CopyProblem> = {
  name: 'transpose',
  op: 'copy',
  device: 'cpu',
  summary: 'squares of 4x4 turned in registers, down strips whose lines are used whole',
  requires: ['simd'],
  tunables: { BLOCK: [64, 256, 128, 32, 16], ...sharing(2, 1, 4, 8) },
  constraints: sharingConstraints(2),
  deterministic: true,
  facts: copyFacts,
  rejects: (problem) => {
    if (problem.elementBytes !== 4) return `it moves elements of 4 bytes, not of ${problem.elementBytes}`;
    return transposition(problem) ? undefined : 'no dimension is contiguous in the source and another one in the destination';
  },
  // Far beyond the caches pages are dear: each is visited for longer then.
  defaults: (problem, traits) => ({
    BLOCK: copyCost(problem).bytes > 8 * traits.limits.l2Bytes ? 256 : 64,
    ...sharedBy(copyCost(problem), traits, 2),
  }),
  cost: copyCost,
  estimate: (problem) => 2.1e-6 + copyCost(problem).bytes / 8e9,
  variant: ({ shape }) => `r${shape.length}`,
  generate,
  plan,
};

function entryOf({ shape }: CopyProblem): Entry {
  const outer = shape.slice(2).map((_, d) => d);
  const names = ['size', 'from', 'to'].flatMap((name) => outer.map((d) => `${name}${d}`));
  const own = ['units', 'perTask', 'pieces', 'piece', 'blocks', 'across', 'along', 'fromOffset', 'toOffset', 'fromStride', 'toStride'];
  return {
    buffers: [
      { name: 'x0', access: 'read' },
      { name: 'out', access: 'write' },
    ],
    arguments: [...own, ...names].map((name) => ({ name, type: 'u32' })),
  };
}

/** A unit is a block of BLOCK along and `piece` across, at one index of the outer dimensions. */
function generate(problem: CopyProblem, { BLOCK }: Tunables): Source {
  const outer = problem.shape.length - 2;
  const locals = {
    unit: i32,
    end: i32,
    rest: i32,
    number: i32,
    width: i32,
    height: i32,
    count: i32,
    strips: i32,
    source: [i32, 4],
    target: [i32, 4],
    stripSource: i32,
    stripTarget: i32,
    index: [i32, outer],
    row: [v128, 4],
    pair: [v128, 4],
  } as const;
  const copy = task(entryOf(problem), locals, (names, argument) => {
    const { task, unit, end, rest, number, width, height, count, strips, source, target, stripSource, stripTarget, index, row, pair } =
      names;
    const { x0, out, units, perTask, pieces, piece, blocks, across, along, fromOffset, toOffset, fromStride, toStride } = argument;
    const byDimension = (name: string): Local[] => index.map((_, d) => argument[`${name}${d}`]);
    const odometer: Odometer = {
      index,
      sizes: byDimension('size'),
      walkers: [
        { at: stripSource, strides: byDimension('from') },
        { at: stripTarget, strides: byDimension('to') },
      ],
    };
    set(unit, i32.mul(task, perTask));
    set(end, i32.add(unit, perTask));
    min(end, end, units);
    loopWhileBelow(unit, end, 1, () => {
      startUnit();
      set(strips, i32.shr_u(width, 2));
      repeat(strips, strip);
      set(strips, i32.and(width, 3));
      repeat(strips, column);
    });

    /** Decodes the unit, and sets the addresses of its first elements. */
    function startUnit() {
      set(stripSource, i32.add(x0, fromOffset));
      set(stripTarget, i32.add(out, toOffset));
      set(rest, i32.mul(i32.rem_u(unit, pieces), piece));
      set(width, i32.sub(across, rest));
      min(width, width, piece);
      advance(stripSource, i32.shl(rest, 2));
      advance(stripTarget, i32.mul(rest, toStride));
      set(number, i32.div_u(unit, pieces));
      set(rest, i32.mul(i32.rem_u(number, blocks), BLOCK));
      set(height, i32.sub(along, rest));
      min(height, height, BLOCK);
      advance(stripSource, i32.mul(rest, fromStride));
      advance(stripTarget, i32.shl(rest, 2));
      set(number, i32.div_u(number, blocks));
      seek(odometer, number, rest);
    }

    /** Four of `across`, all along the block. */
    function strip() {
      fetchTargets();
      for (const [k, address] of source.entries()) set(address, k === 0 ? stripSource : i32.add(source[k - 1], fromStride));
      for (const [k, address] of target.entries()) set(address, k === 0 ? stripTarget : i32.add(target[k - 1], toStride));
      set(count, i32.shr_u(height, 2));
      repeat(count, square);
      set(count, i32.and(height, 3));
      repeat(count, () => {
        target.forEach((address, k) => i32.store({}, address, i32.load({ offset: 4 * k }, source[0])));
        advance(source[0], fromStride);
        for (const address of target) advance(address, 4);
      });
      advance(stripSource, 16);
      advance(stripTarget, i32.shl(toStride, 2));
    }

    /** Brings the lines into the cache that the strip will store to. */
    function fetchTargets() {
      for (const [k, address] of source.entries()) set(address, k === 0 ? stripTarget : i32.add(source[k - 1], toStride));
      set(count, i32.div_u(height, LINE));
      repeat(count, () => {
        for (const address of source) {
          i32.load({}, address);
          drop();
          advance(address, 4 * LINE);
        }
      });
    }

    /** Turns 4x4 elements, and moves on by 4 along. */
    function square() {
      row.forEach((vector, k) => set(vector, v128.load({}, source[k])));
      turn(row, pair);
      row.forEach((vector, k) => v128.store({}, target[k], vector));
      for (const address of source) advance(address, i32.shl(fromStride, 2));
      for (const address of target) advance(address, 16);
    }

    /** One of `across` that fills no strip. */
    function column() {
      set(source[0], stripSource);
      set(target[0], stripTarget);
      set(count, height);
      repeat(count, () => {
        moveElement(4, source[0], target[0]);
        advance(source[0], fromStride);
        advance(target[0], 4);
      });
      advance(stripSource, 4);
      advance(stripTarget, toStride);
    }
  });
  return assemble(`copy/transpose/${transpose.variant(problem)}`, { copy });
}

function plan(problem: CopyProblem, tunables: Tunables, traits: Traits): Plan {
  const { shape, from, to } = problem;
  const last = shape.length - 1;
  const { across } = transposition(problem)!;
  const isOuter = (_: number, d: number) => d !== across && d !== last;
  const sizes = shape.filter(isOuter);
  const blocks = Math.ceil(shape[last] / tunables.BLOCK);
  const tasks = tasksOf(tunables, traits);
  // Where blocks along are few, they are cut across, in whole lines of the source.
  const cuts = Math.ceil(tasks / (elementCount(sizes) * blocks));
  const piece = Math.ceil(shape[across] / cuts / LINE) * LINE;
  const pieces = Math.ceil(shape[across] / piece);
  const units = elementCount(sizes) * blocks * pieces;
  const perTask = Math.ceil(units / tasks);
  const bytes = (elements: readonly number[]) => elements.map((each) => each * 4);
  return {
    passes: [
      {
        entry: 'copy',
        buffers: ['x0', 'out'],
        arguments: [
          ...[units, perTask, pieces, piece, blocks, shape[across], shape[last]],
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
