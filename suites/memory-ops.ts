// Other ops whose time is memory's, over tensors of a given size: one pass over each operand is what they could cost.

import { apply, input, scalar } from '../kernels/expression.ts';
import { copy, gather, type Problem, pointwise, pool2d, reduce } from '../kernels/problem.ts';

/** Elements of a row of a matrix. */
const WIDTH = 1024;
/** Height and width of an image's planes: ResNet's after its first layer. */
const IMAGE = 112;

/** The input of an image op of about `elements`: one image of as many channels as that takes. */
const imageOf = (elements: number): readonly [number, number, number, number] => [
  1,
  Math.max(1, Math.round(elements / IMAGE ** 2)),
  IMAGE,
  IMAGE,
];

/** Strides of a value for each channel of an image [1, C, H, W]. */
const BY_CHANNEL = { strides: [0, 1, 0, 0] } as const;

/** m + (1 - β) (g - m): a moving average in place, as optimizers keep it. */
function movingAverage(elements: number): Problem {
  const [m, g] = [input(0), input(1)];
  const expression = apply('add', m, apply('mul', apply('sub', g, m), scalar(0)));
  return pointwise({ shape: [elements], inputs: [{}, {}], expression, scalars: [0.1], inPlace: 0 });
}

/** x · a + b with a and b by channel: batch normalisation as it is applied. */
function normalisation(elements: number): Problem {
  const expression = apply('add', apply('mul', input(0), input(1)), input(2));
  return pointwise({ shape: imageOf(elements), inputs: [{}, BY_CHANNEL, BY_CHANNEL], expression });
}

const rowsOf = (elements: number): number => elements / WIDTH;
const pooling = (kind: 'max' | 'average', pass: 'forward' | 'input-grad') => (elements: number) =>
  pool2d({ kind, pass, input: imageOf(elements), ...(kind === 'max' ? { window: 3, stride: 2, padding: 1 } : { window: 2 }) });

/** A problem by its name, for inputs of so many f32 elements, whole rows of 1024. */
export const MEMORY_OPS: Readonly<Record<string, (elements: number) => Problem>> = {
  copy: (elements) => copy({ shape: [elements], from: { strides: [1], offset: 0 }, to: { strides: [1], offset: 0 } }),
  transpose: (elements) =>
    copy({
      shape: [WIDTH, rowsOf(elements)],
      from: { strides: [1, WIDTH], offset: 0 },
      to: { strides: [rowsOf(elements), 1], offset: 0 },
    }),
  'sum-rows': (elements) => reduce({ fold: 'sum', outer: rowsOf(elements), reduced: WIDTH }),
  'sum-columns': (elements) => reduce({ fold: 'sum', outer: 1, reduced: rowsOf(elements), inner: WIDTH }),
  'max-rows': (elements) => reduce({ fold: 'max', outer: rowsOf(elements), reduced: WIDTH }),
  exp: (elements) => pointwise({ shape: [elements], inputs: [{}], expression: apply('exp', input(0)) }),
  'moving-average': movingAverage,
  'batch-norm-apply': normalisation,
  'max-pool': pooling('max', 'forward'),
  'max-pool-grad': pooling('max', 'input-grad'),
  'average-pool': pooling('average', 'forward'),
  'average-pool-grad': pooling('average', 'input-grad'),
  gather: (elements) => gather({ rows: rowsOf(elements), width: WIDTH, count: rowsOf(elements) }),
};
