// Softmax of rows, and its gradient, in one pass over memory: a row is walked two or three times, but it comes from the first-level cache after the first.
//
//   forward:      m = max x;   y = exp(x − m), S = Σ y;   y /= S            log:  S = Σ exp(x − m);   y = x − m − ln S
//   input-grad:   S = Σ g · y;   inputGrad = y · (g − S)                    log:  S = Σ g;            inputGrad = g − exp(y) · S
//
// Elements go in vectors of four, four of them side by side with a state each, and the last of a row one by one through the same steps. Sums are kept in f64.

import type { Entry, Kernel, Plan, Source, Traits, Tunables } from '../../kernel.ts';
import { type SoftmaxProblem, softmaxOperands } from '../../problems/softmax.ts';
import { softmaxCost, softmaxFacts, softmaxVariant } from '../../softmax.ts';
import { advance, assemble, f32x4, f64x2, i8x16, i32, type Local, loopWhileBelow, min, repeat, set, task, v128 } from '../assembly.ts';
import { constantsOf, exp, floats, hoisted, integers, log as logarithm, SCRATCH, type Vector } from '../math.ts';
import { firstLane, HALVES_SWAPPED, NEIGHBOURS_SWAPPED, words } from '../shuffle.ts';
import { sharedBy, sharing, sharingConstraints, threadsWorth, unitsPerTask } from '../threading.ts';

/** Vectors side by side: covers the latency of a state's additions. */
const STATES = 4;

export const rows: Kernel<SoftmaxProblem> = {
  name: 'rows',
  op: 'softmax',
  device: 'cpu',
  summary: 'row by row, walked again while it lies in the first-level cache',
  requires: ['simd'],
  tunables: sharing(4, 1, 2, 8),
  constraints: sharingConstraints(4),
  deterministic: true,
  facts: softmaxFacts,
  rejects: () => undefined,
  defaults: (problem, traits) => sharedBy(softmaxCost(problem), traits, 4),
  cost: softmaxCost,
  estimate(problem, traits) {
    const { executedFlops, bytes } = softmaxCost(problem);
    return 2e-6 + (executedFlops / 10e9 + bytes / 15e9) / threadsWorth(softmaxCost(problem), traits);
  },
  variant: softmaxVariant,
  generate,
  plan,
};

function plan(problem: SoftmaxProblem, tunables: Tunables, traits: Traits): Plan {
  const perTask = unitsPerTask(problem.rows, tunables, traits);
  const buffers = Object.keys(softmaxOperands(problem));
  const grid = [Math.ceil(problem.rows / perTask), 1, 1] as const;
  return { passes: [{ entry: 'rows', buffers, arguments: [problem.rows, problem.columns, perTask], grid }], workspace: {} };
}

const entryOf = (problem: SoftmaxProblem): Entry => ({
  buffers: Object.keys(softmaxOperands(problem)).map((name, i, { length }) => ({ name, access: i === length - 1 ? 'write' : 'read' })),
  arguments: ['rows', 'columns', 'perTask'].map((name) => ({ name, type: 'u32' })),
});

/** Constants of exp and log. */
const CONSTANTS = constantsOf(2 + SCRATCH, ([into, x, ...scratch]) => {
  exp(into, x, scratch);
  logarithm(into, x, scratch);
});

const LOCALS = {
  ...{ row: i32, endRow: i32, left: i32, rowBytes: i32, a: i32, b: i32, to: i32 },
  ...{ x: v128, g: v128, value: v128, whole: v128 },
  most: [v128, STATES],
  sum: [v128, STATES],
  constant: [v128, CONSTANTS.size],
  scratch: [v128, SCRATCH],
} as const;
type Names = Record<'row' | 'endRow' | 'left' | 'rowBytes' | 'a' | 'b' | 'to' | 'task', Local> &
  Record<'x' | 'g' | 'value' | 'whole', Vector> &
  Record<'most' | 'sum' | 'constant' | 'scratch', Vector[]>;

function generate(problem: SoftmaxProblem): Source {
  const walks = problem.pass === 'forward' ? (problem.log ? forwardLog : forward) : problem.log ? gradientLog : gradient;
  const main = task(entryOf(problem), LOCALS, (names: Names, argument) => {
    const { task: number, row, endRow, rowBytes, a, b, to, constant } = names;
    const buffers = Object.keys(softmaxOperands(problem)).map((name) => argument[name]);
    set(rowBytes, i32.shl(argument.columns, 2));
    set(row, i32.mul(number, argument.perTask));
    set(endRow, i32.add(row, argument.perTask));
    min(endRow, endRow, argument.rows);
    for (const buffer of buffers) advance(buffer, i32.mul(row, rowBytes));
    const walk: Walk = (body) => {
      set(a, buffers[0]);
      if (buffers.length > 2) set(b, buffers[1]);
      set(to, buffers[buffers.length - 1]);
      const run = (count: () => void, states: number, lanes: 1 | 4) => {
        count();
        repeat(names.left, () => {
          for (let state = 0; state < states; state++) body({ state, lanes, offset: 16 * state });
          for (const cursor of [a, b, to]) advance(cursor, 4 * lanes * states);
        });
      };
      run(() => set(names.left, i32.shr_u(argument.columns, 4)), STATES, 4);
      run(() => set(names.left, i32.shr_u(i32.and(argument.columns, 15), 2)), 1, 4);
      run(() => set(names.left, i32.and(argument.columns, 3)), 1, 1);
    };
    hoisted(CONSTANTS, constant, () =>
      loopWhileBelow(row, endRow, 1, () => {
        walks(names, walk);
        for (const buffer of buffers) advance(buffer, rowBytes);
      }),
    );
  });
  return assemble(`softmax/rows/${softmaxVariant(problem)}`, { rows: main });
}

/** Which elements a step of a walk takes: four, or one in all lanes; into which state they go. */
interface Step {
  readonly state: number;
  readonly lanes: 1 | 4;
  readonly offset: number;
}
type Walk = (body: (step: Step) => void) => void;

const load = (into: Vector, at: Local, { lanes, offset }: Step): void =>
  set(into, lanes === 4 ? v128.load({ offset }, at) : v128.load32_splat({ offset }, at));
const store = (value: Vector, at: Local, { lanes, offset }: Step): void => {
  if (lanes === 4) v128.store({ offset }, at, value);
  else v128.store32_lane({ offset }, 0, at, value);
};

const startSums = ({ sum }: Names): void => {
  for (const register of sum) set(register, integers(0));
};

/** Adds four values, or the first lane of one, to a pair of f64; overwrites the values. */
function addTo({ sum }: Names, value: Vector, { state, lanes }: Step): void {
  if (lanes === 1) set(value, v128.and(value, firstLane()));
  set(sum[state], f64x2.add(sum[state], f64x2.promote_low_f32x4(value)));
  if (lanes === 1) return;
  set(value, i8x16.shuffle(HALVES_SWAPPED, value, value));
  set(sum[state], f64x2.add(sum[state], f64x2.promote_low_f32x4(value)));
}

/** The sum in all lanes, as f32. */
function finishSum({ sum: [first, ...others], whole }: Names): void {
  for (const other of others) set(first, f64x2.add(first, other));
  set(first, f64x2.add(first, i8x16.shuffle(HALVES_SWAPPED, first, first)));
  set(whole, f32x4.demote_f64x2_zero(first));
  set(whole, i8x16.shuffle(words(0, 0, 0, 0), whole, whole));
}

/** The largest in all lanes of `most[0]`. A NaN is passed over here, and makes the sum NaN. */
function findLargest({ most, x, a }: Names, walk: Walk): void {
  for (const register of most) set(register, floats(-Infinity));
  walk((step) => {
    load(x, a, step);
    set(most[step.state], f32x4.pmax(most[step.state], x));
  });
  const [first, ...others] = most;
  for (const other of others) set(first, f32x4.pmax(first, other));
  for (const order of [HALVES_SWAPPED, NEIGHBOURS_SWAPPED]) set(first, f32x4.pmax(first, i8x16.shuffle(order, first, first)));
}

/** Σ exp(x − m); the powers themselves are stored if `keeps`. */
function sumPowers(names: Names, walk: Walk, keeps: boolean): void {
  const { x, value, most, a, to, scratch } = names;
  findLargest(names, walk);
  startSums(names);
  walk((step) => {
    load(x, a, step);
    set(x, f32x4.sub(x, most[0]));
    exp(value, x, scratch);
    if (keeps) store(value, to, step);
    addTo(names, value, step);
  });
  finishSum(names);
}

function forward(names: Names, walk: Walk): void {
  const { value, whole, to } = names;
  sumPowers(names, walk, true);
  walk((step) => {
    load(value, to, step);
    set(value, f32x4.div(value, whole));
    store(value, to, step);
  });
}

function forwardLog(names: Names, walk: Walk): void {
  const { x, value, most, whole, a, to, scratch } = names;
  sumPowers(names, walk, false);
  logarithm(value, whole, scratch);
  walk((step) => {
    load(x, a, step);
    set(x, f32x4.sub(f32x4.sub(x, most[0]), value));
    store(x, to, step);
  });
}

function gradient(names: Names, walk: Walk): void {
  const { x, g, value, whole, a, b, to } = names;
  startSums(names);
  walk((step) => {
    load(x, a, step);
    load(g, b, step);
    set(value, f32x4.mul(x, g));
    addTo(names, value, step);
  });
  finishSum(names);
  walk((step) => {
    load(x, a, step);
    load(g, b, step);
    set(value, f32x4.mul(x, f32x4.sub(g, whole)));
    store(value, to, step);
  });
}

function gradientLog(names: Names, walk: Walk): void {
  const { x, g, value, whole, a, b, to, scratch } = names;
  startSums(names);
  walk((step) => {
    load(g, b, step);
    addTo(names, g, step);
  });
  finishSum(names);
  walk((step) => {
    load(x, a, step);
    load(g, b, step);
    exp(value, x, scratch);
    set(value, f32x4.sub(g, f32x4.mul(value, whole)));
    store(value, to, step);
  });
}
