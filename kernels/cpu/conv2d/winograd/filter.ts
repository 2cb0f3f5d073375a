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
import { advance, i32, if_, type Local, loopWhileBelow, min, repeat, set, type Task, task, v128 } from '../../assembly.ts';
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

/** The pass that fills `transformed`, and how many bytes that has. */
export function filterPass(problem: Conv2dProblem, m: OutputTile, mr: number): { pass: Pass; bytes: number } {
  const { rows, depth } = filterExtent(problem);
  const [filterBytes, channelBytes] = [4 * TAPS * (problem.channels / problem.groups), 4 * TAPS];
  const strips = Math.ceil(rows / mr);
  const plane = filterPlane(rows, depth, mr);
  const isTurned = problem.pass === 'input-grad';
  const together = isTurned ? STRIPS : 1;
  return {
    pass: {
      entry: 'filter',
      prepares: 'filter',
      buffers: ['filter', 'transformed'],
      arguments: [
        ...[rows, depth, isTurned ? channelBytes : filterBytes, isTurned ? filterBytes : channelBytes],
        ...[filterBytes * (problem.filters / problem.groups), strips, together, plane],
      ],
      grid: [problem.groups * Math.ceil(strips / together), 1, 1],
    },
    bytes: problem.groups * (m + 2) ** 2 * plane,
  };
}

/** One task is `together` strips of one group. */
export function filterTask(m: OutputTile, mr: number, isTurned: boolean, fma: boolean): Task {
  const matrix = transforms(m, 3).taps;
  const n = matrix.length;
  const constants = constantsOf(matrix, 'rows');
  const locals = {
    ...{ strip: i32, end: i32, group: i32, done: i32, steps: i32, row: i32, last: i32, to: i32, from: i32, word: i32 },
    source: [i32, 4],
    tap: [v128, TAPS],
    more: [v128, 4],
    made: [v128, 3 * n],
    across: [v128, n],
    spare: [v128, 4],
    constant: [v128, constants.length],
  } as const;
  return task(ENTRY, locals, (names, argument) => {
    const {
      task: number,
      strip,
      end,
      group,
      done,
      steps,
      word,
      row,
      last,
      source,
      to,
      from,
      tap,
      more,
      made,
      across,
      spare,
      constant,
    } = names;
    const { filter, transformed, rows, depth, rowBytes, stepBytes, groupBytes, strips, together, plane } = argument;
    const linear = new Linear(fma, constants, constant);
    linear.load();
    set(end, i32.div_u(i32.add(strips, i32.sub(together, 1)), together));
    set(group, i32.div_u(number, end));
    set(number, i32.mul(i32.rem_u(number, end), together));
    set(end, i32.add(number, together));
    min(end, end, strips);
    advance(filter, i32.mul(group, groupBytes));
    advance(transformed, i32.mul(group, i32.mul(plane, n * n)));
    set(last, i32.sub(rows, 1));
    loopWhileBelow(done, depth, STEPS, () => {
      if (isTurned) touch();
      set(strip, number);
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
      set(row, i32.mul(number, mr));
      set(to, i32.sub(rows, row));
      set(from, i32.mul(together, mr));
      min(to, to, from);
      set(to, i32.mul(to, rowBytes));
      set(row, i32.add(i32.add(filter, i32.mul(row, rowBytes)), i32.mul(done, stepBytes)));
      set(steps, i32.sub(depth, done));
      min(steps, steps, STEPS);
      repeat(steps, () => {
        set(from, 0);
        loopWhileBelow(from, to, 64, () => set(word, i32.xor(word, i32.load({}, i32.add(row, from)))));
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
      set(from, i32.add(i32.mul(strip, i32.mul(depth, 4 * mr)), i32.mul(done, 4 * mr)));
      advance(from, i32.add(transformed, 4 * first));
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
        set(to, from);
        for (let i = 0; i < n; i++) {
          const columns = linear.byRows(
            matrix,
            [0, 1, 2].map((v) => down[v][i]),
            across.map((vector) => [vector]),
            [[spare[0]], [spare[1]]],
          );
          for (const [vector] of columns) {
            storeLanes(lanes, to, vector);
            advance(to, plane);
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
