// Runs: how a block of columns of the image matrix is packed for the register tile, a run of neighbours at a time, without the matrix ever being whole.
//
//   columns (lanes)   positions (n, y, x) of a plane of the result           a run     neighbours in one row of the result and one strip of NR lanes
//   rows (steps)      (q, u, v): plane of the image and tap                  packed    strip by strip, step by step, NR lanes side by side
//
// The taps of a run move over its row of the image; where it lies there is the same for all planes. So whether it leaves the image is decided once for a run
// and tap, and then a loop over planes copies whole vectors: the last one overlaps the one before it where the length is no multiple of four.

import {
  advance,
  call,
  f32,
  i8x16,
  i32,
  if_,
  type Local,
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

/** Bytes of a run in the table, and where in it what lies. */
export const RUN_BYTES = 32;
export const RUN = {
  /** Lanes. */
  length: 0,
  /** Bytes from the image's first plane to that of the run's n. */
  image: 4,
  /** Of its first lane: position · step. */
  y: 8,
  x: 12,
  /** Bytes from the first element of the result. */
  result: 16,
  /** Bytes from the first lane of its strip. */
  lane: 20,
  strip: 24,
} as const;

/** How the positions of a row lie in the image: side by side, every other element, or further apart. */
export type Spacing = 1 | 2 | 'any';

const TABLE = {
  ...{ table: i32, first: i32, lanes: i32, positionsY: i32, positionsX: i32, stepY: i32, stepX: i32 },
  ...{ imageA: i32, resultA: i32, resultY: i32, resultX: i32 },
} as const;
export const TABLE_ARGUMENTS = Object.keys(TABLE) as (keyof typeof TABLE)[];

/** Generates `tabulate(table, first, lanes, ..)`: the runs of `lanes` lanes from lane `first` on. The run after the last has length 0. */
export function tableRoutine(nr: number): Routine {
  return routine(TABLE, { lane: i32, n: i32, x: i32, y: i32, length: i32, other: i32 }, (names) => {
    const { table, first, lanes, positionsY, positionsX, stepY, stepX, imageA, resultA, resultY, resultX } = names;
    const { lane, n, x, y, length, other } = names;
    const store = (field: keyof typeof RUN, value: () => Value) => i32.store({ offset: RUN[field] }, table, value());
    loopWhileBelow(lane, lanes, 0, () => {
      set(n, i32.add(first, lane));
      set(x, i32.rem_u(n, positionsX));
      set(n, i32.div_u(n, positionsX));
      set(y, i32.rem_u(n, positionsY));
      set(n, i32.div_u(n, positionsY));
      set(length, i32.sub(positionsX, x));
      set(other, i32.sub(lanes, lane));
      min(length, length, other);
      set(other, i32.sub(nr, i32.rem_u(lane, nr)));
      min(length, length, other);
      store('length', () => length);
      store('image', () => i32.mul(n, imageA));
      store('y', () => i32.mul(y, stepY));
      store('x', () => i32.mul(x, stepX));
      store('result', () => i32.add(i32.mul(n, resultA), i32.add(i32.mul(y, resultY), i32.mul(x, resultX))));
      store('lane', () => i32.shl(i32.rem_u(lane, nr), 2));
      store('strip', () => i32.div_u(lane, nr));
      advance(table, RUN_BYTES);
      advance(lane, length);
    });
    store('length', () => 0);
    store('strip', () => -1);
  });
}

/** `count` times: `length` lanes from `from`, then `nextFrom` bytes on, to `to`, then `nextTo` bytes on. */
const COPY = { from: i32, to: i32, length: i32, count: i32, nextFrom: i32, nextTo: i32 } as const;

/** Byte indices of a shuffle that picks four 32-bit lanes out of two vectors (0 to 3 and 4 to 7). */
const words = (...lanes: number[]): number[] => lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte));

/** Generates `copy(from, to, length, count, nextFrom, nextTo)`, which touches nothing outside of the `length` ≤ NR lanes; zeros are written where `from` is `none`. */
function copyRoutine(nr: number, spacing: Spacing | 'none'): Routine {
  const locals = { endFrom: i32, endTo: i32, lane: i32, source: i32, value: [v128, 8] } as const;
  return routine(spacing === 'any' ? { ...COPY, stepX: i32 } : COPY, locals, (names) => {
    const { from, to, length, count, nextFrom, nextTo, endFrom, endTo, lane, source, value } = names;
    const { stepX } = names as unknown as { stepX: Local };
    const bytes = spacing === 2 ? 8 : 4;
    if (spacing === 'none') for (const each of value) set(each, v128.const('f32x4', [0, 0, 0, 0]));
    // So far from the start that the last vectors end with the last lane; spaced lanes have their own way to get there.
    const ends = (lanes: number) => {
      set(endTo, i32.shl(i32.sub(length, lanes), 2));
      if (spacing === 'any') set(endFrom, i32.mul(i32.sub(length, lanes), i32.shl(stepX, 2)));
      else set(endFrom, i32.mul(i32.sub(length, lanes), bytes));
    };
    const eachPlane = (body: () => void) =>
      repeat(count, () => {
        body();
        advance(from, nextFrom);
        advance(to, nextTo);
      });
    const fixed = (vectors: number) =>
      eachPlane(() => {
        for (let j = 0; j < vectors; j++) load(value[j], from, j);
        for (let j = 0; j < vectors; j++) v128.store({ offset: 16 * j }, to, value[j]);
      });
    /** `vectors` from the start and as many that end with the last lane. */
    const overlapping = (vectors: number) => {
      ends(4 * vectors);
      eachPlane(() => {
        for (let j = 0; j < vectors; j++) load(value[j], from, j);
        set(source, i32.add(from, endFrom));
        for (let j = 0; j < vectors; j++) load(value[vectors + j], source, j);
        for (let j = 0; j < vectors; j++) v128.store({ offset: 16 * j }, to, value[j]);
        set(source, i32.add(to, endTo));
        for (let j = 0; j < vectors; j++) v128.store({ offset: 16 * j }, source, value[vectors + j]);
      });
    };
    const single = () =>
      eachPlane(() => {
        set(source, from);
        set(lane, to);
        set(endTo, i32.add(to, i32.shl(length, 2)));
        loopWhileBelow(lane, endTo, 4, () => {
          if (spacing === 'none') f32.store({}, lane, f32.const(0));
          else f32.store({}, lane, f32.load({}, source));
          if (spacing === 'any') advance(source, i32.shl(stepX, 2));
          else advance(source, bytes);
        });
      });
    const atLeast = (lanes: number, yes: () => void, no: () => void) => {
      i32.ge_u(length, lanes);
      if_({}, yes, no);
    };
    const below = () =>
      atLeast(
        8,
        () => overlapping(2),
        () => atLeast(4, () => overlapping(1), single),
      );
    i32.eq(length, nr);
    if_({}, () => fixed(nr / 4), below);

    /** Four lanes, the first of them lane 4·j from `base`. */
    function load(into: Local<'v128'>, base: Local, j: number): void {
      if (spacing === 1) set(into, v128.load({ offset: 16 * j }, base));
      // Elements 0 2 4 6, and not one more: of the second vector, which starts at element 3, those at 1 and 3.
      if (spacing === 2)
        set(into, i8x16.shuffle(words(0, 2, 5, 7), v128.load({ offset: 32 * j }, base), v128.load({ offset: 32 * j + 12 }, base)));
      if (spacing === 'any') {
        if (j === 0) set(lane, base);
        set(into, v128.load32_zero({}, lane));
        for (let i = 1; i < 4; i++) {
          advance(lane, i32.shl(stepX, 2));
          set(into, v128.load32_lane({}, i, lane, into));
        }
        advance(lane, i32.shl(stepX, 2));
      }
    }
  });
}

/** Planes that are read together: each lies in other pages, and a processor remembers where some dozens of pages are. */
const PLANES_AT_ONCE = 32;

const PACK = {
  ...{ table: i32, image: i32, to: i32, planes: i32, steps: i32, imageQ: i32, sizeY: i32, sizeX: i32, stepX: i32 },
  ...{ tapsY: i32, tapsX: i32, shiftY: i32, shiftX: i32, shiftStepY: i32, shiftStepX: i32 },
} as const;
export const PACK_ARGUMENTS = Object.keys(PACK) as (keyof typeof PACK)[];

/** Generates `pack(table, image, to, planes, steps, ..)`: `planes` planes from `image` on, of all runs; `steps` is planes times taps. */
export function packRunsRoutine(nr: number, spacing: Spacing): Routine {
  const copy = copyRoutine(nr, spacing);
  const zero = copyRoutine(nr, 'none');
  const places = { run: i32, length: i32, base: i32, target: i32, stripBytes: i32, nextTo: i32 } as const;
  const taps = { some: i32, u: i32, v: i32, row: i32, x: i32, low: i32, high: i32 } as const;
  return routine(PACK, { ...places, ...taps }, (names) => {
    const { table, image, to, planes, steps, imageQ, sizeY, sizeX, stepX, tapsY, tapsX } = names;
    const { run, length, base, target, stripBytes, nextTo, some, u, v, row, x, low, high } = names;
    set(stripBytes, i32.mul(steps, 4 * nr));
    set(nextTo, i32.mul(i32.mul(tapsY, tapsX), 4 * nr));
    untilZero(planes, () => {
      min(some, planes, PLANES_AT_ONCE);
      set(run, table);
      set(length, i32.load({ offset: RUN.length }, run));
      untilZero(length, () => {
        packRun();
        advance(run, RUN_BYTES);
        set(length, i32.load({ offset: RUN.length }, run));
      });
      advance(image, i32.mul(some, imageQ));
      advance(to, i32.mul(some, nextTo));
      set(planes, i32.sub(planes, some));
    });

    function packRun() {
      set(base, i32.add(image, i32.load({ offset: RUN.image }, run)));
      set(target, i32.add(to, i32.mul(i32.load({ offset: RUN.strip }, run), stripBytes)));
      advance(target, i32.load({ offset: RUN.lane }, run));
      set(row, i32.add(i32.load({ offset: RUN.y }, run), names.shiftY));
      set(u, 0);
      loopWhileBelow(u, tapsY, 1, () => {
        set(x, i32.add(i32.load({ offset: RUN.x }, run), names.shiftX));
        set(v, 0);
        loopWhileBelow(v, tapsX, 1, () => {
          i32.and(isRow(), isWithin());
          if_({}, copyAll, copyPart);
          advance(target, 4 * nr);
          advance(x, names.shiftStepX);
        });
        advance(row, names.shiftStepY);
      });
    }
    function isRow() {
      return i32.lt_u(row, sizeY);
    }
    /** Whether the run's first and last lane lie in the row. */
    function isWithin() {
      return i32.and(i32.ge_s(x, 0), i32.lt_s(i32.add(x, i32.mul(i32.sub(length, 1), stepX)), sizeX));
    }
    function elementOf(lane: Local | number) {
      return i32.add(base, i32.shl(i32.add(i32.mul(row, sizeX), i32.add(x, i32.mul(lane, stepX))), 2));
    }
    function copyAll() {
      call(copy, [elementOf(0), target, length, some, imageQ, nextTo, ...(spacing === 'any' ? [stepX] : [])]);
    }
    function copyPart() {
      call(zero, [0, target, length, some, 0, nextTo]);
      isRow();
      if_({}, () => {
        // Lanes from the first at or after column 0 to the last before the row's end.
        lanesBefore(low, i32.sub(0, x));
        lanesBefore(high, i32.sub(sizeX, x));
        min(high, high, length);
        i32.lt_u(low, high);
        if_({}, () =>
          call(copy, [
            elementOf(low),
            i32.add(target, i32.shl(low, 2)),
            i32.sub(high, low),
            some,
            imageQ,
            nextTo,
            ...(spacing === 'any' ? [stepX] : []),
          ]),
        );
      });
    }
    /** `into` = ⌈columns / stepX⌉, 0 where there are none: the lanes that start within so many columns. */
    function lanesBefore(into: Local, columns: Value): void {
      set(into, columns);
      set(into, i32.div_s(i32.sub(i32.add(into, stepX), 1), stepX));
      // wasmati's i32.gt_s makes an unsigned comparison.
      set(into, i32.and(into, i32.sub(0, i32.lt_s(0, into))));
    }
  });
}
