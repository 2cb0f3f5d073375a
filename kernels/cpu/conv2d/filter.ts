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

/** Strips of channels that a task packs together, so that each filter is read in long pieces. */
const STRIPS_TOGETHER = 4;

/**
 * One task is some strips of channels of a group; `channels` and `filters` are those of a group, `window*` the filter's taps, `taps*` the phase's. Where
 * there is one tap, filters are rows of channels.
 */
export function packTurned(mr: number): Task {
  const names = ['offset', 'strips', 'channels', 'filters', 'windowY', 'windowX', 'tapsY', 'tapsX', 'firstY', 'firstX', 'everyY', 'everyX'];
  const packColumns = packRoutine({ width: mr, contiguous: 'lanes', scale: false });
  const locals = {
    ...{ group: i32, strip: i32, last: i32, first: i32, lanes: i32, area: i32, taps: i32, stripBytes: i32 },
    ...{ chunks: i32, k: i32, u: i32, v: i32, i: i32, line: i32, tap: i32, source: i32, at: i32, from: i32, to: i32 },
  } as const;
  return task(entryOf(...names), locals, (local, argument) => {
    const { task: number, group, strip, last, first, lanes, area, taps, stripBytes } = local;
    const { chunks, k, u, v, i, line, tap, source, at, from, to } = local;
    const { filter, packed, offset, strips, channels, filters, windowY, windowX, tapsY, tapsX, firstY, firstX, everyY, everyX } = argument;
    set(chunks, i32.div_u(i32.add(strips, STRIPS_TOGETHER - 1), STRIPS_TOGETHER));
    set(group, i32.div_u(number, chunks));
    set(strip, i32.mul(i32.rem_u(number, chunks), STRIPS_TOGETHER));
    set(last, i32.add(strip, STRIPS_TOGETHER));
    min(last, last, strips);
    set(area, i32.mul(windowY, windowX));
    set(taps, i32.mul(tapsY, tapsX));
    set(stripBytes, i32.mul(i32.mul(filters, taps), 4 * mr));
    set(first, i32.mul(strip, mr));
    advance(packed, i32.add(offset, i32.mul(i32.add(i32.mul(group, strips), strip), stripBytes)));
    advance(filter, i32.shl(i32.mul(i32.add(i32.mul(i32.mul(group, filters), channels), first), area), 2));
    i32.and(i32.eq(area, 1), i32.eq(taps, 1));
    if_({}, packRows, () =>
      loopWhileBelow(k, filters, 1, () => {
        set(from, filter);
        set(to, packed);
        set(lanes, i32.sub(channels, first));
        set(i, strip);
        loopWhileBelow(i, last, 1, () => {
          packStrip();
          advance(from, i32.shl(i32.mul(area, mr), 2));
          advance(to, stripBytes);
          set(lanes, i32.sub(lanes, mr));
        });
        advance(filter, i32.shl(i32.mul(channels, area), 2));
        advance(packed, i32.mul(taps, 4 * mr));
      }),
    );

    function packRows() {
      set(lanes, i32.mul(i32.sub(last, strip), mr));
      set(i, i32.sub(channels, first));
      min(lanes, lanes, i);
      call(packColumns, [filter, packed, lanes, filters, i32.shl(channels, 2), 0]);
    }
    function packStrip() {
      set(at, to);
      set(line, i32.add(from, i32.shl(i32.add(i32.mul(firstY, windowX), firstX), 2)));
      set(u, tapsY);
      repeat(u, () => {
        set(tap, line);
        set(v, tapsX);
        repeat(v, () => {
          set(source, tap);
          for (let lane = 0; lane < mr; lane++) {
            i32.gt_u(lanes, lane);
            if_(
              {},
              () => f32.store({ offset: 4 * lane }, at, f32.load({}, source)),
              () => f32.store({ offset: 4 * lane }, at, f32.const(0)),
            );
            advance(source, i32.shl(area, 2));
          }
          advance(at, 4 * mr);
          advance(tap, i32.shl(everyX, 2));
        });
        advance(line, i32.shl(i32.mul(everyY, windowX), 2));
      });
    }
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
    grid: [groups * Math.ceil(strips / STRIPS_TOGETHER), 1, 1],
  };
}
