// The filter's transform U = G g Gᵀ, packed as the product's tiles read it: for each group and plane, strips of MR rows, row beside row for each step.
//
//                row        step of the depth    taps
//   forward      filter     channel              as they are
//   input-grad   channel    filter               turned by 180 degrees
//
// Rows are the lanes of the vectors: four, then two or one, of a strip. Steps are taken some at a time, so that the lines of U that rows share are written once;
// where the rows of some strips are neighbours in the filter (input-grad), these strips take turns.

import type { Entry, Pass } from '../../../kernel.ts';
import type { Conv2dProblem } from '../../../problems/conv2d.ts';
import {
  advance,
  call,
  i32,
  if_,
  type Local,
  loopWhileBelow,
  min,
  type Routine,
  repeat,
  routine,
  set,
  type Task,
  task,
  v128,
} from '../../assembly.ts';
import { transpose } from '../../shuffle.ts';
import { constantsOf, Linear } from './linear.ts';
import { type OutputTile, transforms } from './matrices.ts';

const ENTRY: Entry = {
  buffers: [
    { name: 'filter', access: 'read' },
    { name: 'transformed', access: 'write' },
  ],
  arguments: ['rows', 'depth', 'rowBytes', 'stepBytes', 'groupBytes', 'strips', 'together', 'plane'].map((name) => ({ name, type: 'i32' })),
};

const TAPS = 9;
/** Steps of the depth at a time. */
const STEPS = 128;
/** Strips that take turns where their rows are neighbours in the filter. */
const STRIPS = 4;

/** Bytes from one plane of U to the next; a line more than needed, so that planes do not meet in the same sets of the cache. */
export const filterPlane = (rows: number, depth: number, mr: number): number => 4 * Math.ceil(rows / mr) * mr * depth + 64;

/** Rows of U and steps of its depth, in each group. */
export function filterExtent({ pass, channels, filters, groups }: Conv2dProblem): { rows: number; depth: number } {
  const [channelsEach, filtersEach] = [channels / groups, filters / groups];
  return pass === 'input-grad' ? { rows: channelsEach, depth: filtersEach } : { rows: filtersEach, depth: channelsEach };
}

/** Bytes of the filter from row to row of U, and from step to step of its depth. */
export function filterStrides({ pass, channels, groups }: Conv2dProblem): { rowBytes: number; stepBytes: number } {
  const [filterBytes, channelBytes] = [4 * TAPS * (channels / groups), 4 * TAPS];
  return pass === 'input-grad' ? { rowBytes: channelBytes, stepBytes: filterBytes } : { rowBytes: filterBytes, stepBytes: channelBytes };
}

/** The pass that fills `transformed`, and how many bytes that has. */
export function filterPass(problem: Conv2dProblem, m: OutputTile, mr: number): { pass: Pass; bytes: number } {
  const { rows, depth } = filterExtent(problem);
  const { rowBytes, stepBytes } = filterStrides(problem);
  const strips = Math.ceil(rows / mr);
  const plane = filterPlane(rows, depth, mr);
  const isTurned = problem.pass === 'input-grad';
  const together = isTurned ? STRIPS : 1;
  return {
    pass: {
      entry: 'filter',
      prepares: 'filter',
      buffers: ['filter', 'transformed'],
      arguments: [...[rows, depth, rowBytes, stepBytes, 4 * TAPS * rows * depth, strips, together, plane]],
      grid: [problem.groups * Math.ceil(strips / together), 1, 1],
    },
    bytes: problem.groups * (m + 2) ** 2 * plane,
  };
}

const ROUTINE = { filter: i32, to: i32, rows: i32, depth: i32, rowBytes: i32, stepBytes: i32, begin: i32, end: i32, plane: i32 } as const;

/**
 * Generates `transform(filter, to, rows, depth, rowBytes, stepBytes, begin, end, plane)`: strips `begin` to `end - 1` of a group, whose filters begin at
 * `filter` and have `rows` rows, one after another from `to` on in each plane.
 */
export function filterRoutine(m: OutputTile, mr: number, isTurned: boolean, fma: boolean): Routine {
  const matrix = transforms(m, 3).taps;
  const n = matrix.length;
  const constants = constantsOf(matrix, 'rows');
  const locals = {
    ...{ strip: i32, done: i32, steps: i32, row: i32, last: i32, at: i32, from: i32, word: i32 },
    source: [i32, 4],
    tap: [v128, TAPS],
    more: [v128, 4],
    made: [v128, 3 * n],
    across: [v128, n],
    spare: [v128, 4],
    constant: [v128, constants.length],
  } as const;
  return routine(ROUTINE, locals, (names) => {
    const { filter, to, rows, depth, rowBytes, stepBytes, begin, end, plane } = names;
    const { strip, done, steps, word, row, last, source, at, from, tap, more, made, across, spare, constant } = names;
    const linear = new Linear(fma, constants, constant);
    linear.load();
    set(last, i32.sub(rows, 1));
    loopWhileBelow(done, depth, STEPS, () => {
      if (isTurned) touch();
      set(strip, begin);
      loopWhileBelow(strip, end, 1, () => {
        for (let first = 0; first < mr; ) {
          const lanes = first + 4 <= mr ? 4 : first + 2 <= mr ? 2 : 1;
          lanesOfRows(first, lanes);
          first += lanes;
        }
      });
    });

    /** Reads a word of every line of the next steps: many misses at once, where the transforms would meet them one after another. */
    function touch() {
      set(row, i32.mul(begin, mr));
      set(at, i32.mul(end, mr));
      min(at, at, rows);
      set(at, i32.mul(i32.sub(at, row), rowBytes));
      set(row, i32.add(i32.add(filter, i32.mul(row, rowBytes)), i32.mul(done, stepBytes)));
      set(steps, i32.sub(depth, done));
      min(steps, steps, STEPS);
      repeat(steps, () => {
        set(from, 0);
        loopWhileBelow(from, at, 64, () => set(word, i32.xor(word, i32.load({}, i32.add(row, from)))));
        advance(row, stepBytes);
      });
    }

    /** Some steps of `lanes` rows of the strip. */
    function lanesOfRows(first: number, lanes: 1 | 2 | 4) {
      for (let l = 0; l < lanes; l++) {
        // Rows past the last are read from the last: what is made of them is thrown away.
        set(row, i32.add(i32.mul(strip, mr), first + l));
        i32.gt_u(row, last);
        if_({}, () => set(row, last));
        set(source[l], i32.add(filter, i32.add(i32.mul(row, rowBytes), i32.mul(done, stepBytes))));
      }
      set(from, i32.add(i32.mul(i32.sub(strip, begin), i32.mul(depth, 4 * mr)), i32.mul(done, 4 * mr)));
      advance(from, i32.add(to, 4 * first));
      set(steps, i32.sub(depth, done));
      min(steps, steps, STEPS);
      repeat(steps, () => {
        loadTaps(lanes);
        const taps = isTurned ? [...tap].reverse() : tap;
        const down = [0, 1, 2].map((v) =>
          linear.byRows(
            matrix,
            [0, 1, 2].map((u) => [taps[3 * u + v]]),
            Array.from({ length: n }, (_, i) => [made[3 * i + v]]),
            [[spare[0]], [spare[1]]],
          ),
        );
        set(at, from);
        for (let i = 0; i < n; i++) {
          const columns = linear.byRows(
            matrix,
            [0, 1, 2].map((v) => down[v][i]),
            across.map((vector) => [vector]),
            [[spare[0]], [spare[1]]],
          );
          for (const [vector] of columns) {
            storeLanes(lanes, at, vector);
            advance(at, plane);
          }
        }
        advance(from, 4 * mr);
        for (let l = 0; l < lanes; l++) advance(source[l], stepBytes);
      });
    }

    /** Nine taps of each row, so that lane l of `tap[t]` is tap t of row l. */
    function loadTaps(lanes: number) {
      for (let half = 0; half < 2; half++) {
        const group = half === 0 ? tap.slice(0, 4) : tap.slice(4, 8);
        group.forEach((vector, l) => set(vector, v128.load({ offset: 16 * half }, source[l % lanes])));
        transpose(group, spare);
      }
      more.forEach((vector, l) => set(vector, v128.load32_zero({ offset: 32 }, source[l % lanes])));
      transpose(more, spare, 1);
      set(tap[8], more[0]);
    }
  });
}

function storeLanes(lanes: 1 | 2 | 4, to: Local, vector: Local<'v128'>): void {
  if (lanes === 4) v128.store({}, to, vector);
  else if (lanes === 2) v128.store64_lane({}, 0, to, vector);
  else v128.store32_lane({}, 0, to, vector);
}

/** One task is `together` strips of one group. */
export function filterTask(m: OutputTile, mr: number, isTurned: boolean, fma: boolean): Task {
  const transform = filterRoutine(m, mr, isTurned, fma);
  const planes = (m + 2) ** 2;
  return task(ENTRY, { begin: i32, end: i32, group: i32 }, ({ task: number, begin, end, group }, argument) => {
    const { filter, transformed, rows, depth, rowBytes, stepBytes, groupBytes, strips, together, plane } = argument;
    set(end, i32.div_u(i32.add(strips, i32.sub(together, 1)), together));
    set(group, i32.div_u(number, end));
    set(begin, i32.mul(i32.rem_u(number, end), together));
    set(end, i32.add(begin, together));
    min(end, end, strips);
    advance(filter, i32.mul(group, groupBytes));
    advance(transformed, i32.mul(group, i32.mul(plane, planes)));
    advance(transformed, i32.mul(begin, i32.mul(depth, 4 * mr)));
    call(transform, [filter, transformed, rows, depth, rowBytes, stepBytes, begin, end, plane]);
  });
}
