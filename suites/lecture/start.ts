// The running example of the lecture (CS231n 2017, lecture 8): y = relu(x · w1) · w2 on random data, its loss the mean squared difference.
//
//   x [N, D], y [N, D], w1 [D, H], w2 [H, D]; descent by `rate` times the gradient

import { firstLosses } from '../../framework/exact/net.ts';
import { type Training, trainingData } from '../../framework/exact/training.ts';
import type { Device } from '../../kernels/device.ts';

/** Where every rung starts: sizes, data and weights in the host's memory, row-major. */
export interface Start {
  readonly N: number;
  readonly D: number;
  readonly H: number;
  readonly rate: number;
  readonly x: Float32Array<ArrayBuffer>;
  readonly y: Float32Array<ArrayBuffer>;
  readonly w1: Float32Array<ArrayBuffer>;
  readonly w2: Float32Array<ArrayBuffer>;
}

/** One form of the example: trains without end, a step at a time, and gives each step's loss. */
export type Rung = (start: Start, device: Device) => AsyncGenerator<number, undefined>;

/** The example as a training. The gradient grows with D / H as the mean over D shrinks it and the sum over H does not. */
export const twoLayer = (N: number, D: number, H: number, distinct = N): Training => ({
  example: [D],
  batch: N,
  layers: [
    { kind: 'linear', inputs: D, outputs: H, bias: false },
    { kind: 'relu' },
    { kind: 'linear', inputs: H, outputs: D, bias: false },
  ],
  loss: 'mse',
  rate: (2 * D) / H,
  distinct,
});

export function startOf(N: number, D: number, H: number, seed: number): Start {
  const training = twoLayer(N, D, H);
  const { x, y, '0.weight': w1, '2.weight': w2 } = trainingData(training, seed);
  return { N, D, H, rate: training.rate, x, y, w1, w2 };
}

/** The losses of the first steps in float64, each on the whole data. */
export const exactLossesOf = ({ N, D, H, x, y, w1, w2 }: Start, steps: number): number[] =>
  firstLosses(twoLayer(N, D, H), { x, y, '0.weight': w1, '2.weight': w2 }, steps);
