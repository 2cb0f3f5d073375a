// What the adapters for convolution have in common: which problems are theirs, shapes, and NHWC for the libraries that know nothing else.
//
// Our operands are NCHW and KCRS. A library of another layout is handed its own: turning operands over is done when a case is prepared and when a result is
// read, never in a call that is timed, since its users keep their images that way all the time.

import type { Conv2dProblem } from '../../kernels/problem.ts';
import { windowsOf } from '../../kernels/problems/window.ts';
import type { ConvCase } from './peer.ts';

type Values = Float32Array<ArrayBuffer>;

/** [N, C, H, W], [K, C / groups, R, S] and [N, K, Y, X]. */
export interface ConvShapes {
  readonly input: readonly [number, number, number, number];
  readonly filter: readonly [number, number, number, number];
  readonly output: readonly [number, number, number, number];
}

export const convShapes = ({ batch, channels, filters, groups, vertical, horizontal }: Conv2dProblem): ConvShapes => ({
  input: [batch, channels, vertical.size, horizontal.size],
  filter: [filters, channels / groups, vertical.window, horizontal.window],
  output: [batch, filters, windowsOf(vertical), windowsOf(horizontal)],
});

/** Shapes of the inputs of a case by operand name. */
export function inputShapes({ problem }: ConvCase): Readonly<Record<string, readonly number[]>> {
  const { input, filter, output } = convShapes(problem);
  return { input, filter, bias: [problem.filters], residual: output, outputGrad: output };
}

/** Why a library that only knows the forward pass cannot do the case. */
export const forwardOnly = ({ problem }: ConvCase): string | undefined =>
  problem.pass === 'forward' ? undefined : `it is compared in the forward pass, not in ${problem.pass}`;

/** Why a library that pads both sides alike cannot do the case. */
export const symmetricOnly = ({ problem: { vertical, horizontal } }: ConvCase): string | undefined =>
  [vertical, horizontal].some(({ before, after }) => before !== after) ? 'it pads both sides of an image alike' : undefined;

export const isDepthwise = ({ channels, groups }: Conv2dProblem): boolean => groups > 1 && groups === channels;

/** Why a library without groups but depthwise ones, and with stride or dilation but not both, cannot do the case: TensorFlow.js. */
export function plainRefusal(asked: ConvCase): string | undefined {
  const { problem } = asked;
  if (problem.groups > 1 && !isDepthwise(problem)) return `it has no convolution in ${problem.groups} groups`;
  const axes = [problem.vertical, problem.horizontal];
  if (axes.some(({ stride }) => stride > 1) && axes.some(({ dilation }) => dilation > 1))
    return 'it has no dilation together with a stride';
  return forwardOnly(asked);
}

/** `values` of `shape`, dimensions in another order. */
export function permuted(values: Values, shape: readonly number[], order: readonly number[]): Values {
  const strides = shape.map((_, d) => shape.slice(d + 1).reduce((product, size) => product * size, 1));
  const sizes = order.map((d) => shape[d]);
  const steps = order.map((d) => strides[d]);
  const result = new Float32Array(values.length);
  let at = 0;
  const visit = (d: number, from: number): void => {
    if (d === sizes.length) result[at++] = values[from];
    else for (let i = 0; i < sizes[d]; i++) visit(d + 1, from + i * steps[d]);
  };
  visit(0, 0);
  return result;
}

/** NCHW to NHWC. */
export const toChannelsLast = (values: Values, shape: readonly number[]): Values => permuted(values, shape, [0, 2, 3, 1]);

/** NHWC to NCHW; `shape` is that of the result, NCHW. */
export const toChannelsFirst = (values: Values, [n, c, h, w]: readonly number[]): Values => permuted(values, [n, h, w, c], [0, 3, 1, 2]);

/** KCRS to RSCK; of a depthwise filter to RSC and the filters of each channel. */
export function toFilterLast(values: Values, problem: Conv2dProblem): { values: Values; shape: readonly number[] } {
  const [k, c, r, s] = convShapes(problem).filter;
  if (!isDepthwise(problem)) return { values: permuted(values, [k, c, r, s], [2, 3, 1, 0]), shape: [r, s, c, k] };
  const each = k / problem.channels;
  return { values: permuted(values, [problem.channels, each, r, s], [2, 3, 0, 1]), shape: [r, s, problem.channels, each] };
}
