// The op table: every op as a function on values, whatever their style.

export { concat, pad, stack } from './assemble.ts';
export * from './matmul.ts';
export * from './pointwise.ts';
export { type Axes, argmax, argmin, max, mean, min, type ReduceOptions, sum } from './reduce.ts';
export { broadcastTo, contiguous, type Range, reshape, slice, stopGradient, transpose, transposeMatrix } from './shape.ts';
export * from './softmax.ts';
