// What a training step costs at least: its products, the data once, and every parameter read and written once.

import { flopsOf, shapesOf, type Training } from '../framework/exact/training.ts';
import type { Cost } from '../kernels/kernel.ts';

const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

export function costOf(training: Training): Cost {
  const { x, y, ...parameters } = shapesOf(training);
  const flops = flopsOf(training);
  const weights = Object.values(parameters).reduce((sum, shape) => sum + elements(shape), 0);
  return { flops, executedFlops: flops, bytes: 4 * (elements(x) + elements(y) + 2 * weights) };
}
