// Strips cover a block of the result: rows by MR, lanes by NR, a register tile for each, straight into the result where its lanes lie side by side there.
//
//   for each strip of lanes:        its NR x steps panel of packed columns stays in the first-level cache
//     for each strip of rows:       panels of packed weights stream from the second
//       tile                        by way of scratch where lanes are spread (several images, every other element) or rows are missing

import type { ConvEpilogue } from '../../problems/conv2d.ts';
import {
  advance,
  br_if,
  call,
  f32,
  i32,
  if_,
  type Local,
  loop,
  loopWhileBelow,
  min,
  type Routine,
  repeat,
  routine,
  set,
  untilZero,
  type Value,
  v128,
} from '../assembly.ts';
import { type TileShape, tileRoutine } from '../tile.ts';
import { RUN, RUN_BYTES } from './runs.ts';

/**
 * `a`: the first strip of weights, `stripA` bytes from one to the next, `strideA` between rows where they are not packed; `b`: the lanes, packed or `strideB` bytes
 * from step to step; `table`: their runs; `result`, `bias`, `residual`: of the block's first row, `strideC` bytes between rows; `resultX`: bytes between lanes of a run; `scratch`: room of `stripsScratch` bytes.
 */
const STRIPS = {
  ...{ a: i32, stripA: i32, strideA: i32, b: i32, strideB: i32, table: i32, rows: i32, steps: i32 },
  ...{ result: i32, strideC: i32, resultX: i32, bias: i32, residual: i32, scratch: i32 },
} as const;
export const STRIPS_ARGUMENTS = Object.keys(STRIPS) as (keyof typeof STRIPS)[];

/** Bytes of a tile of the result and one of the residual. */
export const stripsScratch = (mr: number, nr: number): number => 2 * 4 * mr * nr;

/** Generates `strips(a, stripA, b, ..)` for tiles of a shape. */
export function stripsRoutine(shape: TileShape): Routine {
  const { mr, nr, accumulate, residual: hasResidual, epilogue } = shape;
  const tile = tileRoutine(shape);
  const [gather, scatter] = [moveRoutine('from result'), moveRoutine('to result')];
  const locals = {
    ...{ length: i32, strip: i32, last: i32, start: i32, isDense: i32, i: i32, height: i32, panel: i32 },
    ...{ target: i32, biasRow: i32, residualRow: i32, tileOfResidual: i32 },
  } as const;
  return routine(STRIPS, locals, (names) => {
    const { a, stripA, strideA, b, strideB, table, rows, steps, result, strideC, resultX, bias, residual, scratch } = names;
    const { length, strip, last, start, isDense, i, height, panel, target, biasRow, residualRow, tileOfResidual } = names;
    const rowPointers = hasResidual ? [target, residualRow] : [target];
    set(tileOfResidual, i32.add(scratch, 4 * mr * nr));
    set(length, i32.load({ offset: RUN.length }, table));
    untilZero(length, () => {
      findRuns();
      set(i, 0);
      set(panel, a);
      set(target, result);
      set(biasRow, bias);
      set(residualRow, residual);
      loopWhileBelow(i, rows, mr, () => {
        set(height, i32.sub(rows, i));
        min(height, height, mr);
        i32.and(isDense, i32.eq(height, mr));
        if_({}, straight, byScratch);
        advance(panel, stripA);
        for (const row of rowPointers) advance(row, i32.mul(strideC, mr));
        if (epilogue?.bias) advance(biasRow, 4 * mr);
      });
      advance(b, shape.b === 'packed' ? i32.mul(steps, 4 * nr) : 4 * nr);
      set(table, last);
      set(length, i32.load({ offset: RUN.length }, table));
    });

    /** The strip's runs are those from `table` to `last`. Its lanes are dense where the last ends NR elements after the start of the first. */
    function findRuns() {
      set(strip, i32.load({ offset: RUN.strip }, table));
      set(last, table);
      loop({}, () => {
        advance(last, RUN_BYTES);
        i32.eq(i32.load({ offset: RUN.strip }, last), strip);
        br_if(0);
      });
      set(start, i32.load({ offset: RUN.result }, table));
      set(isDense, i32.sub(last, RUN_BYTES));
      set(length, i32.mul(i32.sub(i32.load({ offset: RUN.length }, isDense), 1), resultX));
      set(isDense, i32.eq(i32.add(i32.load({ offset: RUN.result }, isDense), length), i32.add(start, 4 * nr - 4)));
    }
    function straight() {
      const to = (row: Local) => i32.add(row, start);
      call(tile, [panel, b, to(target), steps, strideA, strideB, strideC, height, biasRow, 0, ...(hasResidual ? [to(residualRow)] : [])]);
    }
    function byScratch() {
      if (accumulate) call(gather, [table, last, target, strideC, resultX, height, scratch]);
      if (hasResidual) call(gather, [table, last, residualRow, strideC, resultX, height, tileOfResidual]);
      call(tile, [panel, b, scratch, steps, strideA, strideB, 4 * nr, height, biasRow, 0, ...(hasResidual ? [tileOfResidual] : [])]);
      call(scatter, [table, last, target, strideC, resultX, height, scratch]);
    }
  });

  /** Generates `move(table, last, result, strideC, resultX, rows, tile)`: the lanes of some runs between the result and a tile. */
  function moveRoutine(way: 'from result' | 'to result'): Routine {
    const inputs = { table: i32, last: i32, result: i32, strideC: i32, resultX: i32, rows: i32, tile: i32 } as const;
    const locals = { length: i32, left: i32, row: i32, far: i32, near: i32, farRow: i32, nearRow: i32, value: v128 } as const;
    return routine(inputs, locals, (names) => {
      const { table, last, result, strideC, resultX, rows, tile, length, left, row, far, near, farRow, nearRow, value } = names;
      const isIn = way === 'from result';
      loopWhileBelow(table, last, RUN_BYTES, () => {
        set(length, i32.load({ offset: RUN.length }, table));
        set(farRow, i32.add(result, i32.load({ offset: RUN.result }, table)));
        set(nearRow, i32.add(tile, i32.load({ offset: RUN.lane }, table)));
        set(row, rows);
        repeat(row, () => {
          set(far, farRow);
          set(near, nearRow);
          set(left, length);
          i32.eq(resultX, 4);
          if_({}, () => {
            set(left, i32.shr_u(length, 2));
            repeat(left, () => {
              set(value, v128.load({}, isIn ? far : near));
              v128.store({}, isIn ? near : far, value);
              for (const pointer of [near, far]) advance(pointer, 16);
            });
            set(left, i32.and(length, 3));
          });
          repeat(left, () => {
            f32.store({}, isIn ? near : far, f32.load({}, isIn ? far : near));
            advance(near, 4);
            advance(far, resultX);
          });
          advance(farRow, strideC);
          advance(nearRow, 4 * nr);
        });
      });
    });
  }
}

/** Strips of one shape. */
export interface Multiplication {
  readonly shape: TileShape;
  readonly routine: Routine;
}

/** For slab after slab of the steps: the first and those that add to it; with the epilogue the only one, or the last of several. */
export function slabRoutines(shape: TileShape, epilogue: ConvEpilogue): Record<'first' | 'next' | 'only' | 'last', Multiplication> {
  const made = (each: TileShape): Multiplication => ({ shape: each, routine: stripsRoutine(each) });
  const [first, next] = [made(shape), made({ ...shape, accumulate: true })];
  if (!Object.values(epilogue).includes(true)) return { first, next, only: first, last: next };
  const finished: TileShape = { ...shape, epilogue, biasAlong: 'rows', residual: epilogue.residual };
  return { first, next, only: made(finished), last: made({ ...finished, accumulate: true }) };
}

type Values = Readonly<Record<(typeof STRIPS_ARGUMENTS)[number], () => Value>>;

/** Calls `strips` for `at.rows` rows in chunks of `most`, so that their packed weights stay in the second-level cache; `i` and `chunk` are for its use. */
export function callInChunks(
  strips: Routine,
  { mr, epilogue, residual }: TileShape,
  most: number,
  i: Local,
  chunk: Local,
  at: Values,
): void {
  set(i, 0);
  loopWhileBelow(i, at.rows(), most, () => {
    set(chunk, i32.sub(at.rows(), i));
    min(chunk, chunk, most);
    const below = (base: () => Value, stride: () => Value) => i32.add(base(), i32.mul(i, stride()));
    const moved: Partial<Values> = {
      a: () => i32.add(at.a(), i32.mul(i32.div_u(i, mr), at.stripA())),
      rows: () => chunk,
      result: () => below(at.result, at.strideC),
      bias: () => (epilogue?.bias ? i32.add(at.bias(), i32.shl(i, 2)) : 0),
      residual: () => (residual ? below(at.residual, at.strideC) : 0),
    };
    call(
      strips,
      STRIPS_ARGUMENTS.map((name) => (moved[name] ?? at[name])()),
    );
  });
}
