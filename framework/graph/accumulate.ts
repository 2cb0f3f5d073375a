// Updates by a product: where a variable changes by a matrix product and nothing else, as in plain descent on a weight, the product's kernel adds to the
// variable. The gradient is never stored.
//
//   g = xᵀ·d;  w -= rate · g        becomes        w += -rate · xᵀ·d
//
// The product is summed before it is added, so that small changes of large weights are not lost; the result differs from the other by that rounding.

import type { Expression } from '../../kernels/expression.ts';
import type { MatmulProblem, PointwiseProblem } from '../../kernels/index.ts';
import { runsAsOutput } from './fuse.ts';
import { lasting, writtenBy } from './memory.ts';
import type { KernelStage, Program, Stage, Value } from './program.ts';

/** A change of a variable in place by a factor times one other operand. */
interface Change {
  readonly variable: Value;
  readonly by: Value;
  readonly factor: number;
}

/** The input and the factor of `x`, `x · c` or `c · x`. */
function scaledInput(term: Expression, scalars: readonly number[]): { input: number; factor: number } | undefined {
  if (term.kind === 'input') return { input: term.value, factor: 1 };
  if (term.kind !== 'mul') return undefined;
  const [input] = term.operands.filter(({ kind }) => kind === 'input');
  const [number] = term.operands.filter(({ kind }) => kind === 'constant' || kind === 'scalar');
  if (!input || !number) return undefined;
  return { input: input.value, factor: number.kind === 'scalar' ? scalars[number.value] : number.value };
}

/** What a stage changes, if it does `out ± factor · input` and both lie alike. */
function changeOf({ problem, bind, elementwise }: Stage): Change | undefined {
  if (problem?.op !== 'pointwise' || problem.inPlace === undefined || problem.dtype !== 'f32' || !elementwise) return undefined;
  const { expression, scalars, inPlace } = problem as PointwiseProblem;
  const [old, term] = expression.operands;
  if ((expression.kind !== 'add' && expression.kind !== 'sub') || old.kind !== 'input' || old.value !== inPlace) return undefined;
  const found = scaledInput(term, scalars);
  if (!found || found.input === inPlace || !runsAsOutput(elementwise, found.input)) return undefined;
  return { variable: bind.out, by: bind[`x${found.input}`], factor: expression.kind === 'sub' ? -found.factor : found.factor };
}

/** Whether a kernel as good as the product's own adds to what is there. */
export type IsAsGood = (product: MatmulProblem, sum: MatmulProblem) => boolean;

/** The one stage that computes what a change is by, where it is a plain product and nobody else needs it. */
function productOf({ by }: Change, stages: readonly Stage[]): KernelStage | undefined {
  const users = stages.filter(({ bind }) => Object.values(bind).includes(by));
  const product = users.find(({ problem, bind }) => problem?.op === 'matmul' && bind.C === by) as KernelStage | undefined;
  if (!product || users.length !== 2) return undefined;
  const { dtype, epilogue, accumulate } = product.problem as MatmulProblem;
  return dtype === 'f32' && !epilogue.bias && !epilogue.relu && !accumulate ? product : undefined;
}

/**
 * The stages with one for `product` and `update`, as soon as nobody reads the variable's old value any more; undefined where what the product reads is gone
 * by then, or is the variable.
 */
function joined(stages: readonly Stage[], product: KernelStage, update: Stage, sum: KernelStage): Stage[] | undefined {
  const { C: variable, ...factors } = sum.bind;
  const [from, to] = [stages.indexOf(product), stages.indexOf(update)];
  const lastRead = stages.findLastIndex(({ bind }, at) => at < to && Object.values(bind).includes(variable));
  const end = Math.max(from, lastRead) + 1;
  const between = stages.slice(from + 1, end);
  const isFactor = (value: Value): boolean => Object.values(factors).includes(value);
  if (isFactor(variable) || between.some((stage) => writtenBy(stage).some(isFactor))) return undefined;
  return [...stages.slice(0, from), ...between, sum, ...stages.slice(end)].filter((stage) => stage !== update);
}

/** Moves updates into the products that they are made of; `count` is told how many. */
export function accumulateProducts(program: Program, isAsGood: IsAsGood, count: (updates: number) => void): Program {
  let stages = program.stages;
  const kept = lasting(program);
  for (const update of program.stages) {
    const change = changeOf(update);
    const product = change && !kept.has(change.by) ? productOf(change, stages) : undefined;
    if (!change || !product) continue;
    const plain = product.problem as MatmulProblem;
    const problem: MatmulProblem = { ...plain, alpha: plain.alpha * change.factor, accumulate: true };
    const sum = { nodes: [...product.nodes, ...update.nodes], problem, bind: { ...product.bind, C: change.variable } };
    const next = isAsGood(plain, problem) ? joined(stages, product, update, sum) : undefined;
    if (!next) continue;
    stages = next;
    count(1);
  }
  return { ...program, stages };
}
