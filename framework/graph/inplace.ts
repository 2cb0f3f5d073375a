// In-place kernels: a pointwise stage writes its result over an operand, once nobody reads that any more.
//
//   a variable whose next value it computes        the update needs no buffer of its own and no exchange
//   what another stage computed for it alone       half the memory is touched: what was just read is still in the caches

import { type PointwiseProblem, pointwise } from '../../kernels/index.ts';
import { type IsPossible, runsAsOutput } from './fuse.ts';
import { lasting } from './memory.ts';
import type { Commit, KernelStage, Program, Stage, Value } from './program.ts';

/** The input that the stage may overwrite with its result; undefined where none is the value as it lies. */
function inputToReplace({ elementwise, problem, bind }: Stage, value: Value): number | undefined {
  if (!elementwise || problem?.op !== 'pointwise') return undefined;
  const uses = elementwise.inputs.flatMap((_, i) => (bind[`x${i}`] === value ? [i] : []));
  const [first] = uses;
  if (uses.length !== 1 || elementwise.inputs[first].dtype !== problem.dtype) return undefined;
  return runsAsOutput(elementwise, first) ? first : undefined;
}

/** The stage with its result in the place of input number `inPlace`. */
function replacing(stage: KernelStage, value: Value, inPlace: number): KernelStage {
  const { [`x${inPlace}`]: _, ...bind } = stage.bind;
  return { ...stage, problem: pointwise({ ...(stage.problem as PointwiseProblem), inPlace }), bind: { ...bind, out: value } };
}

/** The stage with one value in place of another. */
const rebound = (stage: Stage, from: Value, to: Value): Stage => ({
  ...stage,
  bind: Object.fromEntries(Object.entries(stage.bind).map(([name, value]) => [name, value === from ? to : value])),
});

/** Makes updates in place where nothing can tell; `count` is told how many. */
export function updateInPlace(program: Program, count: (updates: number) => void): Program {
  let stages = [...program.stages];
  let fetches = program.fetches;
  const isInPlace = ({ variable, value }: Commit): boolean => {
    const at = stages.findIndex(({ bind }) => bind.out === value);
    const inPlace = at < 0 ? undefined : inputToReplace(stages[at], variable);
    const isReadLater = stages.some(({ bind }, i) => i > at && Object.values(bind).includes(variable));
    if (inPlace === undefined || isReadLater || fetches.includes(variable)) return false;
    stages[at] = replacing(stages[at] as KernelStage, variable, inPlace);
    stages = stages.map((stage) => rebound(stage, value, variable));
    fetches = fetches.map((each) => (each === value ? variable : each));
    count(1);
    return true;
  };
  const commits = program.commits.filter((commit) => !isInPlace(commit));
  return { ...program, stages, fetches, commits };
}

/** Has pointwise stages write over operands that end with them; `count` is told how many. */
export function overwriteOperands(program: Program, isPossible: IsPossible, count: (stages: number) => void): Program {
  const stages = [...program.stages];
  // What is needed after a run or in the next one, and what control exchanges.
  const bound = [...program.setup, ...stages.filter(({ control }) => control)].flatMap(({ bind }) => Object.values(bind));
  const kept = new Set([...lasting(program), ...bound]);
  const isOurs = (value: Value): boolean => !value.source && !kept.has(value);
  const lastUse = new Map<Value, number>();
  for (const [at, { bind }] of stages.entries()) for (const value of Object.values(bind)) lastUse.set(value, at);
  for (let at = 0; at < stages.length; at++) {
    const stage = stages[at];
    if (!stage.elementwise || !isOurs(stage.bind.out)) continue;
    const { out } = stage.bind;
    const ends = (value: Value): boolean => isOurs(value) && lastUse.get(value) === at && value.bytes === out.bytes;
    const [inPlace] = stage.elementwise.inputs.flatMap((_, i) => {
      const value = stage.bind[`x${i}`];
      return value && ends(value) && inputToReplace(stage, value) === i ? [i] : [];
    });
    if (inPlace === undefined) continue;
    const value = stage.bind[`x${inPlace}`];
    const replaced = replacing(stage, value, inPlace);
    if (!isPossible(replaced.problem)) continue;
    stages[at] = replaced;
    for (let later = at + 1; later < stages.length; later++) stages[later] = rebound(stages[later], out, value);
    lastUse.set(value, lastUse.get(out)!);
    count(1);
  }
  return { ...program, stages };
}
