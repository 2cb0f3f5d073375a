// A fold's first pass: each unit of work is one chunk of the reduced dimension, for one row or one block of columns. It goes to a result, or, where
// folds are cut into chunks, to the state that the second pass merges.

import { bytesPerElement } from '../../dtype.ts';
import { stepsOf } from '../../expression.ts';
import type { Entry } from '../../kernel.ts';
import type { ReduceProblem } from '../../problems/reduce.ts';
import { advance, f32, f32x4, i32, if_, type Local, loopWhileBelow, min, repeat, set, type Task, task, v128 } from '../assembly.ts';
import { hoisted, SCRATCH, type Vector } from '../math.ts';
import { constantLanes, constantsOfSteps, loadRepeated, loadRow, operate, store } from '../pointwise/lanes.ts';
import { type Accumulation, accumulationOf } from './accumulation.ts';
import { BLOCK, STATES, scratchBytes, walkColumns } from './columns.ts';
import { WORDS } from './merge.ts';
import { walkFourRows, walkRow } from './rows.ts';

/** What walking a unit needs: where it lies, and how to take values in and write results. */
export interface Walk {
  readonly accumulation: Accumulation;
  readonly isSum: boolean;
  /** Bytes of an element. */
  readonly size: number;
  /** Address of the unit's first element; the walk moves it. */
  readonly at: Local;
  /** Elements of the unit along the reduced dimension, and its columns. */
  readonly length: Local;
  readonly width: Local;
  readonly rowBytes: Local;
  /** Rows that columns are walked down at a time, and where their states are kept meanwhile. */
  readonly strip: Local;
  readonly kept: Local;
  readonly integers: readonly Local[];
  readonly index: Vector;
  readonly laneIndex: Vector;
  readonly scratch: readonly Vector[];
  stateOf(i: number): readonly Vector[];
  /** The expression's value of four elements (or of one, in all lanes) at `address + offset`. */
  evaluate(i: number, address: Local, offset: number, lanes: 1 | 4): Vector;
  /** Writes the results of state `i`, or the state itself, and moves the target on. */
  write(i: number, lanes: 1 | 4): void;
}

function foldEntry(target: string, isRows: boolean): Entry {
  return {
    buffers: [
      { name: 'x0', access: 'read' },
      { name: target, access: 'write' },
      ...(isRows ? [] : [{ name: 'kept', access: 'write' } as const]),
    ],
    arguments: WORDS.map((name) => ({ name, type: 'u32' })),
  };
}

/** Folds the units of one task, into results or into the states of chunks. */
export function foldTask(problem: ReduceProblem, toStates: boolean): Task {
  const { fold, source, expression } = problem;
  const accumulation = accumulationOf(fold, expression.type as 'f32' | 'i32');
  const { registers, partialBytes } = accumulation;
  const isRows = problem.inner === 1;
  const steps = stepsOf(expression);
  const size = bytesPerElement(source);
  const constants = constantsOfSteps(steps);
  const locals = {
    unit: i32,
    endUnit: i32,
    block: i32,
    chunkNumber: i32,
    o: i32,
    length: i32,
    width: i32,
    at: i32,
    column: i32,
    target: i32,
    rowBytes: i32,
    rest: i32,
    ownKept: i32,
    integers: [i32, 9],
    value: [v128, STATES * steps.length],
    constant: [v128, constants.size],
    state: [v128, STATES * registers],
    index: v128,
    laneIndex: v128,
    count: v128,
    scratch: [v128, SCRATCH],
  } as const;
  return task(foldEntry(toStates ? 'states' : 'out', isRows), locals, (names, argument) => {
    const { task, unit, endUnit, block, chunkNumber, o, length, width, at, column, target, rowBytes, rest, ownKept, integers } = names;
    const { value, constant, state, index, laneIndex, count, scratch } = names;
    const { x0, outer, reduced, inner, chunks, chunk, blocks, group, units, perTask, strip } = argument;
    const out = toStates ? argument.states : argument.out;
    const stateOf = (i: number): Vector[] => state.slice(i * registers, (i + 1) * registers);
    const resultBytes = toStates ? partialBytes : 4;

    const places = { at, length, width, rowBytes, strip, kept: ownKept };
    const vectors = { index, laneIndex, scratch, integers };
    const walk: Walk = {
      ...{ accumulation, isSum: fold === 'sum' || fold === 'mean', size },
      ...{ ...places, ...vectors, stateOf, evaluate, write },
    };
    set(count, f32x4.splat(f32.convert_i32_u(reduced)));
    set(rowBytes, i32.mul(inner, size));
    if (!isRows) set(ownKept, i32.add(argument.kept, i32.mul(task, scratchBytes(registers))));
    steps.forEach((step, s) => {
      for (let i = 0; i < STATES; i++) if (step.kind === 'constant') set(value[i * steps.length + s], constantLanes(step));
    });
    set(unit, i32.mul(task, perTask));
    set(endUnit, i32.add(unit, perTask));
    min(endUnit, endUnit, units);
    hoisted(constants, constant, () =>
      loopWhileBelow(unit, endUnit, 1, () => {
        startUnit();
        if (isRows) walkRows();
        else walkColumns(walk);
      }),
    );

    /** The rows of a unit: four, or one after another where it has fewer. */
    function walkRows() {
      set(rest, i32.sub(i32.mul(outer, chunks), rest));
      min(rest, rest, group);
      i32.eq(rest, STATES);
      if_(
        {},
        () => walkFourRows(walk),
        () => repeat(rest, () => walkRow(walk)),
      );
    }

    /** Decodes the unit's number; sets the address of its first element and of its first result. */
    function startUnit() {
      set(block, i32.rem_u(unit, blocks));
      set(rest, i32.mul(i32.div_u(unit, blocks), group));
      set(chunkNumber, i32.rem_u(rest, chunks));
      set(o, i32.div_u(rest, chunks));
      set(at, i32.mul(chunkNumber, chunk));
      set(length, i32.sub(reduced, at));
      min(length, length, chunk);
      advance(at, i32.mul(o, reduced));
      set(column, i32.mul(block, BLOCK));
      set(width, i32.sub(inner, column));
      min(width, width, BLOCK);
      set(at, i32.add(x0, i32.mul(i32.add(i32.mul(at, inner), column), size)));
      set(target, i32.add(out, i32.mul(i32.add(i32.mul(rest, inner), column), resultBytes)));
    }

    function evaluate(i: number, address: Local, offset: number, lanes: 1 | 4): Vector {
      const own = value.slice(i * steps.length, (i + 1) * steps.length);
      steps.forEach((step, s) => {
        if (step.kind === 'input' && lanes === 4) loadRow(own[s], source, address, offset);
        else if (step.kind === 'input') loadRepeated(own[s], source, address);
        else if (step.operands.length > 0)
          operate(
            step,
            own[s],
            step.operands.map((operand) => own[operand]),
            scratch,
          );
      });
      return own[steps.length - 1];
    }

    function write(i: number, lanes: 1 | 4) {
      if (toStates && partialBytes === 8) {
        if (lanes === 1) v128.store64_lane({}, 0, target, stateOf(i)[0]);
        else stateOf(i).forEach((pair, half) => v128.store({ offset: 16 * half }, target, pair));
      } else {
        accumulation.finish(stateOf(i), scratch[0], count);
        store(scratch[0], problem.dtype, target, 0, lanes);
      }
      advance(target, lanes * resultBytes);
    }
  });
}
