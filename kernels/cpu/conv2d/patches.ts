// The gradient of a filter by register tiles: filterGrad[k, (c, u, v)] = Σ over images and windows of outputGrad[k, window] · patch[window, (c, u, v)].
//
//   for each image, for slabs of windows:
//     runs of windows are copied as in the other passes (runs.ts):       strips of NR windows, for each a row of every (c, u, v)
//     strips are transposed, NR by NR:                                   strips of NR lanes (c, u, v), step by step of the windows
//     tiles add up:  rows of outputGrad where they lie  ·  packed lanes  →  rows of filterGrad

import type { Entry, Plan, Traits, Tunables } from '../../kernel.ts';
import type { Conv2dProblem } from '../../problems/conv2d.ts';
import { windowsOf } from '../../problems/window.ts';
import { advance, call, i32, if_, loopWhileBelow, min, type Routine, set, type Task, task, type Value } from '../assembly.ts';
import { packRoutine } from '../pack.ts';
import { threadsOf } from '../threading.ts';
import type { TileShape } from '../tile.ts';
import { partsOf } from './parts.ts';
import { PACK_ARGUMENTS, packRunsRoutine, RUN_BYTES, type Spacing, TABLE_ARGUMENTS, tableRoutine } from './runs.ts';
import { STRIPS_ARGUMENTS, stripsRoutine, stripsScratch } from './strips.ts';

/** Channels of a block are a multiple of this, so that its lanes fill whole strips. */
const CHANNELS = 16;

const SIZES = ['channelBlocks', 'blockChannels', 'channels', 'rowBlocks', 'blockRows', 'rows', 'images', 'windows', 'slab', 'perThread'];
const IMAGE = ['imageA', 'imageG', 'imageQ', 'gradA', 'positionsX', 'stepY', 'stepX', 'sizeY', 'sizeX'];
const TAPS = ['tapsY', 'tapsX', 'shiftY', 'shiftX', 'shiftStepY', 'shiftStepX'];

const ENTRY: Entry = {
  buffers: ['image', 'grad', 'result', 'scratch'].map((name) => ({
    name,
    access: name === 'result' || name === 'scratch' ? 'write' : 'read',
  })),
  arguments: [...SIZES, ...IMAGE, ...TAPS].map((name) => ({ name, type: 'i32' })),
};

export function patchesPlan(problem: Conv2dProblem, tunables: Tunables, traits: Traits): Plan {
  const { MR, NR, KC, NB } = tunables;
  const { batch, channels, filters, groups, vertical, horizontal } = problem;
  const taps = vertical.window * horizontal.window;
  const [ours, rows] = [channels / groups, filters / groups];
  const [inputPlane, outputPlane] = [vertical.size * horizontal.size, windowsOf(vertical) * windowsOf(horizontal)];
  const threads = threadsOf(tunables, traits);
  const most = Math.max(CHANNELS, Math.floor(NB / taps / CHANNELS) * CHANNELS);
  const across = partsOf(ours, CHANNELS, Math.min(most, ours), threads === 1 ? 1 : Math.ceil((2 * threads) / groups));
  // Each block of rows packs the same patches again: rows are cut only where there would be less than a task for each thread.
  const down = partsOf(rows, MR, rows, Math.ceil(threads / (across.count * groups)));
  const slab = Math.min(KC, outputPlane);
  const lanes = Math.min(across.size, ours) * taps;
  const bytesOf = layout(lanes, Math.ceil(slab / NR) * NR, NR, stripsScratch(MR, NR));
  return {
    passes: [
      {
        entry: 'patches',
        buffers: ['input', 'outputGrad', 'filterGrad', 'scratch'],
        arguments: [
          ...[across.count, Math.min(across.size, ours), ours, down.count, down.size, rows, batch, outputPlane, slab, bytesOf.all],
          ...[4 * channels * inputPlane, 4 * ours * inputPlane, 4 * inputPlane, 4 * filters * outputPlane],
          ...[windowsOf(horizontal), vertical.stride, horizontal.stride, vertical.size, horizontal.size],
          ...[vertical.window, horizontal.window, -vertical.before, -horizontal.before, vertical.dilation, horizontal.dilation],
        ],
        grid: [down.count * across.count * groups, 1, 1],
      },
    ],
    workspace: { scratch: traits.limits.threads * bytesOf.all },
  };
}

/** Bytes of a thread's room: runs of windows, one run for each strip of lanes, windows as they are copied, the same transposed, tiles. */
function layout(lanes: number, windows: number, nr: number, tiles: number) {
  const strips = Math.ceil(lanes / nr);
  const sizes = [RUN_BYTES * (windows + 1), RUN_BYTES * (strips + 1), 4 * windows * strips * nr, 4 * windows * strips * nr, tiles];
  return { all: Math.ceil(sizes.reduce((sum, bytes) => sum + bytes, 0) / 64) * 64 };
}

const LOCALS = {
  ...{ g: i32, channel: i32, row: i32, lanes: i32, height: i32, planes: i32, taps: i32, strideC: i32, strideA: i32 },
  ...{ windowRuns: i32, laneRuns: i32, copied: i32, packed: i32, tiles: i32, image: i32, grad: i32, n: i32, first: i32, some: i32 },
  ...{ i: i32, j: i32, from: i32, to: i32, width: i32, depth: i32, strip: i32 },
} as const;

/** One task is the channels of a block and the filters of a block, of a group. */
export function patchesTask({ MR, NR, KU }: Tunables, spacing: Spacing, fma: boolean): Task {
  const shape: TileShape = { mr: MR, nr: NR, unroll: KU, a: 'rows', b: 'packed', fma, accumulate: false, scale: false };
  const [start, add] = [stripsRoutine(shape), stripsRoutine({ ...shape, accumulate: true })];
  const tabulate = tableRoutine(NR);
  const packRuns = packRunsRoutine(NR, spacing);
  const transpose = packRoutine({ width: NR, contiguous: 'k', scale: false });
  const callBy = (routine: Routine, names: readonly string[], values: Readonly<Record<string, () => Value>>) =>
    call(
      routine,
      names.map((name) => values[name]()),
    );

  return task(ENTRY, LOCALS, (names, argument) => {
    const { task: number, thread, g, channel, row, lanes, height, planes, taps, strideC, strideA } = names;
    const { windowRuns, laneRuns, copied, packed, tiles, image, grad, n, first, some, i, j, from, to, width, depth, strip } = names;
    const given: Record<string, () => Value> = Object.fromEntries(Object.entries(argument).map(([name, value]) => [name, () => value]));
    placeBlock();
    tabulateLanes();
    loopWhileBelow(n, argument.images, 1, () => {
      set(image, i32.add(argument.image, i32.mul(n, argument.imageA)));
      set(grad, i32.add(argument.grad, i32.mul(n, argument.gradA)));
      set(first, 0);
      loopWhileBelow(first, argument.windows, 0, () => {
        set(some, i32.sub(argument.windows, first));
        min(some, some, argument.slab);
        packWindows();
        i32.eqz(i32.or(n, first));
        if_(
          {},
          () => multiply(start),
          () => multiply(add),
        );
        advance(first, some);
      });
    });

    function placeBlock() {
      const { rowBlocks, blockRows, rows, channelBlocks, blockChannels, channels, perThread, windows } = argument;
      set(row, i32.mul(i32.rem_u(number, rowBlocks), blockRows));
      set(g, i32.div_u(number, rowBlocks));
      set(channel, i32.mul(i32.rem_u(g, channelBlocks), blockChannels));
      set(g, i32.div_u(g, channelBlocks));
      set(planes, i32.sub(channels, channel));
      min(planes, planes, blockChannels);
      set(height, i32.sub(rows, row));
      min(height, height, blockRows);
      set(taps, i32.mul(argument.tapsY, argument.tapsX));
      set(lanes, i32.mul(planes, taps));
      set(strideA, i32.shl(windows, 2));
      set(strideC, i32.shl(i32.mul(channels, taps), 2));
      advance(row, i32.mul(g, rows));
      advance(argument.image, i32.add(i32.mul(g, argument.imageG), i32.mul(channel, argument.imageQ)));
      advance(argument.grad, i32.mul(row, strideA));
      advance(argument.result, i32.add(i32.mul(row, strideC), i32.shl(i32.mul(channel, taps), 2)));
      // Room for strips of lanes, of the largest block.
      set(strip, i32.div_u(i32.add(i32.mul(blockChannels, taps), NR - 1), NR));
      set(width, i32.mul(i32.div_u(i32.add(argument.slab, NR - 1), NR), NR));
      set(windowRuns, i32.add(argument.scratch, i32.mul(thread, perThread)));
      set(laneRuns, i32.add(windowRuns, i32.mul(i32.add(width, 1), RUN_BYTES)));
      set(copied, i32.add(laneRuns, i32.mul(i32.add(strip, 1), RUN_BYTES)));
      set(packed, i32.add(copied, i32.mul(i32.mul(strip, width), 4 * NR)));
      set(tiles, i32.add(packed, i32.mul(i32.mul(strip, width), 4 * NR)));
    }
    /** Lanes lie side by side in the result: their runs are whole strips. */
    function tabulateLanes() {
      callBy(tabulate, TABLE_ARGUMENTS, {
        ...{ table: () => laneRuns, first: () => 0, lanes: () => lanes, positionsY: () => 1, positionsX: () => lanes },
        ...{ stepY: () => 0, stepX: () => 0, imageA: () => 0, resultA: () => 0, resultY: () => 0, resultX: () => 4 },
      });
    }
    /** Copies a slab of windows by runs, then transposes it strip by strip. */
    function packWindows() {
      callBy(tabulate, TABLE_ARGUMENTS, {
        ...given,
        ...{ table: () => windowRuns, first: () => first, lanes: () => some, positionsY: () => argument.windows },
        ...{ imageA: () => 0, resultA: () => 0, resultY: () => 0, resultX: () => 0 },
      });
      callBy(packRuns, PACK_ARGUMENTS, {
        ...given,
        ...{ table: () => windowRuns, image: () => image, to: () => copied, planes: () => planes, steps: () => lanes },
      });
      set(i, 0);
      set(from, copied);
      loopWhileBelow(i, some, NR, () => {
        set(depth, i32.sub(some, i));
        min(depth, depth, NR);
        set(to, i32.add(packed, i32.mul(i, 4 * NR)));
        set(j, 0);
        loopWhileBelow(j, lanes, NR, () => {
          set(width, i32.sub(lanes, j));
          min(width, width, NR);
          call(transpose, [from, to, width, depth, 4 * NR, 0]);
          advance(from, i32.mul(width, 4 * NR));
          advance(to, i32.mul(some, 4 * NR));
        });
      });
    }
    function multiply(strips: Routine) {
      callBy(strips, STRIPS_ARGUMENTS, {
        ...{ a: () => i32.add(grad, i32.shl(first, 2)), stripA: () => i32.mul(strideA, MR), strideA: () => strideA },
        ...{ b: () => packed, strideB: () => 0, table: () => laneRuns, rows: () => height, steps: () => some },
        ...{
          result: () => argument.result,
          strideC: () => strideC,
          resultX: () => 4,
          bias: () => 0,
          residual: () => 0,
          scratch: () => tiles,
        },
      });
    }
  });
}
