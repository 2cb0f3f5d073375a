// A convolution of few channels, such as a net's first layer, by register tiles straight over copied rows of the image: nothing is laid out as columns.
//
//   for each image and band of rows of the result:
//     the band's rows of every channel are copied to where zeros lie around them, with stride 2 deinterleaved      (depthwise/rows.ts)
//     for each row of the result, for each NR columns:   vectors of neighbours, at another offset for each tap     first-level cache
//       for each strip of MR filters:                    a tile adds up all channels and taps                      (packed weights: filter.ts)
//
// Each element of the image is copied once, not once for each tap.

import { conv2dCost, conv2dFacts, conv2dVariant, epilogueOperands } from '../../correlation.ts';
import type { Entry, Kernel, Plan, Source, Traits, Tunables } from '../../kernel.ts';
import type { Conv2dProblem } from '../../problems/conv2d.ts';
import { windowsOf } from '../../problems/window.ts';
import {
  advance,
  assemble,
  call,
  f32,
  i32,
  if_,
  type Local,
  loopWhileBelow,
  min,
  repeat,
  set,
  type Task,
  task,
  v128,
} from '../assembly.ts';
import { registerTile } from '../matmul/packed.ts';
import { sharedBy, sharing, sharingConstraints, tasksOf, threadsWorth } from '../threading.ts';
import { geometryOf, partBytes } from './depthwise/geometry.ts';
import { copyRowsRoutine } from './depthwise/rows.ts';
import { directTileRoutine } from './direct-tile.ts';
import { packedElements, packFilter, packFilterPass } from './filter.ts';

/** More channels than this belong to im2col: copied rows of all of them must stay in a cache. */
const MOST_CHANNELS = 4;
/** Bytes of copied rows: most of a first-level cache. */
const BAND_BYTES = 24 * 1024;

export const direct: Kernel<Conv2dProblem> = {
  name: 'direct',
  op: 'conv2d',
  device: 'cpu',
  summary: 'few channels: register tiles over copied rows of the image, at an offset for each tap',
  requires: ['simd'],
  tunables: { MR: [6, 4, 3], NR: [16, 8], ...sharing(4, 1, 2, 8) },
  constraints: ['MR * NR <= 96', ...sharingConstraints(4)],
  deterministic: true,
  facts: conv2dFacts,
  rejects,
  defaults: (problem, traits) => ({ ...registerTile(traits), ...sharedBy(conv2dCost(problem), traits, 4) }),
  cost: conv2dCost,
  estimate,
  variant: (problem) => {
    const axes = [problem.vertical, problem.horizontal].map(({ window, stride, before }) => `${window}s${stride}p${before}`);
    return `${conv2dVariant(problem)}/${axes.join('x')}`;
  },
  generate,
  plan,
};

function rejects({ pass, channels, groups, vertical, horizontal }: Conv2dProblem): string | undefined {
  if (pass !== 'forward') return 'it has no gradients';
  if (groups > 1 || channels > MOST_CHANNELS)
    return `it has ${channels} channels in ${groups} groups, expected at most ${MOST_CHANNELS} in one`;
  const axes = [vertical, horizontal];
  if (axes.some(({ stride }) => stride > 2)) return `its stride is ${vertical.stride}x${horizontal.stride}, expected at most 2`;
  if (axes.some(({ dilation }) => dilation > 1)) return 'its window is dilated';
  return axes.some(({ window, before }) => window > 16 || before > 16) ? 'its window or padding is more than 16 elements' : undefined;
}

/** Whole tiles, in every row of the result apart; every byte once. */
function estimate(problem: Conv2dProblem, traits: Traits): number {
  const { batch, channels, filters, vertical, horizontal } = problem;
  const { MR, NR } = registerTile(traits);
  const lanes = batch * windowsOf(vertical) * Math.ceil(windowsOf(horizontal) / NR) * NR;
  const steps = channels * vertical.window * horizontal.window;
  const rate = traits.features.has('revectorize') ? 75e9 : 40e9;
  const tiles = (2 * lanes * steps * Math.ceil(filters / MR) * MR) / rate;
  return 5e-6 + (tiles + conv2dCost(problem).bytes / 25e9) / threadsWorth(conv2dCost(problem), traits);
}

const ARGUMENTS = [
  ...['bands', 'bandRows', 'channels', 'filters', 'windowY', 'height', 'width', 'resultHeight', 'resultWidth'],
  ...['pitch', 'part', 'channelBytes', 'perThread'],
];

function plan(problem: Conv2dProblem, tunables: Tunables, traits: Traits): Plan {
  const { MR, NR } = tunables;
  const { batch, channels, filters, vertical, horizontal } = problem;
  const geometry = geometryOf(problem);
  const [rows, columns] = [windowsOf(vertical), windowsOf(horizontal)];
  const part = partBytes(geometry, Math.ceil(columns / NR) * NR, horizontal.size);
  const pitch = part * geometry.parts;
  const overlap = geometry.rowsFor(1) - geometry.stepY;
  const fitting = Math.floor((BAND_BYTES / (pitch * channels) - overlap) / geometry.stepY);
  const shared = Math.ceil(rows / Math.ceil(tasksOf(tunables, traits) / batch));
  const bandRows = Math.max(1, Math.min(rows, fitting, shared));
  const channelBytes = geometry.rowsFor(bandRows) * pitch;
  const perThread = Math.ceil((channels * channelBytes + 4 * MR * NR) / 64) * 64;
  const bands = Math.ceil(rows / bandRows);
  return {
    passes: [
      packFilterPass(problem, MR),
      {
        entry: 'bands',
        buffers: ['input', 'packedFilter', ...epilogueOperands(problem), 'output', 'scratch'],
        arguments: [
          ...[bands, bandRows, channels, filters, vertical.window, vertical.size, horizontal.size, rows, columns],
          ...[pitch, part, channelBytes, perThread],
        ],
        grid: [batch * bands, 1, 1],
      },
    ],
    workspace: {
      packedFilter: 4 * packedElements(1, filters, channels * vertical.window * horizontal.window, MR),
      scratch: traits.limits.threads * perThread,
    },
  };
}

function generate(problem: Conv2dProblem, tunables: Tunables, traits: Traits): Source {
  const label = `conv2d/direct/${direct.variant(problem)}/${tunables.MR}x${tunables.NR}`;
  return assemble(label, { packFilter: packFilter(tunables.MR), bands: bandsTask(problem, tunables, traits.features.has('relaxed-simd')) });
}

function entryOf(problem: Conv2dProblem): Entry {
  const isWritten = (name: string) => name === 'result' || name === 'scratch';
  return {
    buffers: ['image', 'weights', ...epilogueOperands(problem), 'result', 'scratch'].map((name) => ({
      name,
      access: isWritten(name) ? 'write' : 'read',
    })),
    arguments: ARGUMENTS.map((name) => ({ name, type: 'i32' })),
  };
}

const LOCALS = {
  ...{ n: i32, first: i32, here: i32, source: i32, edge: i32, copied: i32, plane: i32, strideC: i32, steps: i32, count: i32, at: i32 },
  ...{ y: i32, x: i32, left: i32, i: i32, rows: i32, row: i32, panel: i32, place: i32, out: i32, outStride: i32, from: i32, to: i32 },
} as const;

/** One task is one band of rows of one image, all filters. */
function bandsTask(problem: Conv2dProblem, { MR, NR }: Tunables, fma: boolean): Task {
  const { epilogue } = problem;
  const geometry = geometryOf(problem);
  const copyRows = copyRowsRoutine(geometry);
  const tile = directTileRoutine({ mr: MR, nr: NR, across: geometry.across[0], fma, epilogue });

  return task(entryOf(problem), LOCALS, (names, argument) => {
    const { task: number, thread, n, first, here, source, edge, copied, plane, strideC, steps, count, at } = names;
    const { y, x, left, i, rows, row, panel, place, out, outStride, from, to } = names;
    const { image, weights, result, scratch, bands, bandRows, filters, windowY, height, width, resultHeight, resultWidth } = argument;
    const { pitch, part, channelBytes, perThread } = argument;
    placeBand();
    copyBand();
    loopWhileBelow(y, here, 1, () => {
      set(x, 0);
      loopWhileBelow(x, resultWidth, NR, () => {
        // The last columns of a row end with it, and some are computed again.
        set(left, i32.sub(resultWidth, x));
        i32.and(i32.lt_u(left, NR), i32.ge_u(resultWidth, NR));
        if_({}, () => {
          set(x, i32.sub(resultWidth, NR));
          set(left, NR);
        });
        set(row, i32.add(source, i32.add(i32.mul(i32.mul(y, geometry.stepY), pitch), i32.shl(x, 2))));
        set(place, i32.shl(i32.add(i32.mul(y, resultWidth), x), 2));
        set(panel, weights);
        set(i, 0);
        loopWhileBelow(i, filters, MR, strip);
      });
    });

    function placeBand() {
      set(n, i32.div_u(number, bands));
      set(first, i32.mul(i32.rem_u(number, bands), bandRows));
      set(here, i32.sub(resultHeight, first));
      min(here, here, bandRows);
      set(strideC, i32.shl(i32.mul(resultHeight, resultWidth), 2));
      set(steps, i32.mul(i32.mul(argument.channels, windowY), geometry.across[0].length));
      for (const operand of epilogue.residual ? [result, argument.residual] : [result])
        advance(operand, i32.add(i32.mul(i32.mul(n, filters), strideC), i32.shl(i32.mul(first, resultWidth), 2)));
      set(source, i32.add(scratch, i32.mul(thread, perThread)));
      set(edge, i32.add(source, i32.mul(argument.channels, channelBytes)));
    }
    /** Zeros everywhere, then the rows. */
    function copyBand() {
      set(at, source);
      set(count, i32.shr_u(i32.mul(argument.channels, channelBytes), 4));
      repeat(count, () => {
        v128.store({}, at, v128.const('f32x4', [0, 0, 0, 0]));
        advance(at, 16);
      });
      set(at, source);
      set(plane, i32.add(image, i32.shl(i32.mul(i32.mul(n, argument.channels), i32.mul(height, width)), 2)));
      set(copied, i32.add(i32.mul(i32.sub(here, 1), geometry.stepY), geometry.rowsFor(1)));
      set(count, argument.channels);
      repeat(count, () => {
        call(copyRows, [plane, at, i32.add(i32.mul(first, geometry.stepY), geometry.top), copied, height, width, pitch, part]);
        advance(at, channelBytes);
        advance(plane, i32.shl(i32.mul(height, width), 2));
      });
    }
    /** One tile: straight into the result, or by way of `edge` where rows or columns are missing. */
    function strip() {
      set(rows, i32.sub(filters, i));
      min(rows, rows, MR);
      const below = (base: Local) => i32.add(i32.add(base, place), i32.mul(i, strideC));
      set(to, below(result));
      set(out, to);
      set(outStride, strideC);
      i32.or(i32.lt_u(left, NR), i32.lt_u(rows, MR));
      if_({}, () => {
        set(out, edge);
        set(outStride, 4 * NR);
      });
      call(tile, [
        ...[panel, row, channelBytes, pitch, part, argument.channels, windowY, out, outStride, rows],
        ...[epilogue.bias ? i32.add(argument.bias, i32.shl(i, 2)) : 0, epilogue.residual ? below(argument.residual) : 0, strideC],
      ]);
      i32.eq(out, edge);
      if_({}, copyEdge);
      advance(panel, i32.mul(steps, 4 * MR));
    }
    function copyEdge() {
      repeat(rows, () => {
        set(from, out);
        set(at, to);
        set(count, left);
        repeat(count, () => {
          f32.store({}, at, f32.load({}, from));
          for (const pointer of [from, at]) advance(pointer, 4);
        });
        advance(out, 4 * NR);
        advance(to, strideC);
      });
    }
  });
}
