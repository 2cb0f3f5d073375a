// The oracle compares results with what the float64 reference says they should be: the contract's `max_rel_err`, and the 2-norm of the errors.

import type { Values } from '../kernels/dtype.ts';
import type { Problem } from '../kernels/problem.ts';
import { type Expected, expectations, type OracleOptions } from './expectations.ts';
import { ArmFailure } from './protocol.ts';

/** How far results lie from what they should be. */
export interface Accuracy {
  /** The largest error as a share of its scale: the contract's `max_rel_err`. */
  readonly maxRelErr: number;
  /** The 2-norm of the errors over the 2-norm of the results that are right, over the elements that were checked. */
  readonly err2norm: number;
}

/** How accurate `results` are; undefined where there is nothing to compare with. Throws an ArmFailure 'wrong' with the first wrong element. */
export function checkResults(
  problem: Problem,
  inputs: Readonly<Record<string, Values>>,
  results: Readonly<Record<string, Values>>,
  options: OracleOptions,
): Accuracy | undefined {
  const expected = expectations(problem, inputs, options);
  return expected && compare(expected, results);
}

const same = (got: number, value: number): boolean => Object.is(got, value) || got === value;

/** Compares the results with what was expected of some of their elements. Throws an ArmFailure 'wrong' with the first wrong one. */
export function compare(expected: Iterable<Expected>, results: Readonly<Record<string, Values>>): Accuracy {
  let [worst, worstAbsolute, largest, errors, squares] = [0, 0, 0, 0, 0];
  for (const element of expected) {
    const { result, index, value, tolerance, scale } = element;
    const got = results[result][index];
    const off = same(got, value) ? 0 : Math.abs(got - value);
    if (tolerance !== Infinity && !(off <= tolerance)) throw new ArmFailure('wrong', complaint(element, got, off));
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

function complaint({ result, index, value, tolerance, scale }: Expected, got: number, off: number): string {
  const share = scale === undefined ? '' : `, off by ${(off / scale).toExponential(2)} of its scale`;
  return `element ${index} of ${result} is ${got}, expected ${value} within ${tolerance.toExponential(2)}${share}`;
}
