// Turning a filter: [group, filter, channel, tap] becomes [group, channel, filter, tap], so that the weights of a channel's gradient lie in a row.

import type { Entry, Pass } from '../../kernel.ts';
import type { Conv2dProblem } from '../../problems/conv2d.ts';
import { advance, f32, i32, loopWhileBelow, repeat, set, type Task, task } from '../assembly.ts';

const ENTRY: Entry = {
  buffers: [
    { name: 'filter', access: 'read' },
    { name: 'turned', access: 'write' },
  ],
  arguments: ['channels', 'filters', 'taps'].map((name) => ({ name, type: 'i32' })),
};

/** One task is one channel; `channels` and `filters` are those of a group. */
export function turnFilter(): Task {
  return task(ENTRY, { k: i32, left: i32, from: i32, to: i32, row: i32 }, ({ task: channel, k, left, from, to, row }, argument) => {
    const { filter, turned, channels, filters, taps } = argument;
    set(row, i32.shl(taps, 2));
    set(to, i32.add(turned, i32.mul(i32.mul(channel, filters), row)));
    set(from, i32.mul(i32.div_u(channel, channels), i32.mul(filters, channels)));
    set(from, i32.add(filter, i32.mul(i32.add(from, i32.rem_u(channel, channels)), row)));
    loopWhileBelow(k, filters, 1, () => {
      set(left, taps);
      repeat(left, () => {
        f32.store({}, to, f32.load({}, from));
        advance(from, 4);
        advance(to, 4);
      });
      advance(from, i32.mul(i32.sub(channels, 1), row));
    });
  });
}

/** The pass that turns the filter of a problem into `turned`. */
export const turnPass = ({ channels, filters, groups, vertical, horizontal }: Conv2dProblem): Pass => ({
  entry: 'turn',
  prepares: 'filter',
  buffers: ['filter', 'turned'],
  arguments: [channels / groups, filters / groups, vertical.window * horizontal.window],
  grid: [channels, 1, 1],
});
