// How problems are told apart and compared: a key that is equal for equal problems, a class of those that differ in sizes alone, and how far apart two of a
// class are.
//
//   distance(p, q) = √(Σ over sizes of ln(pᵢ/qᵢ)²) + |ln(I(p)/I(q))| + RAGGED for each size that 4 divides in one of them only
//
// I, the intensity, is the product of the sizes by the bytes of the operands. Equal sizes are at distance 0.

import { conv2dVariant } from '../correlation.ts';
import { paddedBytes } from '../dtype.ts';
import { matmulVariant } from '../matmul.ts';
import { momentsVariant } from '../moments.ts';
import { randomVariant } from '../philox.ts';
import { pointwiseVariant } from '../pointwise.ts';
import { pool2dVariant } from '../pooling.ts';
import { operandExtents, type Problem } from '../problem.ts';
import type { Axis } from '../problems/window.ts';
import { reduceVariant } from '../reduce.ts';
import { softmaxVariant } from '../softmax.ts';

/** What kernels vectorise by: a size that it does not divide takes another path through their code. */
const ALIGNMENT = 4;
/** What such a difference counts for: as much as a factor of 1.2 in size. */
const RAGGED = 0.18;

/** A problem in one line: its fields by name in order, the op first, without values that change nothing about its speed. */
export function problemKey(problem: Problem): string {
  const { op, ...fields }: Record<string, unknown> & { op: string } = { ...problem };
  for (const name of ['scalars', 'alpha', 'key', 'counter']) delete fields[name];
  return `${op} ${JSON.stringify(sorted(fields))}`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([name, each]) => [name, sorted(each)]));
}

/** A problem as comparing sees it. */
export interface Place {
  /** Equal for problems that differ in sizes alone. */
  readonly class: string;
  readonly sizes: Readonly<Record<string, number>>;
  readonly bytes: number;
}

export function placeOf(problem: Problem): Place {
  const [variant, sizes] = describe(problem);
  const extents = Object.values(operandExtents(problem));
  return { class: `${problem.op}/${variant}`, sizes, bytes: extents.reduce((sum, extent) => sum + paddedBytes(extent), 0) };
}

const dimensions = (shape: readonly number[]): Record<string, number> => Object.fromEntries(shape.map((size, d) => [`d${d}`, size]));
const axisText = ({ window, stride, dilation }: Axis): string => `${window}s${stride}d${dilation}`;

function describe(problem: Problem): [variant: string, sizes: Record<string, number>] {
  switch (problem.op) {
    case 'matmul': {
      const { batch, m, n, k } = problem;
      // Added to C or not, the same tiles are the fastest.
      return [`${matmulVariant({ ...problem, alpha: 1, accumulate: undefined })}${batch > 1 ? '/batched' : ''}`, { batch, m, n, k }];
    }
    case 'conv2d': {
      const { batch, channels, filters, groups, vertical, horizontal } = problem;
      const grouping = groups === 1 ? 'dense' : groups === channels ? 'depthwise' : 'grouped';
      const sizes = { batch, channels, filters, groups, height: vertical.size, width: horizontal.size };
      return [`${conv2dVariant(problem)}/${grouping}/${axisText(vertical)}x${axisText(horizontal)}`, sizes];
    }
    case 'pool2d': {
      const { planes, vertical, horizontal } = problem;
      return [
        `${pool2dVariant(problem)}/${axisText(vertical)}x${axisText(horizontal)}`,
        { planes, height: vertical.size, width: horizontal.size },
      ];
    }
    case 'pointwise':
      return [`${pointwiseVariant(problem)}/r${problem.shape.length}`, dimensions(problem.shape)];
    case 'reduce': {
      const { outer, reduced, inner } = problem;
      return [reduceVariant(problem), { outer, reduced, inner }];
    }
    case 'moments':
      return [momentsVariant(problem), { outer: problem.outer, channels: problem.channels, inner: problem.inner }];
    case 'softmax':
      return [softmaxVariant(problem), { rows: problem.rows, columns: problem.columns }];
    case 'copy': {
      // The order in which the source is walked is what its strides come to: 021 for a transposition of the inner two.
      const { from, shape, elementBytes } = problem;
      const order = shape.map((_, d) => d).sort((a, b) => from.strides[b] - from.strides[a]);
      const repeats = from.strides.map((stride) => (stride === 0 ? 'r' : '-')).join('');
      return [`${elementBytes}/${order.join('')}/${repeats}`, dimensions(shape)];
    }
    case 'gather':
    case 'scatterAdd':
      return [problem.op === 'gather' ? problem.dtype : 'f32', { rows: problem.rows, width: problem.width, count: problem.count }];
    case 'random':
      return [randomVariant(problem), { elements: problem.elements }];
    case 'fma':
      return ['f32', { length: problem.length, threads: problem.threads }];
    case 'stream':
      return [problem.access, { bytes: problem.bytes }];
  }
}

/** How far apart two problems of one class are; Infinity for those of two. */
export function distance(a: Place, b: Place): number {
  if (a.class !== b.class) return Number.POSITIVE_INFINITY;
  let [squares, ragged] = [0, 0];
  for (const [name, size] of Object.entries(a.sizes)) {
    const other = b.sizes[name];
    squares += Math.log(size / other) ** 2;
    if ((size % ALIGNMENT === 0) !== (other % ALIGNMENT === 0)) ragged += RAGGED;
  }
  return Math.sqrt(squares) + Math.abs(Math.log(intensity(a) / intensity(b))) + ragged;
}

const intensity = ({ sizes, bytes }: Place): number => Object.values(sizes).reduce((product, size) => product * size, 1) / bytes;

/** The bucket of a problem: its class with each size rounded up to a power of √2. Problems of a bucket are tuned once. */
export function bucketKey(problem: Problem): string {
  const { class: name, sizes } = placeOf(problem);
  const steps = Object.values(sizes).map((size) => Math.ceil(2 * Math.log2(size) - 1e-9) + (size % ALIGNMENT === 0 ? '' : 'r'));
  return `${name}/${steps.join('.')}`;
}
