// Sharing: kernel problems that are equal on equal values are done once. Ops that are equal as a whole have been found before; here are the parts that
// different ops begin with: the search for each window's maximum, in pooling and in its gradient, and dense copies of one view.

import type { Problem } from '../../kernels/index.ts';
import type { Program, Stage, Value } from './program.ts';

/** The operands that a problem of these kinds writes; none of others, which are not shared. */
function writtenBy(problem: Problem): readonly string[] {
  if (problem.op === 'copy') return ['out'];
  return problem.op === 'pool2d' && problem.pass === 'forward' && problem.kind === 'max' ? ['output', 'indices'] : [];
}

/** The program with each of such problems once; `count` is told how many went away. */
export function shareStages(program: Program, count: () => void): Program {
  const numbers = new Map<Value, number>();
  const numberOf = (value: Value): number => {
    if (!numbers.has(value)) numbers.set(value, numbers.size);
    return numbers.get(value)!;
  };
  // What several stages write, such as the parts of a concatenation, is whole only after the last.
  const writers = new Map<Value, number>();
  for (const { problem, bind } of program.stages)
    for (const name of problem ? writtenBy(problem) : []) writers.set(bind[name], (writers.get(bind[name]) ?? 0) + 1);
  const committed = new Set(program.commits.map(({ value }) => value));
  const isAlone = (value: Value) => writers.get(value) === 1 && !committed.has(value);
  const stands = new Map<Value, Value>();
  const now = (value: Value): Value => stands.get(value) ?? value;
  const known = new Map<string, Stage>();
  const stages = program.stages.flatMap((stage): Stage[] => {
    const bind = Object.fromEntries(Object.entries(stage.bind).map(([name, value]) => [name, now(value)]));
    const moved: Stage = { ...stage, bind };
    const written = stage.problem ? writtenBy(stage.problem) : [];
    if (written.length === 0 || !written.every((name) => isAlone(bind[name]))) return [moved];
    const read = Object.entries(bind).filter(([name]) => !written.includes(name));
    const key = `${JSON.stringify(stage.problem)} ${read.map(([name, value]) => `${name}:${numberOf(value)}`)}`;
    const found = known.get(key);
    if (!found) {
      known.set(key, moved);
      return [moved];
    }
    for (const name of written) stands.set(bind[name], found.bind[name]);
    count();
    return [];
  });
  return { ...program, stages, fetches: program.fetches.map(now) };
}
