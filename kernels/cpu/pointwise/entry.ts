// What the code of a pointwise kernel is called with: its inputs as it sees them, its arguments, and how often the value of a step changes.

import type { Step } from '../../expression.ts';
import type { Entry } from '../../kernel.ts';
import { loopShape } from '../../pointwise.ts';
import { type Access, accessOf, type PointwiseProblem, pointwiseOperands } from '../../problems/pointwise.ts';

/** An input as the code sees it. */
export interface Operand {
  readonly access: Access;
  readonly dtype: PointwiseProblem['dtype'];
  /** The buffer it is read from. */
  readonly buffer: string;
}

export const sourcesOf = (problem: PointwiseProblem): Operand[] =>
  problem.inputs.map((input, i) => ({
    access: accessOf(problem, input),
    dtype: input.dtype,
    buffer: i === problem.inPlace ? 'out' : `x${i}`,
  }));

export const hasStrides = (access: Access): boolean => access !== 'flat' && access !== 'scalar';

export const isStrided = (problem: PointwiseProblem): boolean => problem.inputs.some((input) => accessOf(problem, input) === 'strided');

/** `offset0`; for inputs with strides of their own `stride0_0`, ..; `step0` along the last dimension where it is neither 0 nor 1. All in bytes. */
export function entryOf(problem: PointwiseProblem): Entry {
  const outer = loopShape(problem).length - 1;
  const numbers = sourcesOf(problem).flatMap(({ access }, i) => [
    `offset${i}`,
    ...(hasStrides(access) ? Array.from({ length: outer }, (_, d) => `stride${i}_${d}`) : []),
    ...(access === 'strided' ? [`step${i}`] : []),
  ]);
  const sizes = Array.from({ length: outer }, (_, d) => `size${d}`);
  return {
    buffers: Object.keys(pointwiseOperands(problem)).map((name) => ({ name, access: name === 'out' ? 'write' : 'read' })),
    arguments: [
      ...['rows', 'columns', 'rowsPerTask', 'pieces', 'piece', ...sizes, ...numbers].map((name) => ({ name, type: 'u32' as const })),
      ...problem.scalars.map((_, i) => ({ name: `scalar${i}`, type: 'f32' as const })),
    ],
  };
}

/** How often a step's value changes. */
export type Rate = 'task' | 'row' | 'element';

/** What depends on broadcast inputs alone is computed once for all that it is repeated over: normalisation's 1 / √(variance + ε), say. */
export function ratesOf(steps: readonly Step[], sources: readonly Operand[]): Rate[] {
  const rates: Rate[] = [];
  for (const { kind, value, operands } of steps) {
    const access = kind === 'input' ? sources[value].access : undefined;
    const own: Rate = access === undefined || access === 'scalar' ? 'task' : access === 'repeat' ? 'row' : 'element';
    const all = [own, ...operands.map((operand) => rates[operand])];
    rates.push(all.includes('element') ? 'element' : all.includes('row') ? 'row' : 'task');
  }
  return rates;
}
