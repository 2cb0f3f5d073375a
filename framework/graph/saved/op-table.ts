// The ops that a saved graph may name, with what each takes: so that a file is checked before an op sees what is in it.

import type { DType } from '../../../kernels/index.ts';
import type { Attributes, Op } from '../../op.ts';
import { concatOp, padOp } from '../../ops/assemble.ts';
import { conv2dFilterGradOp, conv2dInputGradOp, conv2dOp } from '../../ops/conv.ts';
import { gatherOp, oneHotOp, scatterAddOp } from '../../ops/gather.ts';
import { matmulOp } from '../../ops/matmul.ts';
import { castOp, leakyReluOp, pointwiseOps } from '../../ops/pointwise.ts';
import { avgPool2dGradOp, avgPool2dOp, maxPool2dGradOp, maxPool2dOp } from '../../ops/pool.ts';
import { randomOp } from '../../ops/random.ts';
import { reductionOps } from '../../ops/reduce.ts';
import { broadcastToOp, cloneOp, contiguousOp, reshapeOp, sliceOp, stopGradientOp, transposeOp } from '../../ops/shape.ts';
import { softmaxOps } from '../../ops/softmax.ts';
import { standardizeOps } from '../../ops/standardize.ts';

/** What an attribute must be. */
export interface Check {
  readonly text: string;
  readonly isMet: (value: unknown) => boolean;
  /** Whether it may be left out. */
  readonly isOptional?: boolean;
}

export interface Signature {
  readonly op: Op;
  /** Fewest and most operands. */
  readonly operands: readonly [least: number, most: number];
  /** Whether operands may be numbers. */
  readonly takesNumbers: boolean;
  readonly attributes: Readonly<Record<string, Check>>;
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isWholes = (value: unknown, ...lengths: number[]): boolean =>
  Array.isArray(value) && value.length <= 64 && value.every(isWhole) && (lengths.length === 0 || lengths.includes(value.length));
const oneOf = (...values: readonly unknown[]): Check => ({ text: `one of ${values.join(', ')}`, isMet: (value) => values.includes(value) });
const optional = (check: Check): Check => ({ ...check, isOptional: true });

const flag = oneOf(true, false);
const whole: Check = { text: 'a whole number from 0', isMet: isWhole };
const wholes: Check = { text: 'a list of whole numbers from 0', isMet: (value) => isWholes(value) };
const number: Check = { text: 'a number', isMet: (value) => typeof value === 'number' };
const pair: Check = { text: 'a whole number or two', isMet: (value) => isWhole(value) || isWholes(value, 2) };
const padding: Check = {
  text: 'same, or one, two or four whole numbers',
  isMet: (value) => value === 'same' || isWhole(value) || isWholes(value, 2, 4),
};

/** The dtypes by name. */
export const dtypes = oneOf(...(['f32', 'f16', 'i32', 'u8', 'bool'] satisfies DType[]));

type Entry = readonly [string, Signature];
/** One check for each attribute that the op knows: a new one does not compile without. */
type Checks<A> = { readonly [K in keyof Required<A>]: Check };

const entry = <A extends Attributes>(op: Op<A>, operands: Signature['operands'], attributes: Checks<A>): Entry => [
  op.name,
  { op: op as unknown as Op, operands, takesNumbers: false, attributes },
];
/** An op whose only attributes are those of every op: none. */
const plain = (op: Op, least: number, most = least): Entry => [
  op.name,
  { op, operands: [least, most], takesNumbers: false, attributes: {} },
];

const window = { stride: pair, padding, dilation: pair, groups: whole };
const pooling = (kind: string) => ({ kind: oneOf(kind), window: pair, stride: pair, padding, dilation: pair, countPadding: flag });
const channels = { outer: whole, channels: whole, inner: whole };

const entries: readonly Entry[] = [
  ...Object.values(reductionOps).map((op) => entry(op, [1, 1], { axes: wholes, keepDims: flag })),
  entry(matmulOp, [2, 3], { relu: flag, transposeB: optional(flag) }),
  entry(conv2dOp, [2, 4], { ...window, relu: flag, residual: flag }),
  entry(conv2dInputGradOp, [2, 2], { ...window, of: wholes }),
  entry(conv2dFilterGradOp, [2, 2], { ...window, of: wholes }),
  entry(maxPool2dOp, [1, 1], pooling('max')),
  entry(maxPool2dGradOp, [2, 2], pooling('max')),
  entry(avgPool2dOp, [1, 1], pooling('average')),
  entry(avgPool2dGradOp, [1, 1], { ...pooling('average'), of: wholes }),
  entry(softmaxOps.softmaxOp, [1, 1], { log: flag }),
  entry(softmaxOps.softmaxGradOp, [2, 2], { log: flag }),
  entry(standardizeOps.momentsOp, [1, 1], channels),
  entry(standardizeOps.crossMomentsOp, [3, 3], channels),
  entry(standardizeOps.standardizeOp, [3, 5], { ...channels, epsilon: number }),
  entry(standardizeOps.inputGradOp, [6, 7], { ...channels, epsilon: number }),
  entry(standardizeOps.weightGradOp, [2, 2], { ...channels, epsilon: number }),
  entry(reshapeOp, [1, 1], { shape: wholes }),
  entry(transposeOp, [1, 1], { order: wholes }),
  entry(broadcastToOp, [1, 1], { shape: wholes }),
  entry(sliceOp, [1, 1], { starts: wholes, ends: wholes, steps: wholes }),
  plain(contiguousOp, 1),
  plain(cloneOp, 1),
  plain(stopGradientOp, 1),
  entry(padOp, [1, 1], { before: wholes, after: wholes, value: number }),
  entry(concatOp, [1, 4096], { axis: whole }),
  plain(gatherOp, 2),
  entry(scatterAddOp, [2, 2], { rows: whole }),
  entry(oneHotOp, [1, 1], { classes: whole }),
  entry(randomOp, [0, 2], {
    distribution: oneOf('bits', 'uniform', 'normal'),
    shape: wholes,
    seed: whole,
    stream: optional(whole),
    step: optional(whole),
    counted: optional(flag),
  }),
];

const THREE = ['where', 'clip'];
const TWO = ['add', 'sub', 'mul', 'div', 'pow', 'maximum', 'minimum', 'eq', 'ne', 'lt', 'le', 'gt', 'ge', 'and', 'or', 'reluGrad'];

function pointwiseSignatures(): [string, Signature][] {
  const signature = (op: Op, count: number, attributes: Signature['attributes'] = {}): [string, Signature] => [
    op.name,
    { op, operands: [count, count], takesNumbers: true, attributes },
  ];
  const plain = Object.values(pointwiseOps).map((op) => signature(op, THREE.includes(op.name) ? 3 : TWO.includes(op.name) ? 2 : 1));
  return [...plain, signature(leakyReluOp as Op, 1, { slope: number }), signature(castOp as unknown as Op, 1, { dtype: dtypes })];
}

/** Every op by its name. */
export const opTable: ReadonlyMap<string, Signature> = new Map([...pointwiseSignatures(), ...entries]);
