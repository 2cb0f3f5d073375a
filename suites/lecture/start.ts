// The running example of the lecture (CS231n 2017, lecture 8): y = relu(x · w1) · w2 on random data, its loss the mean squared difference.
//
//   x [N, D], y [N, D], w1 [D, H], w2 [H, D]; descent by `rate` times the gradient

import { type Training, trainingData } from '../../framework/exact/training.ts';
import { type nn, scope, tensor } from '../../framework/index.ts';
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
export type Rung = (start: Start, device: Device) => AsyncGenerator<number>;

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

/** Gives a net of two linear layers the weights to start with; such layers store theirs transposed. */
export function loadWeights(net: nn.Module, { w1, w2 }: Pick<Start, 'w1' | 'w2'>): void {
  const held = Object.entries(net.stateDict());
  scope(() => {
    const turned = [w1, w2].map((values, i) => {
      const { shape, device } = held[i][1];
      return tensor(values, { device, shape: shape.toReversed() }).transpose();
    });
    net.loadStateDict(Object.fromEntries(held.map(([path], i) => [path, turned[i]])));
  });
}
