// The op table: every op as a function on values, whatever their style.

export { concat, pad, stack } from './assemble.ts';
export { type Conv2dOptions, type ConvWindow, conv2d } from './conv.ts';
export { gather, oneHot, scatterAdd } from './gather.ts';
export * from './matmul.ts';
export {
  type Affine,
  type BatchNormResult,
  batchNorm,
  batchNormTraining,
  dropout,
  layerNorm,
  localResponseNorm,
  type ResponseNormOptions,
} from './norm.ts';
export * from './pointwise.ts';
export { type AveragePoolOptions, avgPool2d, globalAvgPool, maxPool2d, type PoolOptions } from './pool.ts';
export { type CountedSource, type RandomSource, uniformLike } from './random.ts';
export { type Axes, argmax, argmin, max, mean, min, type ReduceOptions, sum } from './reduce.ts';
export { broadcastTo, clone, contiguous, type Range, reshape, slice, stopGradient, transpose, transposeMatrix } from './shape.ts';
export * from './softmax.ts';
