// An element of a pooling's result, scalar by scalar: the loops over what it reaches, and what is done with each.

import type { Entry } from '../../kernel.ts';
import { countsTaps } from '../../pooling.ts';
import { type Pool2dProblem, pool2dOperands } from '../../problems/pool2d.ts';
import { advance, f32, i32, if_, type Local, loopWhileBelow, min, set } from '../assembly.ts';
import { reachNames, whereReached } from '../reach.ts';

export const LOCALS = {
  ...{ row: i32, end: i32, x: i32, u: i32, v: i32, y: i32, fromY: i32, fromX: i32, firstX: i32, line: i32, column: i32 },
  ...{ plane: i32, own: i32, found: i32, count: i32, inside: i32, value: f32, result: f32 },
} as const;
export type Names = Record<Exclude<keyof typeof LOCALS, 'value' | 'result'> | 'task' | 'thread', Local> &
  Record<'value' | 'result', Local<'f32'>>;
export type Arguments = Record<string, Local>;

/** Buffers in the problem's order, and the numbers of both axes' reach after those of the rows. */
export function entryOf(problem: Pool2dProblem, more: readonly string[] = []): Entry {
  const isRead = (name: string) => name === 'input' || name === 'outputGrad' || (name === 'indices' && problem.pass === 'input-grad');
  return {
    buffers: Object.keys(pool2dOperands(problem)).map((name) => ({ name, access: isRead(name) ? 'read' : 'write' })),
    arguments: ['rows', 'perTask', ...reachNames('Y'), ...reachNames('X'), ...more].map((name) => ({ name, type: 'i32' })),
  };
}

/** The addresses of what an entry writes: they move along with the elements. */
export const writtenBy = ({ buffers }: Entry, argument: Arguments): Local[] =>
  buffers.filter(({ access }) => access === 'write').map(({ name }) => argument[name]);

/** Sets the task's rows of the result, and the addresses of their first elements. */
export function startRows({ task, row, end }: Names, argument: Arguments, written: readonly Local[]): void {
  set(row, i32.mul(task, argument.perTask));
  set(end, i32.add(row, argument.perTask));
  min(end, end, argument.rows);
  for (const address of written) advance(address, i32.shl(i32.mul(row, argument.positionsX), 2));
}

/** Sets where the row's elements begin to reach: the plane, the first line and the first column, which may lie outside. */
export function startRow({ row, plane, y, own, firstX }: Names, argument: Arguments): void {
  set(plane, i32.mul(i32.div_u(row, argument.positionsY), i32.mul(argument.sizeY, argument.sizeX)));
  set(y, i32.rem_u(row, argument.positionsY));
  set(own, i32.mul(y, argument.positionsX));
  set(y, i32.sub(i32.mul(y, argument.stepY), argument.offsetY));
  set(firstX, i32.sub(0, argument.offsetX));
}

/** Runs `body` for every line that the row of the result reaches. */
export function reachedLines(names: Names, argument: Arguments, isDivided: boolean, body: () => void): void {
  const { u, y, fromY, line } = names;
  set(u, 0);
  set(fromY, y);
  loopWhileBelow(u, argument.tapsY, 1, () => {
    whereReached(line, fromY, argument.divisorY, argument.sizeY, isDivided, body);
    advance(fromY, argument.tapStepY);
  });
}

/** One element of the result: everything that it reaches is taken, and it is stored. */
export function gatherElement(names: Names, argument: Arguments, isDivided: boolean, element: ElementCode): void {
  const { v, fromX, firstX, column, found, count, result } = names;
  set(count, 0);
  set(found, -1);
  set(result, f32.const(0));
  reachedLines(names, argument, isDivided, () => {
    set(v, 0);
    set(fromX, firstX);
    loopWhileBelow(v, argument.tapsX, 1, () => {
      whereReached(column, fromX, argument.divisorX, argument.sizeX, isDivided, () => element.take(names, argument));
      advance(fromX, argument.tapStepX);
    });
  });
  element.store(names, argument);
}

/** What is done with each element that is reached, and with the result in the end. */
export interface ElementCode {
  take(names: Names, argument: Arguments): void;
  store(names: Names, argument: Arguments): void;
}

/** The address of the element that is reached. */
export const wordAt = (base: Local, { plane, line, column }: Names, { sizeX }: Arguments) =>
  i32.add(base, i32.shl(i32.add(plane, i32.add(i32.mul(line, sizeX), column)), 2));
const add = (result: Local<'f32'>, value: Local<'f32'>): void => set(result, f32.add(result, value));

export function elementOf(problem: Pool2dProblem): ElementCode {
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
