// The way back of a filter gradient: dW = Aᵀ M A, with 3 x 3 of the result for each filter and channel; four channels are the lanes of a vector.

import type { Entry } from '../../../kernel.ts';
import {
  advance,
  call,
  f32x4,
  i32,
  if_,
  type Local,
  loopWhileBelow,
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
    { name: 'sums', access: 'read' },
    { name: 'filterGrad', access: 'write' },
  ],
  arguments: ['splits', 'groups', 'filters', 'channels', 'planeM', 'rowM'].map((name) => ({ name, type: 'i32' })),
};

const TAPS = 9;

const ROUTINE = { from: i32, to: i32, channels: i32, plane: i32, splits: i32, split: i32 } as const;

/**
 * Generates `inverse(from, to, channels, plane, splits, split)`: one filter, all channels. `from`: its row in the first plane, `plane` bytes before the next;
 * `splits` of the sums, `split` bytes apart, are added up in their order.
 */
export function inverseRoutine(m: OutputTile, fma: boolean): Routine {
  const matrix = transforms(3, m).result;
  const n = matrix[0].length;
  const constants = constantsOf(matrix, 'columns');
  const locals = {
    ...{ channel: i32, row: i32, at: i32, left: i32, some: i32 },
    value: [v128, n],
    made: [v128, 3 * n],
    tap: [v128, TAPS],
    spare: [v128, 4],
    constant: [v128, constants.length],
  } as const;
  return routine(ROUTINE, locals, (names) => {
    const { from, to, channels, plane, splits, split, channel, row, at, left, some, value, made, tap, spare, constant } = names;
    const linear = new Linear(fma, constants, constant);
    linear.load();
    loopWhileBelow(channel, channels, 4, () => {
      set(row, i32.add(from, i32.shl(channel, 2)));
      const rows = Array.from({ length: n }, (_, i) => {
        for (const vector of value) addSplits(vector);
        return backInto(value, made.slice(3 * i, 3 * i + 3));
      });
      for (let j = 0; j < 3; j++)
        backInto(
          rows.map((each) => each[j]),
          [tap[j], tap[3 + j], tap[6 + j]],
        );
      storeFilters();
    });

    /** Aᵀ times `source`, which is lost. */
    function backInto(source: Local<'v128'>[], target: Local<'v128'>[]): Local<'v128'>[] {
      const bundles = (vectors: Local<'v128'>[]) => vectors.map((vector) => [vector]);
      linear.byColumns(matrix, bundles(source), bundles(target), [spare[0]]).forEach(([vector], i) => {
        if (vector !== target[i]) set(target[i], vector);
      });
      return target;
    }

    /** One element of the planes, of all splits; then on to the next plane. */
    function addSplits(into: Local<'v128'>) {
      set(into, v128.load({}, row));
      set(at, row);
      set(left, i32.sub(splits, 1));
      repeat(left, () => {
        advance(at, split);
        set(into, f32x4.add(into, v128.load({}, at)));
      });
      advance(row, plane);
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

/** One task is one filter. */
export function inverseTask(m: OutputTile, fma: boolean): Task {
  const inverse = inverseRoutine(m, fma);
  const planes = (m + 2) ** 2;
  return task(ENTRY, { split: i32 }, ({ task: number, split }, argument) => {
    const { sums, filterGrad, splits, groups, filters, channels, planeM, rowM } = argument;
    set(split, i32.mul(i32.mul(groups, planes), planeM));
    advance(sums, i32.mul(i32.mul(i32.div_u(number, filters), planes), planeM));
    advance(sums, i32.mul(i32.rem_u(number, filters), rowM));
    advance(filterGrad, i32.mul(number, i32.mul(channels, 4 * TAPS)));
    call(inverse, [sums, filterGrad, channels, planeM, splits, split]);
  });
}
