// In-place updates: a pointwise stage that computes a variable's next value writes it over the old one, once nobody reads that any more.

import { type PointwiseProblem, pointwise } from '../../kernels/index.ts';
import { denseStrides } from '../shape.ts';
import type { Commit, KernelStage, Program, Stage, Value } from './program.ts';

/** The input that the stage may overwrite with its result; undefined where none is the variable as it lies. */
function inputToReplace({ elementwise, problem, bind }: Stage, variable: Value): number | undefined {
  if (!elementwise || problem?.op !== 'pointwise') return undefined;
  const uses = elementwise.inputs.flatMap((_, i) => (bind[`x${i}`] === variable ? [i] : []));
  const [first] = uses;
  if (uses.length !== 1 || elementwise.inputs[first].dtype !== problem.dtype) return undefined;
  const { strides, offset } = elementwise.inputs[first];
  return offset === 0 && `${strides}` === `${denseStrides(elementwise.shape)}` ? first : undefined;
}

/** The stage with its result in the place of input number `inPlace`. */
function replacing(stage: KernelStage, variable: Value, inPlace: number): KernelStage {
  const { [`x${inPlace}`]: _, ...bind } = stage.bind;
  return { ...stage, problem: pointwise({ ...(stage.problem as PointwiseProblem), inPlace }), bind: { ...bind, out: variable } };
}

/** Makes updates in place where nothing can tell; `count` is told how many. */
export function updateInPlace(program: Program, count: (updates: number) => void): Program {
  let stages = [...program.stages];
  let fetches = program.fetches;
  const isInPlace = ({ variable, value }: Commit): boolean => {
    const at = stages.findIndex(({ bind }) => bind.out === value);
    const inPlace = at < 0 ? undefined : inputToReplace(stages[at], variable);
    const isReadLater = stages.some(({ bind }, i) => i > at && Object.values(bind).includes(variable));
    if (inPlace === undefined || isReadLater || fetches.includes(variable)) return false;
    const moved = (each: Value): Value => (each === value ? variable : each);
    stages[at] = replacing(stages[at] as KernelStage, variable, inPlace);
    stages = stages.map((stage) => ({
      ...stage,
      bind: Object.fromEntries(Object.entries(stage.bind).map(([name, each]) => [name, moved(each)])),
    }));
    fetches = fetches.map(moved);
    count(1);
    return true;
  };
  const commits = program.commits.filter((commit) => !isInPlace(commit));
  return { ...program, stages, fetches, commits };
}
