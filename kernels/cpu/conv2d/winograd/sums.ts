// The sums of a filter gradient in the transformed domain: M += D · V, block of tiles after block of tiles.
//
//   V   input         for each plane, strips of NR channels, a row of NR for each tile        four channels are the lanes of a vector
//   D   outputGrad    for each plane, a row of tiles for each filter                           four tiles are
//   M                 for each plane, a row of channels for each filter

import type { Entry, Tunables } from '../../../kernel.ts';
import { advance, call, i32, if_, type Local, local, loopWhileBelow, min, set, type Task, task } from '../../assembly.ts';
import { acrossRoutine, downRoutine } from './analysis.ts';
import { inverseRoutine } from './inverse.ts';
import { type OutputTile, transforms } from './matrices.ts';
import { sumRoutine } from './product.ts';
import { clearRoutine, placeColumns, QUAD, QUAD_BYTES, quadTableRoutine, rowTableRoutine, stagePitch } from './stage.ts';

/** Areas of a thread's scratch. */
export const SUM_AREAS = ['rowsIn', 'rowsOut', 'tiles', 'quads', 'zeros', 'stage', 'v', 'd', 'part'] as const;
const ARGUMENTS = [
  ...['perThread', ...SUM_AREAS, 'splits', 'filterBlocks', 'blocks', 'columnBlocks', 'blockColumns', 'blockRows', 'blockFilters'],
  ...[
    'tileColumns',
    'tileRows',
    'allRows',
    'filters',
    'channels',
    'groups',
    'planeV',
    'planeD',
    'planeM',
    'rowM',
    'partFilters',
    'partPlane',
  ],
  ...['height', 'width', 'offsetY', 'offsetX', 'imageBytes', 'planeBytes'],
  ...['resultHeight', 'resultWidth', 'resultBytes'],
];

const LOCALS = {
  ...{ split: i32, group: i32, firstFilter: i32, rows: i32, block: i32, isLater: i32, sum: i32 },
  ...{ firstRow: i32, count: i32, firstColumn: i32, columns: i32, some: i32, begin: i32, left: i32, bytes: i32, at: i32 },
  ...{ done: i32, part: i32, channel: i32, lane: i32, plane: i32, from: i32, to: i32, index: i32 },
} as const;
type Names = Record<keyof typeof LOCALS | 'task' | 'thread', Local>;
type Arguments = Record<string, Local>;

/** One task is a split of the blocks, for a block of filters of a group. */
export function sumsTask(m: OutputTile, { MR, NR, KU, TB }: Tunables, fma: boolean): Task {
  const { image, taps } = transforms(3, m);
  const n = m + 2;
  const pitch = stagePitch(TB);
  const [downImage, acrossImage] = [downRoutine({ matrix: image, pitch, fma }), acrossRoutine({ matrix: image, pitch, fma })];
  const [downTaps, acrossTaps] = [downRoutine({ matrix: taps, pitch, fma }), acrossRoutine({ matrix: taps, pitch, fma })];
  const shape = { mr: MR, nr: NR, unroll: KU, planes: n * n, fma };
  const [first, later] = [sumRoutine(shape, 4 * TB, false), sumRoutine(shape, 4 * TB, true)];
  const inverse = inverseRoutine(m, fma);
  const clear = clearRoutine(pitch);
  const [rowsIn, rowsOut] = [rowTableRoutine(n), rowTableRoutine(m)];
  const quadTable = quadTableRoutine({ n, m, pitch, width: TB });
  const entry: Entry = {
    buffers: ['input', 'outputGrad', 'sums', 'scratch'].map((name) => ({
      name,
      access: name === 'sums' || name === 'scratch' ? 'write' : 'read',
    })),
    arguments: ARGUMENTS.map((name) => ({ name, type: 'i32' })),
  };

  return task(entry, LOCALS, (names, argument) => {
    placeTask(names, argument);
    set(names.block, names.split);
    loopWhileBelow(names.block, argument.blocks, 1, () => {
      placeBlock(names, argument);
      tabulate(names, argument);
      transformImage(names, argument);
      transformGradient(names, argument);
      local.get(argument.partFilters);
      if_(
        {},
        () => multiplyInParts(names, argument),
        () => multiply(names, argument),
      );
      set(names.isLater, 1);
      // The loop itself counts one.
      advance(names.block, i32.sub(argument.splits, 1));
    });
  });

  /** Which split, group and filters the task is; where the thread's scratch lies. */
  function placeTask({ task, thread, ...names }: Names, argument: Arguments): void {
    const { split, group, firstFilter, rows, sum, at } = names;
    const { scratch, blockFilters, filterBlocks, groups, planeM, rowM, input, outputGrad } = argument;
    set(firstFilter, i32.mul(i32.rem_u(task, filterBlocks), blockFilters));
    set(at, i32.div_u(task, filterBlocks));
    set(group, i32.rem_u(at, groups));
    set(split, i32.div_u(at, groups));
    set(rows, i32.sub(argument.filters, firstFilter));
    min(rows, rows, blockFilters);
    advance(scratch, i32.mul(thread, argument.perThread));
    for (const name of SUM_AREAS) advance(argument[name], scratch);
    set(sum, i32.add(argument.sums, i32.mul(i32.mul(at, n * n), planeM)));
    advance(sum, i32.mul(firstFilter, rowM));
    // Only where parts of the filters go there: their gradients.
    advance(argument.sums, i32.mul(i32.add(i32.mul(group, argument.filters), firstFilter), i32.mul(argument.channels, 4 * 9)));
    advance(input, i32.mul(i32.mul(group, argument.channels), argument.planeBytes));
    set(at, i32.shl(i32.mul(argument.resultHeight, argument.resultWidth), 2));
    advance(outputGrad, i32.mul(i32.add(i32.mul(group, argument.filters), firstFilter), at));
  }

  function placeBlock({ block, firstColumn, columns, firstRow, count, some }: Names, argument: Arguments): void {
    const { columnBlocks, blockColumns, blockRows, tileColumns, allRows } = argument;
    set(firstColumn, i32.mul(i32.rem_u(block, columnBlocks), blockColumns));
    set(columns, i32.sub(tileColumns, firstColumn));
    min(columns, columns, blockColumns);
    set(firstRow, i32.mul(i32.div_u(block, columnBlocks), blockRows));
    set(count, i32.sub(allRows, firstRow));
    min(count, count, blockRows);
    set(some, i32.mul(count, columns));
  }

  /** Tables of rows, of tiles in the stages of four channels, and of quads of tiles. */
  function tabulate({ firstRow, count, columns, some, index, at, to, from }: Names, argument: Arguments): void {
    const { tileRows, allRows, height, width, offsetY, imageBytes, resultHeight, resultWidth, resultBytes, stage, zeros } = argument;
    call(rowsIn, [argument.rowsIn, firstRow, count, tileRows, allRows, height, m, offsetY, imageBytes, i32.shl(width, 2)]);
    call(rowsOut, [argument.rowsOut, firstRow, count, tileRows, allRows, resultHeight, m, 0, resultBytes, i32.shl(resultWidth, 2)]);
    call(quadTable, [argument.quads, i32.shr_u(i32.add(some, 3), 2), some, columns, 1, 0]);
    set(to, argument.tiles);
    set(index, 0);
    loopWhileBelow(index, some, 1, () => {
      set(from, i32.mul(i32.div_u(index, columns), n * pitch));
      advance(from, i32.mul(i32.rem_u(index, columns), 4 * m));
      for (let l = 0; l < 4; l++) {
        i32.store({ offset: 4 * l }, to, from);
        advance(from, i32.mul(count, n * pitch));
      }
      i32.store({ offset: QUAD.strip }, to, 0);
      i32.store({ offset: QUAD.lane }, to, i32.mul(index, 4 * NR));
      i32.store({ offset: QUAD.step }, to, 0);
      advance(to, QUAD_BYTES);
    });
    set(at, i32.and(i32.add(i32.mul(columns, 4 * m), 31), -16));
    call(clear, [stage, i32.mul(count, 4 * n), at]);
    call(clear, [zeros, 1, at]);
  }

  function transformImage(names: Names, argument: Arguments): void {
    const { firstColumn, columns, count, some, begin, left, bytes, channel, lane, plane, from, to, index } = names;
    const { input, channels, planeBytes, stage, zeros, v, planeV } = argument;
    placeColumns(
      { begin, left, bytes, spare: index },
      () => i32.sub(i32.mul(firstColumn, m), argument.offsetX),
      () => i32.add(i32.mul(columns, m), n - m),
      argument.width,
    );
    set(channel, 0);
    loopWhileBelow(channel, channels, 4, () => {
      set(plane, i32.add(i32.add(input, begin), i32.mul(channel, planeBytes)));
      set(to, i32.add(stage, left));
      set(lane, 0);
      loopWhileBelow(lane, 4, 1, () => {
        call(downImage, [plane, argument.rowsIn, count, to, bytes, zeros, n * pitch]);
        advance(to, i32.mul(count, n * pitch));
        // Channels past the last are the last again: what is made of them is thrown away.
        i32.lt_u(i32.add(i32.add(channel, lane), 1), channels);
        if_({}, () => advance(plane, planeBytes));
      });
      // Strips are tiles · NR channels.
      set(from, i32.mul(i32.div_u(channel, NR), i32.mul(some, 4 * NR)));
      advance(from, i32.add(v, i32.shl(i32.rem_u(channel, NR), 2)));
      call(acrossImage, [stage, argument.tiles, some, from, 0, 0, planeV]);
    });
  }

  function transformGradient(names: Names, argument: Arguments): void {
    const { firstColumn, columns, rows, count, some, begin, left, bytes, plane, index, at } = names;
    const { outputGrad, resultHeight, resultWidth, stage, zeros, d, planeD } = argument;
    placeColumns(
      { begin, left, bytes, spare: index },
      () => i32.mul(firstColumn, m),
      () => i32.mul(columns, m),
      resultWidth,
    );
    // What the image left in the columns past the last is not the gradient's.
    set(at, i32.and(i32.add(i32.mul(columns, 4 * m), 31), -16));
    call(clear, [stage, i32.mul(count, n), at]);
    set(plane, i32.add(outputGrad, begin));
    set(at, i32.shl(i32.mul(resultHeight, resultWidth), 2));
    set(index, 0);
    loopWhileBelow(index, rows, 1, () => {
      call(downTaps, [plane, argument.rowsOut, count, stage, bytes, zeros, n * pitch]);
      call(acrossTaps, [stage, argument.quads, i32.shr_u(i32.add(some, 3), 2), d, 0, index, planeD]);
      advance(plane, at);
    });
  }

  function multiply({ isLater, sum, rows, some }: Names, { d, v, channels, planeD, planeV, planeM, rowM }: Arguments): void {
    const values = [d, v, sum, rows, some, channels, planeD, planeV, planeM, rowM];
    local.get(isLater);
    if_(
      {},
      () => call(later, values),
      () => call(first, values),
    );
  }

  /** Sums of some filters at a time, while they are in the cache, straight to their gradients, which are where M is otherwise. */
  function multiplyInParts({ done, part, rows, some, from, to, index }: Names, argument: Arguments): void {
    const { sums, d, v, channels, planeD, planeV, partFilters, partPlane, rowM } = argument;
    set(to, sums);
    set(done, 0);
    loopWhileBelow(done, rows, 1, () => {
      set(part, i32.sub(rows, done));
      min(part, part, partFilters);
      set(from, argument.part);
      call(first, [i32.add(d, i32.mul(done, 4 * TB)), v, from, part, some, channels, planeD, planeV, partPlane, rowM]);
      set(index, 0);
      loopWhileBelow(index, part, 1, () => {
        call(inverse, [from, to, channels, partPlane, 1, 0]);
        advance(from, rowM);
        advance(to, i32.mul(channels, 4 * 9));
      });
      // The loop itself counts one.
      advance(done, i32.sub(part, 1));
    });
  }
}
