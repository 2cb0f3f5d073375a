// Filters packed for the register tile: strips of MR rows, step by step, MR weights side by side; rows that do not exist are zero.
//
//   forward       rows are the filters of a group, steps (channel, tap)        the filter is a matrix of such rows already
//   input-grad    rows are the channels of a group, steps (filter, tap)        channels and filters change places, and only the taps of a phase are taken

import type { Entry, Pass } from '../../kernel.ts';
import type { Conv2dProblem } from '../../problems/conv2d.ts';
import { advance, call, f32, i32, if_, loopWhileBelow, min, repeat, set, type Task, task } from '../assembly.ts';
import { packRoutine } from '../pack.ts';
import type { Phase } from './phases.ts';

const u32 = (...names: string[]): Entry['arguments'] => names.map((name) => ({ name, type: 'u32' }));
const entryOf = (...names: string[]): Entry => ({
  buffers: [
    { name: 'filter', access: 'read' },
    { name: 'packed', access: 'write' },
  ],
  arguments: u32(...names),
});

/** Elements of a packed filter: `groups` times whole strips of `rows` rows with `steps` steps. */
export const packedElements = (groups: number, rows: number, steps: number, mr: number): number =>
  groups * Math.ceil(rows / mr) * mr * steps;

/** One task is one group's strip of filters, `rows` of them in a group. */
export function packFilter(mr: number): Task {
  const pack = packRoutine({ width: mr, contiguous: 'k', scale: false });
  const locals = { group: i32, first: i32, lanes: i32 } as const;
  return task(
    entryOf('strips', 'rows', 'steps'),
    locals,
    ({ task: number, group, first, lanes }, { filter, packed, strips, rows, steps }) => {
      set(group, i32.div_u(number, strips));
      set(first, i32.mul(i32.rem_u(number, strips), mr));
      set(lanes, i32.sub(rows, first));
      min(lanes, lanes, mr);
      advance(filter, i32.shl(i32.mul(i32.add(i32.mul(group, rows), first), steps), 2));
      advance(packed, i32.mul(i32.mul(number, steps), 4 * mr));
      call(pack, [filter, packed, lanes, steps, i32.shl(steps, 2), 0]);
    },
  );
}

export const packFilterPass = ({ channels, filters, groups, vertical, horizontal }: Conv2dProblem, mr: number): Pass => {
  const [rows, steps] = [filters / groups, (channels / groups) * vertical.window * horizontal.window];
  const strips = Math.ceil(rows / mr);
  return {
    entry: 'packFilter',
    prepares: 'filter',
    buffers: ['filter', 'packedFilter'],
    arguments: [strips, rows, steps],
    grid: [groups * strips, 1, 1],
  };
};

/** One task is one group's strip of channels; `channels` and `filters` are those of a group, `window*` the filter's taps, `taps*` the phase's. */
export function packTurned(mr: number): Task {
  const names = ['offset', 'strips', 'channels', 'filters', 'windowY', 'windowX', 'tapsY', 'tapsX', 'firstY', 'firstX', 'everyY', 'everyX'];
  const locals = { group: i32, first: i32, lanes: i32, k: i32, u: i32, v: i32, line: i32, at: i32, from: i32, area: i32 } as const;
  return task(entryOf(...names), locals, (local, argument) => {
    const { task: number, group, first, lanes, k, u, v, line, at, from, area } = local;
    const { filter, packed, offset, strips, channels, filters, windowY, windowX, tapsY, tapsX, firstY, firstX, everyY, everyX } = argument;
    set(group, i32.div_u(number, strips));
    set(first, i32.mul(i32.rem_u(number, strips), mr));
    set(lanes, i32.sub(channels, first));
    set(area, i32.shl(i32.mul(windowY, windowX), 2));
    advance(packed, offset);
    advance(packed, i32.mul(i32.mul(number, i32.mul(filters, i32.mul(tapsY, tapsX))), 4 * mr));
    advance(filter, i32.mul(i32.add(i32.mul(i32.mul(group, filters), channels), first), area));
    advance(filter, i32.shl(i32.add(i32.mul(firstY, windowX), firstX), 2));
    loopWhileBelow(k, filters, 1, () => {
      set(line, filter);
      set(u, tapsY);
      repeat(u, () => {
        set(at, line);
        set(v, tapsX);
        repeat(v, () => {
          set(from, at);
          for (let i = 0; i < mr; i++) {
            i32.gt_u(lanes, i);
            if_(
              {},
              () => f32.store({ offset: 4 * i }, packed, f32.load({}, from)),
              () => f32.store({ offset: 4 * i }, packed, f32.const(0)),
            );
            advance(from, area);
          }
          advance(packed, 4 * mr);
          advance(at, i32.shl(everyX, 2));
        });
        advance(line, i32.shl(i32.mul(everyY, windowX), 2));
      });
      advance(filter, i32.mul(channels, area));
    });
  });
}

/** The pass that packs the taps of a phase, from `offset` bytes on. */
export function packTurnedPass(
  { channels, filters, groups, vertical, horizontal }: Conv2dProblem,
  [down, across]: readonly [Phase, Phase],
  offset: number,
  mr: number,
): Pass {
  const strips = Math.ceil(channels / groups / mr);
  return {
    entry: 'packTurned',
    prepares: 'filter',
    buffers: ['filter', 'packedFilter'],
    arguments: [
      ...[offset, strips, channels / groups, filters / groups, vertical.window, horizontal.window],
      ...[down.taps, across.taps, down.firstTap, across.firstTap, down.everyTap, across.everyTap],
    ],
    grid: [groups * strips, 1, 1],
  };
}
