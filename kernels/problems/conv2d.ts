// A conv2d problem is a two-dimensional convolution (a correlation, as in every framework) or one of its gradients.
//
//   output[n, k, y, x] = epilogue(Σ over c, r, s of  input[n, c, y·stride + r·dilation − padding, x·..] · filter[k, c, r, s])

import type { Extent } from '../dtype.ts';
import { type Axis, axesOf, checkWhole, type Padding, type Pair, windowsOf } from './window.ts';

export type ConvPass = 'forward' | 'input-grad' | 'filter-grad';

/** Of the forward pass, in this order: add the bias of the output's channel, add the residual, max(x, 0). */
export interface ConvEpilogue {
  readonly bias: boolean;
  readonly residual: boolean;
  readonly relu: boolean;
}

/**
 * Dense f32 operands, images as NCHW and filters as KCRS, C being the channels of one group there:
 * forward reads `input`, `filter` and, with the epilogue, `bias` [K] and `residual` (of the output's shape, and not the output itself), and writes `output`; input-grad reads `filter` and `outputGrad` and writes `inputGrad`;
 * filter-grad reads `input` and `outputGrad` and writes `filterGrad`.
 */
export interface Conv2dProblem {
  readonly op: 'conv2d';
  readonly pass: ConvPass;
  readonly batch: number;
  /** Of the input, over all groups. */
  readonly channels: number;
  /** Channels of the output, over all groups. */
  readonly filters: number;
  readonly groups: number;
  readonly vertical: Axis;
  readonly horizontal: Axis;
  readonly epilogue: ConvEpilogue;
}

export interface Conv2dOptions {
  /** [N, C, H, W]. */
  readonly input: readonly number[];
  /** [K, C / groups, R, S]. */
  readonly filter: readonly number[];
  readonly stride?: Pair;
  readonly padding?: Padding;
  readonly dilation?: Pair;
  readonly groups?: number;
  readonly pass?: ConvPass;
  /** What is left out is not done. */
  readonly epilogue?: Partial<ConvEpilogue>;
}

/** A checked conv2d problem; forward, stride and dilation 1, one group, no padding and no epilogue if left out. Throws a RangeError that names the bad value. */
export function conv2d(options: Conv2dOptions): Conv2dProblem {
  const { input, filter, groups = 1, pass = 'forward' } = options;
  const epilogue = { bias: false, residual: false, relu: false, ...options.epilogue };
  const shapes = `(input [${input}], filter [${filter}])`;
  if (input.length !== 4 || filter.length !== 4)
    throw new RangeError(`conv2d: expected an input [N, C, H, W] and a filter [K, C, R, S] ${shapes}`);
  const [batch, channels, height, width] = input;
  const [filters, channelsPerGroup, rows, columns] = filter;
  for (const [name, value] of Object.entries({ batch, channels, filters, groups })) checkWhole(`conv2d: ${name}`, value, 1);
  if (channels % groups !== 0 || filters % groups !== 0)
    throw new RangeError(`conv2d: ${groups} groups do not divide ${channels} channels and ${filters} filters ${shapes}`);
  if (channels !== channelsPerGroup * groups) {
    const each = groups === 1 ? '' : ` in each of ${groups} groups`;
    throw new RangeError(
      `conv2d: input has ${channels} channels but the filter expects ${channelsPerGroup}${each} ${shapes}; check NCHW order.`,
    );
  }
  if (pass !== 'forward' && Object.values(epilogue).includes(true)) throw new RangeError(`conv2d: ${pass} has no epilogue`);
  const [vertical, horizontal] = axesOf('conv2d', { ...options, size: [height, width], window: [rows, columns] });
  const problem: Conv2dProblem = { op: 'conv2d', pass, batch, channels, filters, groups, vertical, horizontal, epilogue };
  for (const [name, { elements }] of Object.entries(conv2dOperands(problem)))
    if (elements > 2 ** 30) throw new RangeError(`conv2d: operand ${name} has ${elements} elements, more than 2^30 ${shapes}`);
  return problem;
}

/** Inputs first, the result last. */
export function conv2dOperands(problem: Conv2dProblem): Record<string, Extent> {
  const { pass, batch, channels, filters, groups, vertical, horizontal, epilogue } = problem;
  const extent = (elements: number): Extent => ({ elements, dtype: 'f32' });
  const input = extent(batch * channels * vertical.size * horizontal.size);
  const filter = extent(filters * (channels / groups) * vertical.window * horizontal.window);
  const output = extent(batch * filters * windowsOf(vertical) * windowsOf(horizontal));
  if (pass === 'input-grad') return { filter, outputGrad: output, inputGrad: input };
  if (pass === 'filter-grad') return { input, outputGrad: output, filterGrad: filter };
  return {
    ...{ input, filter },
    ...(epilogue.bias ? { bias: extent(filters) } : {}),
    ...(epilogue.residual ? { residual: output } : {}),
    output,
  };
}
