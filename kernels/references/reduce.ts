// Reductions in float64, with a bound on what a kernel may be off by.

import type { DeviceKind } from '../kernel.ts';
import type { ReduceProblem } from '../problems/reduce.ts';
import { type Bounded, evaluate } from './pointwise.ts';

/**
 * Roundings that a term of a sum may go through, in units of 2^-24 of the sum of magnitudes: on the CPU sums are kept in f64 and rounded once; on WebGPU
 * a thread adds some hundred terms one after another, and then come trees.
 */
const SUM_ROUNDINGS: Record<DeviceKind, number> = { cpu: 2 ** -20, webgpu: 600 };

/** Element `flat` of the output, row-major over [outer, inner]. An index is exact unless another element comes as close as its error. */
export function reduceElement(problem: ReduceProblem, x0: ArrayLike<number>, device: DeviceKind, flat: number): Bounded {
  const { reduced, inner, expression } = problem;
  const first = Math.floor(flat / inner) * reduced * inner + (flat % inner);
  const terms = Array.from({ length: reduced }, (_, r) => evaluate({ expression, scalars: [] }, [x0[first + r * inner]], device));
  return foldTerms(problem, terms, device);
}

/** Every element of the output. */
export function* reduceReference(problem: ReduceProblem, x0: ArrayLike<number>, device: DeviceKind): Generator<Bounded> {
  for (let flat = 0; flat < problem.outer * problem.inner; flat++) yield reduceElement(problem, x0, device, flat);
}

function foldTerms({ fold, dtype }: ReduceProblem, terms: readonly Bounded[], device: DeviceKind): Bounded {
  const error = terms.reduce((most, term) => Math.max(most, term.error), 0);
  if (fold === 'sum' || fold === 'mean') {
    const count = fold === 'mean' ? terms.length : 1;
    const value = terms.reduce((total, term) => total + term.value, 0) / count;
    if (dtype === 'i32') return { value: value | 0, error: 0 };
    const magnitude = terms.reduce((total, term) => total + Math.abs(term.value), 0) / count;
    const roundings = SUM_ROUNDINGS[device] * 2 ** -24 * magnitude + 2 ** -23 * Math.abs(value) + 2 ** -149;
    return { value, error: (error * terms.length) / count + roundings };
  }
  const sign = fold.endsWith('max') ? 1 : -1;
  const beats = (a: number, b: number) => (Number.isNaN(a) ? !Number.isNaN(b) : sign * a > sign * b);
  const best = terms.reduce((winner, term, at) => (beats(term.value, terms[winner].value) ? at : winner), 0);
  if (fold === 'max' || fold === 'min') return { value: terms[best].value, error };
  const contested = error > 0 && terms.some(({ value }, at) => at !== best && Math.abs(value - terms[best].value) <= 2 * error);
  return { value: best, error: contested ? Infinity : 0 };
}
