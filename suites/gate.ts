// The gate suite: a little of everything that a change may slow down, each small enough to be repeated in many processes. What `bench ci` compares unless it is
// told otherwise: thirty benchmarks on a machine with two cores.

import type { Case, FunctionArm, Request, Suite } from '../harness/suite.ts';
import { input, relu } from '../kernels/expression.ts';
import { conv2d, matmul, type Problem, pointwise, pool2d, reduce, softmax } from '../kernels/problem.ts';
import { twoLayer } from './lecture/start.ts';
import { inEagerStyle, inStaticStyle } from './train/steps.ts';
import { workOf } from './train/work.ts';

const image = (channels: number, size: number): [number, number, number, number] => [1, channels, size, size];
const filter = (filters: number, channels: number, size: number): [number, number, number, number] => [filters, channels, size, size];

/** Problems by name: compute from the caches, what streams, and shapes that divide nothing. */
const PROBLEMS: Readonly<Record<string, Problem>> = {
  'matmul/64x64x64': matmul({ m: 64, n: 64, k: 64 }),
  'matmul/256x256x256': matmul({ m: 256, n: 256, k: 256 }),
  'matmul/35x700x512/nt': matmul({ m: 35, n: 700, k: 512, transposeB: true }),
  'matmul/1x1024x1024': matmul({ m: 1, n: 1024, k: 1024 }),
  'conv/3x3': conv2d({ input: image(64, 28), filter: filter(64, 64, 3), padding: 1 }),
  'conv/1x1': conv2d({ input: image(128, 28), filter: filter(128, 128, 1) }),
  'conv/7x7': conv2d({ input: image(3, 64), filter: filter(32, 3, 7), stride: 2, padding: 3 }),
  'conv/depthwise': conv2d({ input: image(64, 28), filter: filter(64, 1, 3), padding: 1, groups: 64 }),
  'conv/3x3/input-grad': conv2d({ input: image(32, 28), filter: filter(32, 32, 3), padding: 1, pass: 'input-grad' }),
  relu: pointwise({ shape: [2 ** 16], inputs: [{}], expression: relu(input(0)) }),
  'sum-rows': reduce({ fold: 'sum', outer: 256, reduced: 1024 }),
  softmax: softmax({ rows: 256, columns: 256 }),
  'max-pool': pool2d({ kind: 'max', pass: 'forward', input: image(64, 28), window: 2 }),
};

const WEIGHTS = ['filter'];

function cases({ threads, seed }: Request): Case[] {
  const training = twoLayer(32, 128, 64, 32);
  const arms = (steps: typeof inStaticStyle): FunctionArm[] =>
    threads.map((count) => ({
      name: `ours@cpu/${count}`,
      device: 'cpu',
      threads: count,
      make: () => workOf(steps, training, seed, 'cpu', { threads: count }),
    }));
  return [
    ...Object.entries(PROBLEMS).map(
      ([name, problem]): Case => ({
        name: `gate/${name}`,
        problem,
        dtype: 'f32',
        constants: problem.op === 'conv2d' && problem.pass === 'forward' ? WEIGHTS : undefined,
      }),
    ),
    { name: 'gate/train/static', arms: arms(inStaticStyle), dtype: 'f32' },
    { name: 'gate/train/eager', arms: arms(inEagerStyle), dtype: 'f32' },
  ];
}

const suite: Suite = {
  name: 'gate',
  question: 'Has a change made something slower? A little of everything, for bench ci',
  cases,
};

export default suite;
