// Convolution of images [N, C, H, W] by filters [K, C / groups, R, S], and its gradients, which are convolutions again.
//
// With y = x * w:  ∂/∂x is the input-grad pass over (w, g), ∂/∂w the filter-grad pass over (x, g). Each pass is linear in both of its operands, and its own
// gradients are the other two passes: so a convolution can be differentiated any number of times.

import { type Conv2dProblem, conv2d as conv2dProblem, type Padding, type Pair, windowsOf } from '../../kernels/index.ts';
import { type Layout, type Spec, specText } from '../layout.ts';
import { apply, type Op, type Operand, type Value } from '../op.ts';
import { equalShapes, type Shape } from '../shape.ts';
import { DenseInputs } from './dense.ts';
import { reluGrad } from './pointwise.ts';
import { sum } from './reduce.ts';

/** How a filter moves over an image. */
export interface ConvWindow {
  /** 1 if absent. */
  readonly stride?: Pair;
  /** Zeros around the image: a number, [vertical, horizontal], [top, bottom, left, right], or `same`; none if absent. */
  readonly padding?: Padding;
  /** 1 if absent. */
  readonly dilation?: Pair;
  /** Channels and filters fall into this many groups that do not see each other; 1 if absent. */
  readonly groups?: number;
}

type Window = Required<ConvWindow>;
/** Operands are input, filter, bias if there are more than the others, and last the residual where that is said. */
type Forward = Window & { readonly relu: boolean; readonly residual: boolean };
/** A gradient's output has the shape of an operand that it does not read. */
type Backward = Window & { readonly of: Shape };

const checkFloat = (name: string, inputs: readonly Operand<Spec>[]): void => {
  const wrong = (inputs as Spec[]).find(({ dtype }) => dtype !== 'f32');
  if (wrong) throw new TypeError(`${name}: expected f32 operands, got ${(inputs as Spec[]).map(specText).join(', ')}; cast them`);
};

const windowOf = ({ stride, padding, dilation, groups }: Window): Window => ({ stride, padding, dilation, groups });

const outputShape = ({ batch, filters, vertical, horizontal }: Conv2dProblem): Shape => [
  batch,
  filters,
  windowsOf(vertical),
  windowsOf(horizontal),
];

/** Binds dense operands to a pass, in the order it names them, and the output last. */
function lowered(problem: Conv2dProblem, operands: readonly Operand<Layout>[], names: readonly string[], result: string) {
  const inputs = new DenseInputs(operands.length);
  const bind: Record<string, number> = {};
  (operands as Layout[]).forEach((layout, i) => {
    bind[names[i]] = inputs.dense(layout, i);
  });
  bind[result] = operands.length;
  return { steps: [...inputs.steps, { problem, bind }], temporaries: inputs.temporaries };
}

const hasBias = (operands: readonly unknown[], { residual }: Forward): boolean => operands.length > (residual ? 3 : 2);

/** The kernel problem of a forward. For the framework's own use, and for who hands the same convolution to somebody else. */
export function forwardProblem(operands: readonly Spec[], attributes: Forward): Conv2dProblem {
  const [input, filter] = operands;
  const { relu, residual, ...window } = attributes;
  return conv2dProblem({
    input: input.shape,
    filter: filter.shape,
    ...window,
    epilogue: { bias: hasBias(operands, attributes), residual, relu },
  });
}

export const conv2dOp: Op<Forward> = {
  name: 'conv2d',
  infer(operands, attributes) {
    checkFloat('conv2d', operands);
    const [, filter, bias] = operands as Spec[];
    const shape = outputShape(forwardProblem(operands as Spec[], attributes));
    if (hasBias(operands, attributes) && (bias.shape.length !== 1 || bias.shape[0] !== filter.shape[0]))
      throw new RangeError(`conv2d: bias is ${specText(bias)}, expected f32[${filter.shape[0]}], one element a filter`);
    const residual = attributes.residual ? (operands.at(-1) as Spec) : undefined;
    if (residual && !equalShapes(residual.shape, shape))
      throw new RangeError(`conv2d: residual is ${specText(residual)}, expected f32[${shape}], the output's shape`);
    return { shape, dtype: 'f32' };
  },
  lower: (operands, _output, attributes) =>
    lowered(
      forwardProblem(operands as Layout[], attributes),
      operands,
      ['input', 'filter', ...(hasBias(operands, attributes) ? ['bias'] : []), 'residual'],
      'output',
    ),
  gradient({ operands, output, attributes, needs }, upstream) {
    const [x, w] = operands as (typeof upstream)[];
    const g = attributes.relu ? reluGrad(output, upstream) : upstream;
    return [
      needs[0] ? inputGrad(w, g, x.shape, attributes) : undefined,
      needs[1] ? filterGrad(x, g, w.shape, attributes) : undefined,
      ...(hasBias(operands, attributes) ? [needs[2] ? sum(g, [0, 2, 3]) : undefined] : []),
      ...(attributes.residual ? [g] : []),
    ];
  },
};

export const conv2dInputGradOp: Op<Backward> = {
  name: 'conv2dInputGrad',
  keeps: ['inputs'],
  infer: (_operands, { of }) => ({ shape: of, dtype: 'f32' }),
  lower(operands, { shape }, { of: _, ...window }) {
    const [filter] = operands as Layout[];
    const problem = conv2dProblem({ input: shape, filter: filter.shape, ...window, pass: 'input-grad' });
    return lowered(problem, operands, ['filter', 'outputGrad'], 'inputGrad');
  },
  gradient({ operands, attributes, needs }, upstream) {
    const [w, g] = operands as (typeof upstream)[];
    return [
      needs[0] ? filterGrad(upstream, g, w.shape, attributes) : undefined,
      needs[1] ? apply(conv2dOp, [upstream, w], { ...windowOf(attributes), relu: false, residual: false }) : undefined,
    ];
  },
};

export const conv2dFilterGradOp: Op<Backward> = {
  name: 'conv2dFilterGrad',
  keeps: ['inputs'],
  infer: (_operands, { of }) => ({ shape: of, dtype: 'f32' }),
  lower(operands, { shape }, { of: _, ...window }) {
    const [input] = operands as Layout[];
    const problem = conv2dProblem({ input: input.shape, filter: shape, ...window, pass: 'filter-grad' });
    return lowered(problem, operands, ['input', 'outputGrad'], 'filterGrad');
  },
  gradient({ operands, attributes, needs }, upstream) {
    const [x, g] = operands as (typeof upstream)[];
    return [
      needs[0] ? inputGrad(upstream, g, x.shape, attributes) : undefined,
      needs[1] ? apply(conv2dOp, [x, upstream], { ...windowOf(attributes), relu: false, residual: false }) : undefined,
    ];
  },
};

const inputGrad = <V extends Value>(w: V, g: V, of: Shape, window: Window): V =>
  apply<V>(conv2dInputGradOp, [w, g], { ...windowOf(window), of });

const filterGrad = <V extends Value>(x: V, g: V, of: Shape, window: Window): V =>
  apply<V>(conv2dFilterGradOp, [x, g], { ...windowOf(window), of });

export interface Conv2dOptions<V> extends ConvWindow {
  /** [K], added to every element of a filter's output. */
  readonly bias?: V;
  /** Of the output's shape, added after the bias. */
  readonly residual?: V;
  /** max(x, 0) after both. */
  readonly relu?: boolean;
}

/**
 * Each filter [C / groups, R, S] slid over each image [C, H, W] without being turned (a correlation, as in every framework): [N, K, H', W'].
 *
 * Throws a RangeError where channels, groups or window do not fit, a TypeError for other dtypes than f32.
 */
export function conv2d<V extends Value>(x: V, filter: V, options: Conv2dOptions<V> = {}): V {
  const { bias, residual, relu = false, stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  const operands = [x, filter, ...(bias ? [bias] : []), ...(residual ? [residual] : [])];
  return apply<V>(conv2dOp, operands, { stride, padding, dilation, groups, relu, residual: residual !== undefined });
}
