// Depthwise convolution: every plane of the result from one plane of the image, in one pass over memory.
//
//   for each plane, for bands of its rows:
//     the band's rows of the image are copied to where zeros lie around them (rows.ts), in the first-level cache; with stride 1 and long rows, only near the
//     top and the bottom: elsewhere the image is read in place, what lies past the ends of a row masked
//     tap loops compute some rows of the result at a time from whole vectors, no edges (planes.ts); the gradient of the filter adds up instead (sums.ts)
//
// The gradient of the input is the same loop with taps mirrored; with stride 2, phase by phase (phases.ts), the columns of two phases interleaved.

import { type Correlation, conv2dCost, conv2dFacts, conv2dVariant, correlationOf, epilogueOperands } from '../../../correlation.ts';
import type { Entry, Kernel, Plan, Source, Traits, Tunables } from '../../../kernel.ts';
import type { Conv2dProblem } from '../../../problems/conv2d.ts';
import {
  advance,
  assemble,
  call,
  i32,
  if_,
  type Local,
  loopWhileBelow,
  min,
  type Routine,
  repeat,
  set,
  type Task,
  task,
  v128,
} from '../../assembly.ts';
import { sharedBy, sharing, sharingConstraints, threadsWorth, unitsPerTask } from '../../threading.ts';
import { filterGradPlan, filterGradTask } from './filter-grad.ts';
import { type Geometry, geometryOf, LANES, notDepthwise, partBytes } from './geometry.ts';
import { rowsRoutine } from './planes.ts';
import { copyRowsRoutine } from './rows.ts';

/** Bytes of copied rows: half of a first-level cache. */
const BAND_BYTES = 24 * 1024;
/** Tasks per thread. */
/** Columns from which reading the image itself, with masks at both ends of a row, takes less time than the copy. */
const DIRECT_COLUMNS = 40;

export const depthwise: Kernel<Conv2dProblem> = {
  name: 'depthwise',
  op: 'conv2d',
  device: 'cpu',
  summary: 'a plane at a time, in one pass over memory, some rows of the result at once',
  requires: ['simd'],
  tunables: { ROWS: [4, 2, 1], ...sharing(4, 1, 2, 8) },
  constraints: sharingConstraints(4),
  deterministic: true,
  facts: conv2dFacts,
  rejects: notDepthwise,
  defaults: (problem, traits) => ({
    ROWS: problem.pass === 'input-grad' && problem.horizontal.stride === 2 ? 2 : 4,
    ...sharedBy(conv2dCost(problem), traits, 4),
  }),
  cost: conv2dCost,
  estimate,
  variant: ({ vertical, horizontal, ...problem }) => {
    const axes = [vertical, horizontal].map(({ window, stride, before }) => `${window}s${stride}p${before}`);
    return `${conv2dVariant({ ...problem, vertical, horizontal })}/${axes.join('x')}`;
  },
  generate,
  plan,
};

/** Whether rows are read from the image itself, but for those near the top and the bottom. The result is no wider: a tap right above a column lies in the image. */
const readsImage = ({ direct }: Geometry, { positions, extent }: Correlation['horizontal']): boolean =>
  direct && positions >= DIRECT_COLUMNS && positions <= extent;

/** Copying rows and the tap loops, and what a plane costs that is not in its elements. Measured, in round numbers. */
function estimate(problem: Conv2dProblem, traits: Traits): number {
  const { flops, bytes } = conv2dCost(problem);
  const saved = problem.pass !== 'filter-grad' && readsImage(geometryOf(problem), correlationOf(problem).horizontal);
  const rate = (traits.features.has('revectorize') ? 60e9 : 30e9) * (saved ? 1.6 : 1);
  return 2e-6 + (flops / rate + bytes / 30e9 + problem.batch * problem.filters * 40e-9) / threadsWorth(conv2dCost(problem), traits);
}

const ARGUMENTS = [
  ...['perTask', 'planes', 'multiplier', 'filters', 'taps', 'height', 'width', 'resultHeight', 'resultWidth'],
  ...['bandRows', 'bandSource', 'pitch', 'part', 'perThread', 'reach'],
];

function plan(problem: Conv2dProblem, tunables: Tunables, traits: Traits): Plan {
  if (problem.pass === 'filter-grad') return filterGradPlan(problem, BAND_BYTES, tunables, traits);
  const { ROWS } = tunables;
  const { batch, filters, groups, vertical, horizontal } = problem;
  const { image, weights, result, vertical: down, horizontal: across } = correlationOf(problem);
  const geometry = geometryOf(problem);
  const part = partBytes(geometry, Math.ceil(across.positions / geometry.phasesX.length), across.extent);
  const pitch = part * geometry.parts;
  const most = Math.ceil(down.positions / geometry.phasesY.length);
  const isDirect = readsImage(geometry, across);
  // Rows in place by ROWS, else bands of like size: as many rows of a phase as fit, and at least ROWS.
  const overlap = geometry.rowsFor(1) - geometry.stepY;
  const fitting = Math.floor((BAND_BYTES / pitch - overlap) / geometry.stepY / ROWS) * ROWS;
  const bands = Math.ceil(most / (isDirect ? ROWS : Math.max(ROWS, fitting)));
  const bandRows = isDirect ? Math.min(most, ROWS) : Math.ceil(most / bands);
  const bandSource = Math.ceil(((geometry.rowsFor(bandRows) + (geometry.direct ? 1 : 0)) * pitch) / 64) * 64;
  // Elements from the first of an image's row to the last that vectors reach; more than a plane has where all rows are to be copied.
  const reach = isDirect ? Math.max(across.extent, across.positions + geometry.reachX - geometry.left) : 2 ** 30;
  const perThread = bandSource + 64 * ROWS;
  const planes = batch * filters;
  const perTask = unitsPerTask(planes, tunables, traits);
  return {
    passes: [
      {
        entry: 'planes',
        buffers: [image, weights, ...epilogueOperands(problem), result, 'scratch'],
        arguments: [
          ...[perTask, planes, filters / groups, filters, vertical.window * horizontal.window, down.extent, across.extent],
          ...[down.positions, across.positions, bandRows, bandSource, pitch, part, perThread, reach],
        ],
        grid: [Math.ceil(planes / perTask), 1, 1],
      },
    ],
    workspace: { scratch: traits.limits.threads * perThread },
  };
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

function generate(problem: Conv2dProblem, tunables: Tunables, traits: Traits): Source {
  const label = `conv2d/depthwise/${depthwise.variant(problem)}`;
  const fma = traits.features.has('relaxed-simd');
  return assemble(
    label,
    problem.pass === 'filter-grad' ? { filterGrad: filterGradTask(problem, fma) } : { planes: planesTask(problem, tunables, fma) },
  );
}

const LOCALS = {
  ...{ last: i32, weights: i32, plane: i32, out: i32, bias: i32, residual: i32, source: i32, edge: i32, words: i32, k: i32 },
  ...{ first: i32, here: i32, copied: i32, row: i32, some: i32, base: i32, offset: i32, stride: i32, count: i32 },
  ...{ top: i32, from: i32, between: i32, mask: i32, inner: i32, whole: i32 },
} as const;

/** One task is `perTask` planes of the result. */
function planesTask(problem: Conv2dProblem, { ROWS }: Tunables, fma: boolean): Task {
  const { epilogue } = problem;
  const geometry = geometryOf(problem);
  const copyRows = copyRowsRoutine(geometry);
  const phases = geometry.phasesY.map((_, phase) => {
    const shape = { geometry, phase, window: problem.horizontal.window, fma, ...epilogue };
    return { several: rowsRoutine({ ...shape, rows: ROWS }), single: ROWS === 1 ? undefined : rowsRoutine({ ...shape, rows: 1 }) };
  });

  return task(entryOf(problem), LOCALS, (names, argument) => {
    const { task: number, thread, last, weights, plane, out, bias, residual, source, edge, words, k } = names;
    const { first, here, copied, row, some, base, offset, stride, count } = names;
    const { top, from, between, mask, inner, whole } = names;
    const { image, result, scratch, perTask, planes, multiplier, filters, taps, height, width } = argument;
    const { resultHeight, resultWidth, bandRows, bandSource, pitch, part, perThread, reach } = argument;
    set(plane, i32.mul(number, perTask));
    set(last, i32.add(plane, perTask));
    min(last, last, planes);
    set(source, i32.add(scratch, i32.mul(thread, perThread)));
    set(edge, i32.add(source, bandSource));
    clear();
    if (geometry.direct) makeMask();
    loopWhileBelow(plane, last, 1, () => {
      set(k, i32.rem_u(plane, filters));
      set(weights, i32.add(argument.weights, i32.shl(i32.mul(k, taps), 2)));
      if (epilogue.bias) set(bias, i32.add(argument.bias, i32.shl(k, 2)));
      set(offset, i32.shl(i32.mul(plane, i32.mul(resultHeight, resultWidth)), 2));
      set(out, i32.add(result, offset));
      if (epilogue.residual) set(residual, i32.add(argument.residual, offset));
      // The plane of the image: planes of one group follow each other, `multiplier` of the result for each.
      set(base, i32.div_u(plane, multiplier));
      set(base, i32.add(image, i32.shl(i32.mul(base, i32.mul(height, width)), 2)));
      set(first, 0);
      set(count, mostRows());
      loopWhileBelow(first, count, 0, () => {
        // A band of few rows ends with the result.
        if (geometry.direct) {
          set(here, i32.sub(count, bandRows));
          min(first, first, here);
        }
        set(here, i32.sub(count, first));
        min(here, here, bandRows);
        findRows();
        phases.forEach((_, phase) => band(phase));
        advance(first, bandRows);
      });
    });

    /** Zeros around the rows, which stay as they are. */
    function clear() {
      set(base, source);
      set(words, i32.shr_u(bandSource, 4));
      repeat(words, () => {
        v128.store({}, base, v128.const('f32x4', [0, 0, 0, 0]));
        advance(base, 16);
      });
    }
    /** The row before `edge`: ones where the image has columns. */
    function makeMask() {
      set(mask, i32.sub(edge, pitch));
      set(base, i32.add(mask, 4 * geometry.left));
      set(words, width);
      repeat(words, () => {
        i32.store({}, base, -1);
        advance(base, 4);
      });
    }
    /** Sets `from` and `between` to the band's rows: in the image if all that vectors reach lies in its plane, else copied. */
    function findRows() {
      set(top, i32.add(i32.mul(first, geometry.stepY), geometry.top));
      set(copied, i32.add(i32.mul(i32.sub(here, 1), geometry.stepY), geometry.rowsFor(1)));
      if (!geometry.direct) return copy();
      set(from, i32.sub(i32.mul(top, width), geometry.left));
      i32.and(i32.ge_s(from, 0), i32.le_s(i32.add(i32.mul(i32.sub(i32.add(top, copied), 1), width), reach), i32.mul(height, width)));
      if_(
        {},
        () => {
          set(from, i32.add(base, i32.shl(from, 2)));
          set(between, i32.shl(width, 2));
          set(inner, geometry.left);
          set(whole, i32.sub(width, LANES + geometry.reachX - geometry.left));
        },
        copy,
      );
    }
    function copy() {
      call(copyRows, [base, source, top, copied, height, width, pitch, part]);
      set(from, source);
      set(between, pitch);
      set(inner, 0);
      set(whole, resultWidth);
    }
    /** Rows of the phase that has most. */
    function mostRows() {
      const divisor = geometry.phasesY.length;
      return divisor === 1 ? resultHeight : i32.shr_u(i32.add(resultHeight, 1), 1);
    }
    /** The band's rows of a phase, ROWS at a time: the last ones begin so that they end with the band, and some are computed again. */
    function band(phase: number) {
      const divisor = geometry.phasesY.length;
      const { several, single } = phases[phase];
      set(some, divisor === 1 ? resultHeight : i32.shr_u(i32.add(resultHeight, 1 - phase), 1));
      set(some, i32.sub(some, first));
      min(some, some, here);
      set(stride, i32.mul(resultWidth, 4 * divisor));
      set(row, 0);
      i32.ge_u(some, ROWS);
      if_(
        {},
        () =>
          loopWhileBelow(row, some, ROWS, () => {
            i32.gt_u(i32.add(row, ROWS), some);
            if_({}, () => set(row, i32.sub(some, ROWS)));
            rows(several);
          }),
        () => loopWhileBelow(row, some, 1, () => rows(single ?? several)),
      );

      function rows(routine: Routine) {
        const at = (base: Local) => i32.add(base, offset);
        set(offset, i32.mul(i32.add(first, row), stride));
        if (phase > 0) advance(offset, i32.mul(resultWidth, 4 * phase));
        call(routine, [
          ...[i32.add(from, i32.mul(row, i32.mul(between, geometry.stepY))), between, part, weights, epilogue.bias ? bias : 0],
          ...[at(out), epilogue.residual ? at(residual) : 0, stride, resultWidth, edge],
          ...[mask, inner, whole],
        ]);
      }
    }
  });
}
