// The way back of a filter gradient: dW = Aᵀ M A, with 3 x 3 of the result for each filter and channel; four channels are the lanes of a vector.

import type { Entry } from '../../../kernel.ts';
import { advance, f32x4, i32, if_, loopWhileBelow, repeat, set, type Task, task, v128 } from '../../assembly.ts';
import { transpose } from '../../shuffle.ts';
import { constantsOf, Linear } from './linear.ts';
import { type OutputTile, transforms } from './matrices.ts';

const ENTRY: Entry = {
  buffers: [
    { name: 'sums', access: 'read' },
    { name: 'filterGrad', access: 'write' },
  ],
  arguments: ['splits', 'groups', 'filters', 'channels', 'planeM', 'rowM'].map((name) => ({ name, type: 'i32' })),
};

const TAPS = 9;

/** One task is one filter; the splits of its sums are added up in their order. */
export function inverseTask(m: OutputTile, fma: boolean): Task {
  const matrix = transforms(3, m).result;
  const n = matrix[0].length;
  const constants = constantsOf(matrix, 'columns');
  const locals = {
    ...{ channel: i32, from: i32, at: i32, left: i32, to: i32, split: i32, some: i32 },
    value: [v128, n],
    made: [v128, 3 * n],
    tap: [v128, TAPS],
    spare: [v128, 4],
    constant: [v128, constants.length],
  } as const;
  return task(ENTRY, locals, (names, argument) => {
    const { task: number, channel, from, at, left, to, split, some, value, made, tap, spare, constant } = names;
    const { sums, filterGrad, splits, groups, filters, channels, planeM, rowM } = argument;
    const linear = new Linear(fma, constants, constant);
    linear.load();
    // Bytes from a split to the next.
    set(split, i32.mul(i32.mul(groups, n * n), planeM));
    advance(sums, i32.mul(i32.mul(i32.div_u(number, filters), n * n), planeM));
    advance(sums, i32.mul(i32.rem_u(number, filters), rowM));
    set(to, i32.add(filterGrad, i32.mul(number, i32.mul(channels, 4 * TAPS))));
    loopWhileBelow(channel, channels, 4, () => {
      set(from, i32.add(sums, i32.shl(channel, 2)));
      const rows = Array.from({ length: n }, (_, i) => {
        for (const vector of value) addSplits(vector);
        return linear
          .byColumns(
            matrix,
            value.map((vector) => [vector]),
            [0, 1, 2].map((j) => [made[3 * i + j]]),
            [spare[0]],
          )
          .map(([vector], j) => {
            if (vector !== made[3 * i + j]) set(made[3 * i + j], vector);
            return made[3 * i + j];
          });
      });
      for (let j = 0; j < 3; j++)
        linear
          .byColumns(
            matrix,
            rows.map((row) => [row[j]]),
            [0, 1, 2].map((i) => [tap[3 * i + j]]),
            [spare[0]],
          )
          .forEach(([vector], i) => {
            if (vector !== tap[3 * i + j]) set(tap[3 * i + j], vector);
          });
      storeFilters();
    });

    /** One element of the planes, of all splits; then on to the next plane. */
    function addSplits(into: (typeof spare)[number]) {
      set(into, v128.load({}, from));
      set(at, from);
      set(left, i32.sub(splits, 1));
      repeat(left, () => {
        advance(at, split);
        set(into, f32x4.add(into, v128.load({}, at)));
      });
      advance(from, planeM);
    }

    /** Nine taps for each of the lanes that are channels. */
    function storeFilters() {
      transpose(tap.slice(0, 4), spare);
      transpose(tap.slice(4, 8), spare);
      for (let l = 0; l < 4; l++) {
        set(some, i32.add(channel, l));
        i32.lt_u(some, channels);
        if_({}, () => {
          v128.store({}, to, tap[l]);
          v128.store({ offset: 16 }, to, tap[4 + l]);
          v128.store32_lane({ offset: 32 }, l, to, tap[8]);
          advance(to, 4 * TAPS);
        });
      }
    }
  });
}
