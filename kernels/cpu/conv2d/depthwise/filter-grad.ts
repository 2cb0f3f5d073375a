// The plan and the task of a depthwise convolution's filter gradient: a task is some filters, each added up over all images, a band of rows at a time (sums.ts).

import type { Entry, Plan, Traits, Tunables } from '../../../kernel.ts';
import type { Conv2dProblem } from '../../../problems/conv2d.ts';
import { windowsOf } from '../../../problems/window.ts';
import { advance, call, i32, loopWhileBelow, min, repeat, set, type Task, task, v128 } from '../../assembly.ts';
import { unitsPerTask } from '../../threading.ts';
import { geometryOf, LANES, partBytes } from './geometry.ts';
import { copyRowsRoutine } from './rows.ts';
import { addSumsRoutine, finishSumsRoutine, SUM_BYTES } from './sums.ts';

const ARGUMENTS = [
  ...['perTask', 'filters', 'multiplier', 'images', 'taps', 'height', 'width', 'gradHeight', 'gradWidth'],
  ...['bandRows', 'bandSource', 'bandGrad', 'pitch', 'part', 'gradPitch', 'perThread'],
];

const ENTRY: Entry = {
  buffers: ['image', 'grad', 'result', 'scratch'].map((name) => ({
    name,
    access: name === 'result' || name === 'scratch' ? 'write' : 'read',
  })),
  arguments: ARGUMENTS.map((name) => ({ name, type: 'i32' })),
};

/** The forward pass's geometry: the gradient reads the image as the convolution does. */
const windowsGeometry = (problem: Conv2dProblem) => geometryOf({ ...problem, pass: 'forward' });

export function filterGradPlan(problem: Conv2dProblem, bandBytes: number, tunables: Tunables, traits: Traits): Plan {
  const { batch, filters, groups, vertical, horizontal } = problem;
  const geometry = windowsGeometry(problem);
  const [rows, columns] = [windowsOf(vertical), windowsOf(horizontal)];
  const part = partBytes(geometry, columns, horizontal.size);
  const pitch = part * geometry.parts;
  const gradPitch = 4 * Math.ceil(columns / LANES) * LANES;
  const fitting = Math.floor(bandBytes / (geometry.stepY * pitch + gradPitch));
  const bandRows = Math.min(rows, Math.max(1, fitting));
  const whole = (bytes: number) => Math.ceil(bytes / 64) * 64;
  const [bandSource, bandGrad] = [whole(geometry.rowsFor(bandRows) * pitch), whole(bandRows * gradPitch)];
  const taps = vertical.window * horizontal.window;
  const perThread = bandSource + bandGrad + whole(SUM_BYTES * taps);
  const perTask = unitsPerTask(filters, tunables, traits);
  return {
    passes: [
      {
        entry: 'filterGrad',
        buffers: ['input', 'outputGrad', 'filterGrad', 'scratch'],
        arguments: [
          ...[perTask, filters, filters / groups, batch, taps, vertical.size, horizontal.size, rows, columns],
          ...[bandRows, bandSource, bandGrad, pitch, part, gradPitch, perThread],
        ],
        grid: [Math.ceil(filters / perTask), 1, 1],
      },
    ],
    workspace: { scratch: traits.limits.threads * perThread },
  };
}

const LOCALS = {
  ...{ k: i32, last: i32, n: i32, base: i32, line: i32, first: i32, here: i32, copied: i32 },
  ...{ source: i32, gradient: i32, sums: i32, words: i32, at: i32 },
} as const;

/** One task is `perTask` filters. */
export function filterGradTask(problem: Conv2dProblem, fma: boolean): Task {
  const geometry = windowsGeometry(problem);
  const copyImage = copyRowsRoutine(geometry);
  const copyGradient = copyRowsRoutine({ parts: 1, left: 0 });
  const addSums = addSumsRoutine(geometry, problem.horizontal.window, fma);
  const finishSums = finishSumsRoutine();
  return task(ENTRY, LOCALS, (names, argument) => {
    const { task: number, thread, k, last, n, base, line, first, here, copied, source, gradient, sums, words, at } = names;
    const { image, grad, result, scratch, perTask, filters, multiplier, images, taps, height, width } = argument;
    const { gradHeight, gradWidth, bandRows, bandSource, bandGrad, pitch, part, gradPitch, perThread } = argument;
    set(k, i32.mul(number, perTask));
    set(last, i32.add(k, perTask));
    min(last, last, filters);
    set(source, i32.add(scratch, i32.mul(thread, perThread)));
    set(gradient, i32.add(source, bandSource));
    set(sums, i32.add(gradient, bandGrad));
    zero(source, () => i32.add(bandSource, bandGrad));
    loopWhileBelow(k, last, 1, () => {
      zero(sums, () => i32.mul(taps, SUM_BYTES));
      set(n, 0);
      loopWhileBelow(n, images, 1, () => {
        set(line, i32.add(i32.mul(n, filters), k));
        // The image's plane of the filter: `multiplier` filters share one.
        set(base, i32.add(image, i32.shl(i32.mul(i32.div_u(line, multiplier), i32.mul(height, width)), 2)));
        set(line, i32.add(grad, i32.shl(i32.mul(line, i32.mul(gradHeight, gradWidth)), 2)));
        set(first, 0);
        loopWhileBelow(first, gradHeight, 0, () => {
          set(here, i32.sub(gradHeight, first));
          min(here, here, bandRows);
          set(copied, i32.add(i32.mul(i32.sub(here, 1), geometry.stepY), geometry.rowsFor(1)));
          call(copyImage, [base, source, i32.add(i32.mul(first, geometry.stepY), geometry.top), copied, height, width, pitch, part]);
          call(copyGradient, [line, gradient, first, here, gradHeight, gradWidth, gradPitch, 0]);
          call(addSums, [source, pitch, part, gradient, gradPitch, here, sums]);
          advance(first, bandRows);
        });
      });
      call(finishSums, [sums, i32.add(result, i32.shl(i32.mul(k, taps), 2)), taps]);
    });

    function zero(from: typeof source, bytes: () => ReturnType<typeof i32.add>) {
      set(at, from);
      set(words, i32.shr_u(bytes(), 4));
      repeat(words, () => {
        v128.store({}, at, v128.const('f32x4', [0, 0, 0, 0]));
        advance(at, 16);
      });
    }
  });
}
