// Fusing: a chain of pointwise stages becomes one kernel, so that what is between them is never stored.
//
// The same f32 operations are done in the same order; a result differs from the unfused one at most by what a WGSL compiler contracts, 1e-6 of its size.

import { type Expression, stepsOf } from '../../kernels/expression.ts';
import { type PointwiseProblem, type Problem, pointwise } from '../../kernels/index.ts';
import type { Layout, Spec } from '../layout.ts';
import { broadcastStrides, denseStrides, equalShapes, type Shape } from '../shape.ts';
import { lasting } from './memory.ts';
import type { KernelStage, Program, Stage, Value } from './program.ts';

type PointwiseInput = PointwiseProblem['inputs'][number];

/** A pointwise stage before neighbouring dimensions are merged: one stride a dimension of the output, for each input x0, x1, .. */
export interface Elementwise {
  readonly shape: Shape;
  readonly inputs: readonly PointwiseInput[];
}

/** Whether an input runs as the output does: element by element, from the start of its value. */
export const runsAsOutput = ({ shape, inputs }: Elementwise, i: number): boolean =>
  inputs[i].offset === 0 && `${inputs[i].strides}` === `${denseStrides(shape)}`;

/** Distinct operations of one kernel: long before it, what is stored between kernels costs less than what is computed in them. */
const MOST_STEPS = 64;

/** Whether the device has a kernel for a problem. */
export type IsPossible = (problem: Problem) => boolean;

/** How a problem's operands run through the output's shape; undefined for a problem that is not the pointwise one of its operands' layouts. */
export function elementwiseOf(
  problem: Problem,
  { shape }: Spec,
  bind: Readonly<Record<string, number>>,
  layouts: readonly (Layout | number)[],
): Elementwise | undefined {
  if (problem.op !== 'pointwise') return undefined;
  const inputs = problem.inputs.map((_, i): PointwiseInput | undefined => {
    const layout = layouts[bind[`x${i}`]];
    if (typeof layout !== 'object') return undefined;
    return { dtype: layout.dtype, strides: broadcastStrides(layout.shape, layout.strides, shape), offset: layout.offset };
  });
  if (inputs.includes(undefined)) return undefined;
  const found = { shape, inputs: inputs as PointwiseInput[] };
  const again = pointwise({ ...problem, ...found });
  const text = ({ shape, inputs }: PointwiseProblem) => JSON.stringify([shape, inputs]);
  return text(again) === text(problem) ? found : undefined;
}

/** `expression` with other leaves in place of its inputs and scalars; shared branches stay shared. */
function substitute(expression: Expression, leaf: (branch: Expression) => Expression): Expression {
  const known = new Map<Expression, Expression>();
  const visit = (branch: Expression): Expression => {
    let found = known.get(branch);
    if (!found) {
      const isLeaf = branch.kind === 'input' || branch.kind === 'scalar';
      found = isLeaf ? leaf(branch) : branch.operands.length === 0 ? branch : { ...branch, operands: branch.operands.map(visit) };
      known.set(branch, found);
    }
    return found;
  };
  return visit(expression);
}

/** A stage that does `producer` and then `consumer`, whose input number `at` it is; undefined where that is too much for one kernel. */
function merged(producer: KernelStage, consumer: KernelStage, at: number, isPossible: IsPossible): KernelStage | undefined {
  const { shape } = consumer.elementwise!;
  const inputs: PointwiseInput[] = [];
  const values: Value[] = [];
  /** The number of an input of either stage in the merged one. */
  const numberOf = (stage: KernelStage, index: number): number => {
    const [input, value] = [stage.elementwise!.inputs[index], stage.bind[`x${index}`]];
    const isSame = (other: PointwiseInput, i: number) =>
      values[i] === value && other.offset === input.offset && `${other.strides}` === `${input.strides}`;
    const found = inputs.findIndex(isSame);
    if (found >= 0) return found;
    values.push(value);
    return inputs.push(input) - 1;
  };
  const [inner, outer] = [producer.problem, consumer.problem] as [PointwiseProblem, PointwiseProblem];
  const renumbered = (stage: KernelStage, scalars: number) => (branch: Expression) =>
    branch.kind === 'scalar' ? { ...branch, value: branch.value + scalars } : { ...branch, value: numberOf(stage, branch.value) };
  const first = substitute(inner.expression, renumbered(producer, 0));
  const second = renumbered(consumer, inner.scalars.length);
  const expression = substitute(outer.expression, (branch) => (branch.kind === 'input' && branch.value === at ? first : second(branch)));
  const problem = pointwise({ shape, inputs, expression, scalars: [...inner.scalars, ...outer.scalars], dtype: outer.dtype });
  if (stepsOf(expression).length > MOST_STEPS || !isPossible(problem)) return undefined;
  const bind = Object.fromEntries(values.map((value, i) => [`x${i}`, value]));
  return {
    nodes: [...producer.nodes, ...consumer.nodes],
    problem,
    bind: { ...bind, out: consumer.bind.out },
    elementwise: { shape, inputs },
  };
}

/** The one input of `consumer` that is all of what `producer` computes; -1 where there is none. */
function inputFrom(producer: KernelStage, consumer: KernelStage): number {
  const [from, to] = [producer.elementwise!, consumer.elementwise!];
  const { dtype } = producer.problem as PointwiseProblem;
  // Storing as f16 or u8 rounds or wraps, which a fused chain would leave out.
  if (dtype === 'f16' || dtype === 'u8' || !equalShapes(from.shape, to.shape)) return -1;
  const uses = to.inputs.flatMap((_, i) => (consumer.bind[`x${i}`] === producer.bind.out ? [i] : []));
  return uses.length === 1 && runsAsOutput(to, uses[0]) ? uses[0] : -1;
}

/** Fuses the pointwise chains of a program; `count` is told how many stages went away. */
export function fusePointwise(program: Program, isPossible: IsPossible, count: (gone: number) => void): Program {
  const kept = lasting(program);
  const readers = new Map<Value, Set<Stage>>();
  const isReader = (value: Value, stage: Stage) => readers.set(value, (readers.get(value) ?? new Set()).add(stage));
  for (const stage of program.stages) for (const value of Object.values(stage.bind)) isReader(value, stage);
  const stages = new Set<Stage>();
  for (let stage of program.stages) {
    for (const producer of stage.elementwise ? [...new Set(Object.values(stage.bind))].flatMap((value) => writerOf(value)) : []) {
      if (stage.control) continue;
      const at = inputFrom(producer, stage);
      const both = at < 0 ? undefined : merged(producer, stage, at, isPossible);
      if (!both) continue;
      stages.delete(producer);
      for (const value of new Set([...Object.values(stage.bind), ...Object.values(producer.bind)])) {
        readers.get(value)!.delete(producer);
        readers.get(value)!.delete(stage);
      }
      stage = both;
      for (const value of Object.values(stage.bind)) isReader(value, stage);
      count(1);
    }
    stages.add(stage);
  }
  return { ...program, stages: [...stages] };

  /** The stage that computes a value for one other stage and nobody else. */
  function writerOf(value: Value): KernelStage[] {
    const users = readers.get(value)!;
    if (kept.has(value) || users.size !== 2) return [];
    return [...users].flatMap((user) => (user.elementwise && user.bind.out === value && stages.has(user) ? [user] : []));
  }
}
