// Expectations are what elements of a problem's results should be: all of them at small sizes, edges and 256 seeded ones at large sizes. One function an op.

import { correlationOf, termsOf } from '../kernels/correlation.ts';
import type { Values } from '../kernels/dtype.ts';
import type { DeviceKind } from '../kernels/kernel.ts';
import { randomReference } from '../kernels/philox.ts';
import {
  type Conv2dProblem,
  type CopyProblem,
  type GatherProblem,
  type MatmulProblem,
  type MomentsProblem,
  operandExtents,
  type PointwiseProblem,
  type Pool2dProblem,
  type Problem,
  type RandomProblem,
  type ReduceProblem,
  resultNames,
  type ScatterAddProblem,
  type SoftmaxProblem,
} from '../kernels/problem.ts';
import { seededRandom } from '../kernels/random.ts';
import { matmulBound, matmulElement, sampledIndices } from '../kernels/reference.ts';
import { conv2dElement } from '../kernels/references/conv2d-element.ts';
import { momentsOf } from '../kernels/references/moments.ts';
import { pointwiseElement } from '../kernels/references/pointwise.ts';
import { pool2dReference } from '../kernels/references/pool2d.ts';
import { reduceElement } from '../kernels/references/reduce.ts';
import { softmaxRow } from '../kernels/references/softmax.ts';

/** One element that is checked. */
export interface Expected {
  readonly result: string;
  readonly index: number;
  readonly value: number;
  /** How far from `value` it may lie; NaN and infinities must be met. */
  readonly tolerance: number;
  /** What its error is a share of; the largest magnitude of the result where the op has no scale of its own. */
  readonly scale?: number;
}

export interface OracleOptions {
  readonly device: DeviceKind;
  readonly seed: number;
  /** How many times the bound of plain sums a kernel that loses accuracy may reach; 1 if absent. */
  readonly errorFactor?: number;
  /** Whether edges and seeded elements are enough, however small the problem is. */
  readonly sampled?: boolean;
}

type Operands = Readonly<Record<string, Values>>;

/** Results are checked whole up to this many terms of the reference; those of expressions are dearer. */
const CHECK_ALL_BELOW = 2 ** 21;
const DEARER = 16;
/** Planes of a pooled image that are checked, each of them whole. */
const PLANES = 8;
/** Elements from the start of a random result that are checked: any part has its numbers by itself. */
const DRAWS = 4096;

/** What the results of `problem` should be, from its operands as stored; undefined for the loops of the roof, which have no result. */
export function expectations(problem: Problem, operands: Operands, options: OracleOptions): Iterable<Expected> | undefined {
  switch (problem.op) {
    case 'matmul':
      return ofMatmul(problem, operands, options);
    case 'conv2d':
      return ofConv2d(problem, operands, options);
    case 'pool2d':
      return ofPool2d(problem, operands, options);
    case 'pointwise':
      return ofPointwise(problem, operands, options);
    case 'reduce':
      return ofReduce(problem, operands, options);
    case 'moments':
      return ofMoments(problem, operands, options);
    case 'softmax':
      return ofSoftmax(problem, operands, options);
    case 'copy':
      return ofCopy(problem, operands, options);
    case 'gather':
      return ofGather(problem, operands, options);
    case 'scatterAdd':
      return ofScatterAdd(problem, operands, options);
    case 'random':
      return ofRandom(problem);
    case 'fma':
    case 'stream':
      return undefined;
  }
}

interface Extents {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
}

const matrix = (m: number, n: number): Extents => ({ batch: 1, m, n });
const rowsOf = (shape: readonly number[]): Extents =>
  matrix(
    shape.slice(0, -1).reduce((rows, size) => rows * size, 1),
    shape[shape.length - 1],
  );

/** The elements to check of a result of [batch, m, n], each of which takes the reference `terms` steps. */
function chosen(extents: Extents, terms: number, { seed, sampled }: OracleOptions): number[] {
  const elements = extents.batch * extents.m * extents.n;
  const all = !sampled && elements * terms <= CHECK_ALL_BELOW;
  return all ? Array.from({ length: elements }, (_, i) => i) : sampledIndices(extents, seededRandom(seed));
}

function ofMatmul(problem: MatmulProblem, operands: Operands, options: OracleOptions): Expected[] {
  const bound = (options.errorFactor ?? 1) * matmulBound(problem);
  return chosen(problem, problem.k, options).map((index) => {
    const { value, scale } = matmulElement(problem, operands, index);
    return { result: 'C', index, value, scale, tolerance: bound * scale };
  });
}

function ofConv2d(problem: Conv2dProblem, operands: Operands, options: OracleOptions): Expected[] {
  const correlation = correlationOf(problem);
  const { result, a, b, vertical, horizontal } = correlation;
  const bound = (options.errorFactor ?? 1) * (termsOf(correlation) + 4) * 2 ** -23;
  return chosen({ batch: a * b, m: vertical.positions, n: horizontal.positions }, termsOf(correlation), options).map((index) => {
    const { value, scale } = conv2dElement(problem, operands, index);
    return { result, index, value, scale, tolerance: bound * scale };
  });
}

/** Planes are independent: a few of them, whole, the first and the last among them. */
function* ofPool2d(problem: Pool2dProblem, operands: Operands, { seed }: OracleOptions): Generator<Expected> {
  const { kind, pass, planes, vertical, horizontal } = problem;
  const random = seededRandom(seed);
  const picked = [0, planes - 1, ...Array.from({ length: PLANES - 2 }, () => Math.floor(random() * planes))];
  const names = resultNames(problem);
  const extents = operandExtents(problem);
  const partOf = (name: string): number => extents[name].elements / planes;
  // A rounding for each addition and for the division; maxima and their places are exact.
  const tolerance = kind === 'max' && pass === 'forward' ? 0 : vertical.window * horizontal.window * 2 ** -21;
  for (const plane of new Set(picked)) {
    const inputs = Object.entries(operands).filter(([name]) => !names.includes(name));
    const slices = inputs.map(([name, values]) => [name, values.subarray(plane * partOf(name), (plane + 1) * partOf(name))]);
    const expected = pool2dReference({ ...problem, planes: 1 }, Object.fromEntries(slices));
    for (const [result, values] of Object.entries(expected))
      for (const [at, value] of values.entries()) yield { result, index: plane * partOf(result) + at, value, tolerance };
  }
}

const ofOut = (index: number, value: number, tolerance = 0): Expected => ({ result: 'out', index, value, tolerance });

function ofPointwise(problem: PointwiseProblem, operands: Operands, options: OracleOptions): Expected[] {
  const inputs = problem.inputs.map((_, i) => operands[i === problem.inPlace ? 'out' : `x${i}`]);
  return chosen(rowsOf(problem.shape), DEARER, options).map((index) => {
    const { value, error } = pointwiseElement(problem, inputs, options.device, index);
    return ofOut(index, value, error);
  });
}

function ofReduce(problem: ReduceProblem, { x0 }: Operands, options: OracleOptions): Expected[] {
  return chosen(matrix(problem.outer, problem.inner), DEARER * problem.reduced, options).map((index) => {
    const { value, error } = reduceElement(problem, x0, options.device, index);
    return ofOut(index, value, error);
  });
}

function ofMoments(problem: MomentsProblem, operands: Operands, options: OracleOptions): Expected[] {
  const { pass, outer, channels, inner } = problem;
  const result = pass === 'forward' ? 'moments' : 'sums';
  return chosen(matrix(1, channels), DEARER * outer * inner, options).flatMap((c) =>
    momentsOf(problem, operands, c).map(({ value, error }, which) => ({ result, index: which * channels + c, value, tolerance: error })),
  );
}

/** Rows, whole. */
function ofSoftmax(problem: SoftmaxProblem, operands: Operands, options: OracleOptions): Expected[] {
  const { pass, rows, columns } = problem;
  const result = pass === 'forward' ? 'y' : 'inputGrad';
  return chosen(matrix(1, rows), DEARER * columns, options).flatMap((row) =>
    softmaxRow(problem, operands, row).map(({ value, error }, i) => ({ result, index: row * columns + i, value, tolerance: error })),
  );
}

function ofCopy({ shape, from, to }: CopyProblem, { x0 }: Operands, options: OracleOptions): Expected[] {
  return chosen(rowsOf(shape), 1, options).map((flat) => {
    let [source, target, rest] = [from.offset, to.offset, flat];
    for (let d = shape.length - 1; d >= 0; d--) {
      const at = rest % shape[d];
      rest = Math.floor(rest / shape[d]);
      source += at * from.strides[d];
      target += at * to.strides[d];
    }
    return ofOut(target, x0[source]);
  });
}

function ofGather({ rows, width, count }: GatherProblem, { table, indices }: Operands, options: OracleOptions): Expected[] {
  return chosen(matrix(count, width), 1, options).map((index) => {
    const row = indices[Math.floor(index / width)];
    return ofOut(index, row >= 0 && row < rows ? table[row * width + (index % width)] : 0);
  });
}

/** In f32, as the op is defined: additions in order of the indices have one right result. */
function ofScatterAdd({ rows, width, count }: ScatterAddProblem, { x0, indices }: Operands, options: OracleOptions): Expected[] {
  return chosen(matrix(rows, width), count, options).map((index) => {
    let value = 0;
    for (let i = 0; i < count; i++)
      if (indices[i] === Math.floor(index / width)) value = Math.fround(value + x0[i * width + (index % width)]);
    return ofOut(index, value);
  });
}

/** Normal numbers are within 8 units in the last place of their radius; all others are exact. */
function ofRandom(problem: RandomProblem): Expected[] {
  const bound = problem.distribution === 'normal' ? 2 ** -20 : 0;
  const values = randomReference({ ...problem, elements: Math.min(problem.elements, DRAWS) });
  return values.map((value, index) => ofOut(index, value, bound * Math.max(1, Math.abs(value))));
}
