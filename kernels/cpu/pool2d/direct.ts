// Forward: output[p, y, x] = max or average of input[p] over a window.  Backward: inputGrad[p, y, x] = sum of what the windows that saw it have for it.
//
//   tasks of rows of the result          for x:  for u:  for v:  best = max(best, ..) or sum += ..
//
// A gradient gathers: each element asks the windows that reach it, so that no two tasks write one element and sums have one order.

import type { Entry, Kernel, Plan, Source, Traits } from '../../kernel.ts';
import { countsTaps, pool2dCost, pool2dFacts, pool2dVariant, reachesOf } from '../../pooling.ts';
import { type Pool2dProblem, pool2dOperands } from '../../problems/pool2d.ts';
import { reachNumbers } from '../../problems/window.ts';
import { advance, assemble, f32, i32, if_, type Local, loopWhileBelow, min, set, task } from '../assembly.ts';
import { reachNames, whereReached } from '../reach.ts';
import { threadsFor } from '../threading.ts';

/** Tasks per thread, so that a thread that was held up can be helped out. */
const TASKS_PER_THREAD = 4;

export const direct: Kernel<Pool2dProblem> = {
  name: 'direct',
  op: 'pool2d',
  device: 'cpu',
  summary: 'each element of the result gathers its window, scalar by scalar',
  requires: [],
  tunables: {},
  constraints: [],
  deterministic: true,
  facts: pool2dFacts,
  rejects: () => undefined,
  defaults: () => ({}),
  cost: pool2dCost,
  estimate: (problem) => 1e-6 + pool2dCost(problem).flops / 0.5e9,
  variant: pool2dVariant,
  generate,
  plan,
};

function plan(problem: Pool2dProblem, _tunables: unknown, traits: Traits): Plan {
  const { vertical, horizontal } = reachesOf(problem);
  const rows = problem.planes * vertical.positions;
  const threads = threadsFor(pool2dCost(problem), traits);
  const perTask = threads === 1 ? rows : Math.ceil(rows / (threads * TASKS_PER_THREAD));
  return {
    passes: [
      {
        entry: 'rows',
        buffers: Object.keys(pool2dOperands(problem)),
        arguments: [rows, perTask, ...reachNumbers(vertical), ...reachNumbers(horizontal)],
        grid: [Math.ceil(rows / perTask), 1, 1],
      },
    ],
    workspace: {},
  };
}

function entryOf(problem: Pool2dProblem): Entry {
  const isRead = (name: string) => name === 'input' || name === 'outputGrad' || (name === 'indices' && problem.pass === 'input-grad');
  return {
    buffers: Object.keys(pool2dOperands(problem)).map((name) => ({ name, access: isRead(name) ? 'read' : 'write' })),
    arguments: ['rows', 'perTask', ...reachNames('Y'), ...reachNames('X')].map((name) => ({ name, type: 'i32' })),
  };
}

const LOCALS = {
  ...{ row: i32, end: i32, x: i32, u: i32, v: i32, y: i32, fromY: i32, fromX: i32, firstX: i32, line: i32, column: i32 },
  ...{ plane: i32, own: i32, found: i32, count: i32, inside: i32, value: f32, result: f32 },
} as const;
type Names = Record<Exclude<keyof typeof LOCALS, 'value' | 'result'>, Local> & Record<'value' | 'result', Local<'f32'>>;
type Arguments = Record<string, Local>;

/** A task takes rows of the result; the addresses of results move along. */
function generate(problem: Pool2dProblem): Source {
  const isForward = problem.pass === 'forward';
  const entry = entryOf(problem);
  const element = elementOf(problem);
  const rows = task(entry, LOCALS, (names, argument) => {
    const { task: number, row, end, x, u, v, y, fromY, fromX, firstX, line, column, plane, own, found, count, result } = names;
    set(row, i32.mul(number, argument.perTask));
    set(end, i32.add(row, argument.perTask));
    min(end, end, argument.rows);
    const written = entry.buffers.filter(({ access }) => access === 'write').map(({ name }) => argument[name]);
    for (const address of written) advance(address, i32.shl(i32.mul(row, argument.positionsX), 2));
    loopWhileBelow(row, end, 1, () => {
      set(plane, i32.mul(i32.div_u(row, argument.positionsY), i32.mul(argument.sizeY, argument.sizeX)));
      set(y, i32.rem_u(row, argument.positionsY));
      set(own, i32.mul(y, argument.positionsX));
      set(y, i32.sub(i32.mul(y, argument.stepY), argument.offsetY));
      set(firstX, i32.sub(0, argument.offsetX));
      set(x, 0);
      loopWhileBelow(x, argument.positionsX, 1, () => {
        for (const start of [count, u]) set(start, 0);
        set(found, -1);
        set(result, f32.const(0));
        set(fromY, y);
        loopWhileBelow(u, argument.tapsY, 1, () => {
          whereReached(line, fromY, argument.divisorY, argument.sizeY, !isForward, () => {
            set(v, 0);
            set(fromX, firstX);
            loopWhileBelow(v, argument.tapsX, 1, () => {
              whereReached(column, fromX, argument.divisorX, argument.sizeX, !isForward, () => element.take(names, argument));
              advance(fromX, argument.tapStepX);
            });
          });
          advance(fromY, argument.tapStepY);
        });
        element.store(names, argument);
        for (const address of written) advance(address, 4);
        advance(firstX, argument.stepX);
        advance(own, 1);
      });
    });
  });
  return assemble(`pool2d/direct/${pool2dVariant(problem)}`, { rows });
}

/** What is done with each element that is reached, and with the result in the end. */
interface ElementCode {
  take(names: Names, argument: Arguments): void;
  store(names: Names, argument: Arguments): void;
}

const wordAt = (base: Local, { plane, line, column }: Names, { sizeX }: Arguments) =>
  i32.add(base, i32.shl(i32.add(plane, i32.add(i32.mul(line, sizeX), column)), 2));
const add = (result: Local<'f32'>, value: Local<'f32'>): void => set(result, f32.add(result, value));

function elementOf(problem: Pool2dProblem): ElementCode {
  if (problem.pass === 'forward') return problem.kind === 'max' ? maximum : average(countsTaps(problem));
  return problem.kind === 'max' ? maximumGradient : averageGradient(countsTaps(problem));
}

const maximum: ElementCode = {
  take(names, argument) {
    const { line, column, found, value, result } = names;
    set(value, f32.load({}, wordAt(argument.input, names, argument)));
    // The first, a larger one, or the first NaN.
    i32.or(i32.or(i32.lt_s(found, 0), f32.gt(value, result)), i32.and(f32.ne(value, value), f32.eq(result, result)));
    if_({}, () => {
      set(result, value);
      set(found, i32.add(i32.mul(line, argument.sizeX), column));
    });
  },
  store({ found, result }, argument) {
    f32.store({}, argument.output, result);
    i32.store({}, argument.indices, found);
  },
};

const maximumGradient: ElementCode = {
  take(names, argument) {
    const { own, value, result } = names;
    i32.eq(i32.load({}, wordAt(argument.indices, names, argument)), own);
    if_({}, () => {
      set(value, f32.load({}, wordAt(argument.outputGrad, names, argument)));
      add(result, value);
    });
  },
  store: ({ result }, argument) => f32.store({}, argument.inputGrad, result),
};

const average = (isUnpadded: boolean): ElementCode => ({
  take(names, argument) {
    set(names.value, f32.load({}, wordAt(argument.input, names, argument)));
    add(names.result, names.value);
    if (isUnpadded) advance(names.count, 1);
  },
  store({ result, count }, argument) {
    if (!isUnpadded) set(count, i32.mul(argument.tapsY, argument.tapsX));
    f32.store({}, argument.output, f32.div(result, f32.convert_i32_u(count)));
  },
});

const averageGradient = (isUnpadded: boolean): ElementCode => ({
  take(names, argument) {
    const { line, column, count, inside, value, result } = names;
    set(value, f32.load({}, wordAt(argument.outputGrad, names, argument)));
    if (isUnpadded) {
      tapsInside(count, line, 'Y', inside, argument);
      tapsInside(names.found, column, 'X', inside, argument);
      set(value, f32.div(value, f32.convert_i32_u(i32.mul(count, names.found))));
    }
    add(result, value);
  },
  store({ result, count }, argument) {
    if (!isUnpadded) set(count, i32.mul(argument.tapsY, argument.tapsX));
    f32.store({}, argument.inputGrad, isUnpadded ? result : f32.div(result, f32.convert_i32_u(count)));
  },
});

/** `target = how many taps of a window lie in the input`, by what an input element's reach says of windows: divisor is stride, −tapStep dilation. */
function tapsInside(target: Local, window: Local, axis: 'X' | 'Y', scratch: Local, argument: Arguments): void {
  const named = (name: string): Local => argument[`${name}${axis}`];
  // From the window's first tap to the first element of the input: what is negative lies inside.
  set(scratch, i32.sub(i32.sub(0, named('offset')), i32.mul(window, named('divisor'))));
  const tapsTo = (elements: Local) => i32.div_s(i32.sub(i32.sub(elements, named('tapStep')), 1), i32.sub(0, named('tapStep')));
  set(target, i32.add(scratch, named('positions')));
  set(target, tapsTo(target));
  min(target, target, named('taps'));
  // Not gt_s: wasmati 0.2.4 writes gt_u for it.
  i32.lt_s(0, scratch);
  if_({}, () => set(target, i32.sub(target, tapsTo(scratch))));
}
