// Memory of a plan: values that are never alive together share a buffer. A value lives from the first stage that binds it to the last.

import { resultNames } from '../../kernels/index.ts';
import type { Program, Stage, Value } from './program.ts';

/** Buffers to allocate, and the one of each value that has no source. */
export interface Arrangement {
  readonly bytes: readonly number[];
  readonly bufferOf: ReadonlyMap<Value, number>;
}

/** The values that are needed when a run ends. */
export const lasting = ({ fetches, commits }: Program): Set<Value> => new Set([...fetches, ...commits.map(({ value }) => value)]);

/** What a stage writes. */
export const writtenBy = ({ problem, bind }: Stage): Value[] =>
  problem
    ? resultNames(problem).map((name) => bind[name])
    : Object.entries(bind).flatMap(([name, value]) => (name.startsWith('out') ? [value] : []));

const valuesOf = ({ bind }: Stage): Value[] => [...new Set(Object.values(bind))];

/** The free buffer that fits best: the smallest that is large enough, else the largest there is, which grows. */
function bestFit(free: readonly number[], bytes: readonly number[], wanted: number): number | undefined {
  const [best] = [...free].sort((a, b) => {
    const [tooSmallA, tooSmallB] = [bytes[a] < wanted, bytes[b] < wanted];
    return tooSmallA !== tooSmallB ? Number(tooSmallA) - Number(tooSmallB) : tooSmallA ? bytes[b] - bytes[a] : bytes[a] - bytes[b];
  });
  return best;
}

/** Gives every value of a program its buffer; those of `setup`, of control's outputs, and those that change places with a variable share none. */
export function arrange({ setup, stages, commits, fetches }: Program): Arrangement {
  const bytes: number[] = [];
  const bufferOf = new Map<Value, number>();
  const own = (value: Value) => {
    if (!value.source && !bufferOf.has(value)) bufferOf.set(value, bytes.push(value.bytes) - 1);
  };
  for (const stage of setup) valuesOf(stage).forEach(own);
  for (const { value } of commits) own(value);
  // A conditional or loop exchanges its outputs' buffers for those of its subgraphs' results.
  for (const stage of stages) if (stage.control) writtenBy(stage).forEach(own);
  const lone = new Set(bufferOf.keys());
  const lastUse = new Map<Value, number>();
  for (const [at, stage] of stages.entries()) for (const value of valuesOf(stage)) lastUse.set(value, at);
  for (const value of fetches) lastUse.set(value, stages.length);
  const free: number[] = [];
  for (const [at, stage] of stages.entries()) {
    const values = valuesOf(stage).filter((value) => !value.source && !lone.has(value));
    for (const value of values) {
      if (bufferOf.has(value)) continue;
      const found = bestFit(free, bytes, value.bytes);
      if (found === undefined) own(value);
      else {
        free.splice(free.indexOf(found), 1);
        bytes[found] = Math.max(bytes[found], value.bytes);
        bufferOf.set(value, found);
      }
    }
    for (const value of values) if (lastUse.get(value) === at) free.push(bufferOf.get(value)!);
  }
  return { bytes, bufferOf };
}
