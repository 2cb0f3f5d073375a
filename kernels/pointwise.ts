// What every pointwise kernel has in common, whatever its device: facts, cost, and what of the problem the code depends on.

import { bytesPerElement } from './dtype.ts';
import { flopsOf, textOf } from './expression.ts';
import type { Cost } from './kernel.ts';
import { accessOf, elementCount, type PointwiseProblem, pointwiseOperands } from './problems/pointwise.ts';

export const pointwiseFacts = (problem: PointwiseProblem): Record<string, number> => ({
  elements: elementCount(problem.shape),
  rank: problem.shape.length,
  inputs: problem.inputs.length,
});

/** Operations by the expression; each operand's elements read once and the output written once. */
export function pointwiseCost(problem: PointwiseProblem): Cost {
  const elements = elementCount(problem.shape);
  const { direct, executed } = flopsOf(problem.expression);
  const operands = Object.values(pointwiseOperands(problem));
  const bytes = operands.reduce((sum, { elements, dtype }) => sum + elements * bytesPerElement(dtype), 0);
  const again = problem.inPlace === undefined ? 0 : elements * bytesPerElement(problem.dtype);
  return { flops: direct * elements, executedFlops: executed * elements, bytes: bytes + again, ...(again > 0 && { footprint: bytes }) };
}

/** `f32<-f32:flat,u8:row/r2/exp(#0)`: dtypes and access of the operands, the merged rank where it matters, the expression. */
export function pointwiseVariant(problem: PointwiseProblem): string {
  const accesses = problem.inputs.map((input) => accessOf(problem, input));
  const inputs = problem.inputs.map(({ dtype }, i) => `${dtype}:${accesses[i]}${i === problem.inPlace ? '!' : ''}`);
  const isFlat = accesses.every((access) => access === 'flat' || access === 'scalar');
  return `${problem.dtype}<-${inputs.join()}/${isFlat ? '' : `r${problem.shape.length}/`}${textOf(problem.expression)}`;
}

/** The shape that code for a problem loops over: one dimension where nothing has strides of its own. */
export const loopShape = (problem: PointwiseProblem): readonly number[] =>
  problem.inputs.some((input) => ['row', 'repeat', 'strided'].includes(accessOf(problem, input)))
    ? problem.shape
    : [elementCount(problem.shape)];
