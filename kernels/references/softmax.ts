// Softmax and its gradient in float64, with a bound on what a kernel may be off by.

import type { SoftmaxProblem } from '../problems/softmax.ts';
import type { Bounded } from './pointwise.ts';

/** Roundings of a sum that is kept in f32 by a thread, in units of 2^-24 of its magnitudes; of exp, in units in the last place, for arguments of this problem. */
const SUM = 300 * 2 ** -24;
const EXP = 64 * 2 ** -23;

/** The results of row `row`, and what each may be off by. */
export function softmaxRow(problem: SoftmaxProblem, operands: Readonly<Record<string, ArrayLike<number>>>, row: number): Bounded[] {
  const { pass, log, columns } = problem;
  const rowOf = (name: string) => Array.from({ length: columns }, (_, i) => operands[name][row * columns + i]);
  const total = (terms: readonly number[]) => terms.reduce((sum, term) => sum + term, 0);
  if (pass === 'forward') {
    const x = rowOf('x');
    const largest = x.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    const sum = total(x.map((value) => Math.exp(value - largest)));
    return x.map((value) => {
      // The difference is rounded before it is an exponent.
      const low = value - largest;
      const relative = EXP + SUM + 2 ** -23 * Math.abs(low);
      const y = Math.exp(low) / sum;
      const logarithm = low - Math.log(sum);
      return log ? { value: logarithm, error: EXP + SUM + 2 ** -22 * Math.abs(logarithm) } : { value: y, error: relative * y + 2 ** -125 };
    });
  }
  const [y, g] = [rowOf('y'), rowOf('g')];
  const terms = g.map((value, i) => (log ? value : value * y[i]));
  const magnitude = total(terms.map(Math.abs));
  return y.map((value, i) => {
    const factor = log ? Math.exp(value) : value;
    const result = log ? g[i] - factor * total(terms) : factor * (g[i] - total(terms));
    return { value: result, error: (SUM + EXP) * factor * (magnitude + Math.abs(g[i])) + 2 ** -22 * Math.abs(result) + 2 ** -125 };
  });
}
