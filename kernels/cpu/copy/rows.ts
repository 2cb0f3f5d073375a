// out[to(i)] = x0[from(i)], row by row in the order of the destination.
//
//   rows contiguous on both sides:  |--32 bytes--|--32 bytes--|..|1|1|       else element by element, with a stride on either side
//   long ones:                      memory.copy, which picks what suits the processor; the call pays from BULK_BYTES on

import { copyCost, copyFacts } from '../../copy.ts';
import type { Entry, Kernel, Plan, Source, Traits, Tunables } from '../../kernel.ts';
import type { CopyProblem } from '../../problems/copy.ts';
import { elementCount } from '../../problems/pointwise.ts';
import { advance, assemble, i32, if_, type Local, local, loopWhileBelow, memory, min, repeat, set, task, v128 } from '../assembly.ts';
import { type Odometer, seek, step } from '../odometer.ts';
import { sharesOf } from '../shares.ts';
import { sharedBy, sharing, sharingConstraints, tasksOf } from '../threading.ts';

const BULK_BYTES = 1024;

export const rows: Kernel<CopyProblem> = {
  name: 'rows',
  op: 'copy',
  device: 'cpu',
  summary: 'row by row in the order of the destination, by vectors where both sides are contiguous',
  requires: ['simd'],
  tunables: sharing(2, 1, 4, 8),
  constraints: sharingConstraints(2),
  deterministic: true,
  facts: copyFacts,
  rejects: () => undefined,
  defaults: (problem, traits) => sharedBy(copyCost(problem), traits, 2),
  cost: copyCost,
  estimate: (problem) => 2e-6 + copyCost(problem).bytes / (isContiguous(problem) ? 15e9 : 3e9),
  variant: (problem) => `${problem.elementBytes}/r${problem.shape.length}/${isContiguous(problem) ? 'contiguous' : 'strided'}`,
  generate,
  plan,
};

function isContiguous({ shape, from, to }: CopyProblem): boolean {
  const last = shape.length - 1;
  return from.strides[last] === 1 && to.strides[last] === 1;
}

/** Sizes of the outer dimensions, then strides and offsets of both sides in bytes. */
function entryOf({ shape }: CopyProblem): Entry {
  const outer = shape.slice(1).map((_, d) => d);
  const names = ['size', 'from', 'to'].flatMap((name) => outer.map((d) => `${name}${d}`));
  return {
    buffers: [
      { name: 'x0', access: 'read' },
      { name: 'out', access: 'write' },
    ],
    arguments: ['rows', 'columns', 'rowsPerTask', 'pieces', 'piece', 'fromOffset', 'toOffset', 'fromStep', 'toStep', ...names].map(
      (name) => ({
        name,
        type: 'u32',
      }),
    ),
  };
}

function generate(problem: CopyProblem): Source {
  const { shape, elementBytes } = problem;
  const outer = shape.length - 1;
  const locals = {
    row: i32,
    endRow: i32,
    count: i32,
    left: i32,
    rest: i32,
    source: i32,
    target: i32,
    index: [i32, outer],
    value: [v128, 2],
  } as const;
  const copy = task(entryOf(problem), locals, ({ task, row, endRow, count, left, rest, source, target, index, value }, argument) => {
    const { x0, out, rows, columns, rowsPerTask, pieces, piece, fromOffset, toOffset, fromStep, toStep } = argument;
    const byDimension = (name: string): Local[] => index.map((_, d) => argument[`${name}${d}`]);
    const odometer: Odometer = {
      index,
      sizes: byDimension('size'),
      walkers: [
        { at: x0, strides: byDimension('from') },
        { at: out, strides: byDimension('to') },
      ],
    };
    set(row, i32.mul(i32.div_u(task, pieces), rowsPerTask));
    set(endRow, i32.add(row, rowsPerTask));
    min(endRow, endRow, rows);
    set(rest, i32.mul(i32.rem_u(task, pieces), piece));
    set(count, i32.sub(columns, rest));
    min(count, count, piece);
    set(x0, i32.add(i32.add(x0, fromOffset), i32.mul(rest, fromStep)));
    set(out, i32.add(i32.add(out, toOffset), i32.mul(rest, toStep)));
    seek(odometer, row, rest);
    loopWhileBelow(row, endRow, 1, () => {
      set(source, x0);
      set(target, out);
      set(left, count);
      if (isContiguous(problem)) {
        i32.ge_u(count, BULK_BYTES / elementBytes);
        if_({}, bulk, vectors);
      }
      repeat(left, () => {
        moveElement(elementBytes, source, target);
        advance(source, fromStep);
        advance(target, toStep);
      });
      step(odometer);
    });

    /** The whole row by the engine's own copy. */
    function bulk() {
      local.get(target);
      local.get(source);
      i32.mul(count, elementBytes);
      memory.copy();
      set(left, 0);
    }

    /** 32 bytes at a time; leaves in `left` the elements that are left. */
    function vectors() {
      const many = 32 / elementBytes;
      set(left, i32.div_u(count, many));
      repeat(left, () => {
        value.forEach((half, i) => set(half, v128.load({ offset: 16 * i }, source)));
        value.forEach((half, i) => v128.store({ offset: 16 * i }, target, half));
        advance(source, 32);
        advance(target, 32);
      });
      set(left, i32.rem_u(count, many));
    }
  });
  return assemble(`copy/rows/${rows.variant(problem)}`, { copy });
}

/** Moves one element. */
export function moveElement(elementBytes: 1 | 2 | 4, source: Local, target: Local): void {
  if (elementBytes === 4) i32.store({}, target, i32.load({}, source));
  else if (elementBytes === 2) i32.store16({}, target, i32.load16_u({}, source));
  else i32.store8({}, target, i32.load8_u({}, source));
}

function plan(problem: CopyProblem, tunables: Tunables, traits: Traits): Plan {
  const { shape, from, to, elementBytes } = problem;
  const last = shape.length - 1;
  const outer = shape.slice(0, last);
  const [count, columns] = [elementCount(outer), shape[last]];
  const shares = sharesOf(count, columns, tasksOf(tunables, traits));
  const bytes = (elements: readonly number[]) => elements.map((each) => each * elementBytes);
  return {
    passes: [
      {
        entry: 'copy',
        buffers: ['x0', 'out'],
        arguments: [
          ...[count, columns, shares.rowsPerTask, shares.pieces, shares.piece],
          ...bytes([from.offset, to.offset, from.strides[last], to.strides[last]]),
          ...outer,
          ...bytes(from.strides.slice(0, last)),
          ...bytes(to.strides.slice(0, last)),
        ],
        grid: [shares.tasks, 1, 1],
      },
    ],
    workspace: {},
  };
}
