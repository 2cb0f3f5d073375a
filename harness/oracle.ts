// The oracle says what the results of a problem should be: the float64 reference, all of it at small sizes, edges and 256 seeded elements at large ones.

import { correlationOf, termsOf } from '../kernels/correlation.ts';
import type { Values } from '../kernels/dtype.ts';
import type { DeviceKind } from '../kernels/kernel.ts';
import { randomReference } from '../kernels/philox.ts';
import {
  type Conv2dProblem,
  type CopyProblem,
  type MatmulProblem,
  operandExtents,
  type Pool2dProblem,
  type Problem,
  resultNames,
} from '../kernels/problem.ts';
import { seededRandom } from '../kernels/random.ts';
import { matmulBound, matmulElement, sampledIndices } from '../kernels/reference.ts';
import { conv2dElement } from '../kernels/references/conv2d-element.ts';
import { pointwiseElement } from '../kernels/references/pointwise.ts';
import { pool2dReference } from '../kernels/references/pool2d.ts';
import { reduceElement } from '../kernels/references/reduce.ts';

export type OperandValues = Readonly<Record<string, Values>>;

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
}

/** Results are checked whole up to this many terms of the reference; pointwise and reduced ones are dearer. */
const CHECK_ALL_BELOW = 2 ** 21;
const DEARER = 16;
/** Planes of a pooled image that are checked whole. */
const PLANES = 8;

/** What the results of `problem` should be, from its operands as stored; undefined for the loops of the roof, which have no result. */
export function expectations(problem: Problem, operands: OperandValues, options: OracleOptions): Iterable<Expected> | undefined {
  const { device, seed } = options;
  switch (problem.op) {
    case 'matmul':
      return ofMatmul(problem, operands, options);
    case 'conv2d':
      return ofConv2d(problem, operands, options);
    case 'pool2d':
      return ofPool2d(problem, operands, seed);
    case 'pointwise': {
      const inputs = problem.inputs.map((_, i) => operands[i === problem.inPlace ? 'out' : `x${i}`]);
      const indices = chosen(rowsOf(problem.shape), DEARER, seed);
      return indices.map((index) => ({ result: 'out', index, ...tolerated(pointwiseElement(problem, inputs, device, index)) }));
    }
    case 'reduce': {
      const indices = chosen({ batch: 1, m: problem.outer, n: problem.inner }, DEARER * problem.reduced, seed);
      return indices.map((index) => ({ result: 'out', index, ...tolerated(reduceElement(problem, operands.x0, device, index)) }));
    }
    case 'copy':
      return ofCopy(problem, operands, seed);
    case 'gather': {
      const { table, indices } = operands;
      const { rows, width, count } = problem;
      return chosen({ batch: 1, m: count, n: width }, 1, seed).map((index) => {
        const row = indices[Math.floor(index / width)];
        return { result: 'out', index, value: row >= 0 && row < rows ? table[row * width + (index % width)] : 0, tolerance: 0 };
      });
    }
    case 'scatterAdd': {
      const { x0, indices } = operands;
      const { rows, width } = problem;
      return chosen({ batch: 1, m: rows, n: width }, indices.length, seed).map((index) => {
        let value = 0;
        // In f32, as the op is defined: additions in order of the indices have one right result.
        indices.forEach((row, i) => {
          if (row === Math.floor(index / width)) value = Math.fround(value + x0[i * width + (index % width)]);
        });
        return { result: 'out', index, value, tolerance: 0 };
      });
    }
    case 'random': {
      const bound = problem.distribution === 'normal' ? 2 ** -20 : 0;
      const some = { ...problem, elements: Math.min(problem.elements, 4096) };
      return randomReference(some).map((value, index) => ({
        result: 'out',
        index,
        value,
        tolerance: bound * Math.max(1, Math.abs(value)),
      }));
    }
    case 'fma':
    case 'stream':
      return undefined;
  }
}

const tolerated = ({ value, error }: { value: number; error: number }) => ({ value, tolerance: error });
const rowsOf = (shape: readonly number[]) => ({
  batch: 1,
  m: shape.slice(0, -1).reduce((rows, size) => rows * size, 1),
  n: shape[shape.length - 1],
});

/** The elements to check of a result of [batch, m, n], each of which takes the reference `terms` steps. */
function chosen(extents: { batch: number; m: number; n: number }, terms: number, seed: number): number[] {
  const elements = extents.batch * extents.m * extents.n;
  return elements * terms <= CHECK_ALL_BELOW ? Array.from({ length: elements }, (_, i) => i) : sampledIndices(extents, seededRandom(seed));
}

function ofMatmul(problem: MatmulProblem, operands: OperandValues, { seed, errorFactor = 1 }: OracleOptions): Expected[] {
  const bound = errorFactor * matmulBound(problem);
  return chosen(problem, problem.k, seed).map((index) => {
    const { value, scale } = matmulElement(problem, operands, index);
    return { result: 'C', index, value, scale, tolerance: bound * scale };
  });
}

/** The bound that a right kernel of plain f32 arithmetic meets, as a share of an element's scale. */
export const conv2dBound = (problem: Conv2dProblem): number => (termsOf(correlationOf(problem)) + 4) * 2 ** -23;

function ofConv2d(problem: Conv2dProblem, operands: OperandValues, { seed, errorFactor = 1 }: OracleOptions): Expected[] {
  const bound = errorFactor * conv2dBound(problem);
  const correlation = correlationOf(problem);
  const { result, a, b, vertical, horizontal } = correlation;
  return chosen({ batch: a * b, m: vertical.positions, n: horizontal.positions }, termsOf(correlation), seed).map((index) => {
    const { value, scale } = conv2dElement(problem, operands, index);
    return { result, index, value, scale, tolerance: bound * scale };
  });
}

/** Planes are independent: a few of them, whole, the first and the last among them. */
function* ofPool2d(problem: Pool2dProblem, operands: OperandValues, seed: number): Generator<Expected> {
  const { kind, planes, vertical, horizontal } = problem;
  const random = seededRandom(seed);
  const picked = [0, planes - 1, ...Array.from({ length: PLANES - 2 }, () => Math.floor(random() * planes))];
  const names = resultNames(problem);
  const extents = operandExtents(problem);
  // A rounding for each addition and for the division; maxima and their places are exact.
  const roundings = vertical.window * horizontal.window * 2 ** -21;
  for (const plane of new Set(picked)) {
    const partOf = (name: string): number => extents[name].elements / planes;
    const inputs = Object.entries(operands).filter(([name]) => !names.includes(name));
    const slices = inputs.map(([name, values]) => [name, values.subarray(plane * partOf(name), (plane + 1) * partOf(name))]);
    const expected = pool2dReference({ ...problem, planes: 1 }, Object.fromEntries(slices));
    for (const [result, values] of Object.entries(expected))
      for (const [at, value] of values.entries())
        yield {
          result,
          index: plane * partOf(result) + at,
          value,
          tolerance: kind === 'max' && problem.pass === 'forward' ? 0 : roundings,
        };
  }
}

function ofCopy({ shape, from, to }: CopyProblem, { x0 }: OperandValues, seed: number): Expected[] {
  return chosen(rowsOf(shape), 1, seed).map((flat) => {
    let [source, target, rest] = [from.offset, to.offset, flat];
    for (let d = shape.length - 1; d >= 0; d--) {
      const at = rest % shape[d];
      rest = Math.floor(rest / shape[d]);
      source += at * from.strides[d];
      target += at * to.strides[d];
    }
    return { result: 'out', index: target, value: x0[source], tolerance: 0 };
  });
}

/** How far results lie from what they should be. */
export interface Accuracy {
  /** The largest error as a share of its scale: the contract's `max_rel_err`. */
  readonly maxRelErr: number;
  /** The 2-norm of the errors over the 2-norm of the results that are right, over the elements that were checked. */
  readonly err2norm: number;
}

const same = (got: number, value: number): boolean => Object.is(got, value) || got === value;

/** Compares results with expectations. Returns what is wrong with the first element that is, as a line, or how accurate they are. */
export function compare(expected: Iterable<Expected>, results: OperandValues): Accuracy | string {
  let [worst, worstAbsolute, largest, errors, squares] = [0, 0, 0, 0, 0];
  for (const { result, index, value, tolerance, scale } of expected) {
    const got = results[result][index];
    const off = same(got, value) ? 0 : Math.abs(got - value);
    if (tolerance !== Infinity && !(off <= tolerance)) {
      const share = scale === undefined ? '' : `, off by ${(off / scale).toExponential(2)} of its scale`;
      return `element ${index} of ${result} is ${got}, expected ${value} within ${tolerance.toExponential(2)}${share}`;
    }
    if (!Number.isFinite(value) || !Number.isFinite(off)) continue;
    if (scale === undefined) worstAbsolute = Math.max(worstAbsolute, off);
    else if (off > 0) worst = Math.max(worst, off / scale);
    largest = Math.max(largest, Math.abs(value));
    errors += off * off;
    squares += value * value;
  }
  return {
    maxRelErr: Math.max(worst, worstAbsolute === 0 ? 0 : worstAbsolute / largest),
    err2norm: errors === 0 ? 0 : Math.sqrt(errors / squares),
  };
}
