// Enumerating a space: every combination of tunables that meets the constraints, as one number each.
//
//   code(configuration) = sum over tunables of rank(value) · stride      first tunable slowest, ranks in ascending order of values
//
// Tunables get their values one after another, and a constraint is tested as soon as its last tunable has one, so that whole branches fall away. A constraint
// is evaluated once per combination of the values it reads: it mostly reads few of the tunables, and the rest would only repeat it. 276,480 combinations under
// eleven constraints take some tens of milliseconds so, without generating code.

import { parseConstraint, type Scope } from '../../kernels/constraint.ts';
import type { TunableSpace } from '../../kernels/kernel.ts';

/** A space's numbering: names, values in ascending order, and what a step of a rank adds to the code. */
export interface Numbering {
  readonly names: readonly string[];
  readonly values: readonly (readonly number[])[];
  readonly strides: readonly number[];
  /** Combinations before constraints. */
  readonly rawSize: number;
}

/** Throws a RangeError where a tunable has no values or the same twice, or where there are more combinations than whole numbers. */
export function numbering(tunables: TunableSpace): Numbering {
  const names = Object.keys(tunables);
  const values = names.map((name) => [...tunables[name]].sort((a, b) => a - b));
  for (const [i, list] of values.entries()) {
    if (list.length === 0) throw new RangeError(`tunable ${names[i]} has no values; expected at least one`);
    const repeated = list.find((value, j) => value === list[j - 1] || !Number.isFinite(value));
    if (repeated !== undefined) throw new RangeError(`tunable ${names[i]} has the value ${repeated} twice, or it is no number`);
  }
  const strides = names.map((_, i) => values.slice(i + 1).reduce((product, { length }) => product * length, 1));
  const rawSize = values.reduce((product, { length }) => product * length, 1);
  if (!Number.isSafeInteger(rawSize)) throw new RangeError(`a space of ${rawSize} combinations is too large to number`);
  return { names, values, strides, rawSize };
}

/** Past this many combinations of the values it reads, a constraint is evaluated each time. */
const TABLE_LIMIT = 1 << 22;
const UNKNOWN = 0;
const HOLDS = 1;
const FAILS = 2;

/** A test of a constraint on the ranks chosen so far, which remembers its answers. */
type Test = (ranks: Int32Array) => boolean;

function tabulated(text: string, { names, values }: Numbering, constants: Scope): { last: number; holds: Test } {
  const constraint = parseConstraint(text);
  const read = constraint.names.filter((name) => names.includes(name)).map((name) => names.indexOf(name));
  const unknown = constraint.names.find((name) => !names.includes(name) && !(name in constants));
  if (unknown) throw new RangeError(`constraint '${text}': nothing is known of '${unknown}'`);
  const scope: Record<string, number> = { ...constants };
  const evaluate: Test = (ranks) => {
    for (const i of read) scope[names[i]] = values[i][ranks[i]];
    return constraint.evaluate(scope) !== 0;
  };
  const last = Math.max(-1, ...read);
  const combinations = read.reduce((product, i) => product * values[i].length, 1);
  if (combinations > TABLE_LIMIT) return { last, holds: evaluate };

  const [at, radix] = [Int32Array.from(read), Int32Array.from(read, (i) => values[i].length)];
  const table = new Uint8Array(combinations);
  const holds: Test = (ranks) => {
    let entry = 0;
    for (let i = 0; i < at.length; i++) entry = entry * radix[i] + ranks[at[i]];
    if (table[entry] === UNKNOWN) table[entry] = evaluate(ranks) ? HOLDS : FAILS;
    return table[entry] === HOLDS;
  };
  return { last, holds };
}

/** The codes of all configurations that meet the constraints, ascending. Throws a RangeError for a name that neither the space nor the constants know. */
export function validCodes(space: Numbering, constraints: readonly string[], constants: Scope): Float64Array {
  const { values, strides } = space;
  const tests = constraints.map((text) => tabulated(text, space, constants));
  const due = values.map((_, depth) => tests.filter(({ last }) => last === depth).map(({ holds }) => holds));
  const ranks = new Int32Array(values.length);
  let codes = new Float64Array(1024);
  let count = 0;

  function choose(depth: number, code: number): void {
    if (depth === values.length) {
      if (count === codes.length) codes = grown(codes);
      codes[count++] = code;
      return;
    }
    const here = due[depth];
    next: for (let rank = 0; rank < values[depth].length; rank++) {
      ranks[depth] = rank;
      for (let i = 0; i < here.length; i++) if (!here[i](ranks)) continue next;
      choose(depth + 1, code + rank * strides[depth]);
    }
  }
  if (tests.every(({ last, holds }) => last >= 0 || holds(ranks))) choose(0, 0);
  return codes.slice(0, count);
}

function grown(codes: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * codes.length);
  larger.set(codes);
  return larger;
}
