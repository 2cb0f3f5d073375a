// Lanes of the image matrix: how a block of its columns is found in the image, and packed for the register tile without the matrix ever being whole.
//
//   columns (lanes)   one for each element (b, y, x) of a plane of the result        row (step)   one for each plane q and tap (u, v)
//   table             | base of b | y·step − offset | x·step − offset | whether this lane and the next three are neighbours in a row of the image |
//
// The element where they meet is at (table's y + u·tapStep, table's x + v·tapStep) of plane base + q, or zero where that is outside. Four neighbours are one
// load. What is packed lies in strips of NR lanes, step by step, as tile.ts reads it.

import { advance, f32, i32, if_, type Local, loopWhileBelow, type Routine, repeat, routine, set, v128 } from '../assembly.ts';
import { whereReached } from '../reach.ts';

/** Bytes of a lane's entry in the table. */
export const LANE_BYTES = 16;
/** Where a lane that does not exist lies: far outside of every image. */
const NOWHERE = -(2 ** 30);

const TABLE = {
  ...{ table: i32, first: i32, lanes: i32, width: i32, imageB: i32 },
  ...{ positionsY: i32, positionsX: i32, stepY: i32, stepX: i32, offsetY: i32, offsetX: i32 },
} as const;

/** Generates `tabulate(table, first, lanes, width, ..)`: entries of `width` lanes from lane `first` on, of which `lanes` exist. */
export function tableRoutine(): Routine {
  return routine(TABLE, { lane: i32, x: i32, y: i32, number: i32, entry: i32, joined: i32 }, (names) => {
    const { table, first, lanes, width, imageB, positionsY, positionsX, stepY, stepX, offsetY, offsetX } = names;
    const { lane, x, y, number, entry, joined } = names;
    set(entry, table);
    loopWhileBelow(lane, width, 1, () => {
      set(number, i32.add(first, lane));
      set(x, i32.rem_u(number, positionsX));
      set(number, i32.div_u(number, positionsX));
      set(y, i32.rem_u(number, positionsY));
      // Four neighbours: in one row of the result, a step of 1 apart, and all of them there.
      set(joined, i32.and(i32.eq(stepX, 1), i32.le_u(i32.add(x, 4), positionsX)));
      set(joined, i32.and(joined, i32.le_u(i32.add(lane, 4), lanes)));
      i32.store({ offset: 0 }, entry, i32.mul(i32.div_u(number, positionsY), imageB));
      i32.store({ offset: 4 }, entry, i32.sub(i32.mul(y, stepY), offsetY));
      i32.store({ offset: 8 }, entry, i32.sub(i32.mul(x, stepX), offsetX));
      i32.store({ offset: 12 }, entry, joined);
      i32.ge_u(lane, lanes);
      if_({}, () => i32.store({ offset: 4 }, entry, NOWHERE));
      advance(entry, LANE_BYTES);
    });
  });
}

/** The arguments of `tabulate`, by name. */
export const TABLE_ARGUMENTS = Object.keys(TABLE) as (keyof typeof TABLE)[];

const PACK = {
  ...{ plane: i32, fromY: i32, fromX: i32, table: i32, to: i32, strips: i32, strip: i32 },
  ...{ sizeY: i32, sizeX: i32, divisorY: i32, divisorX: i32 },
} as const;

/** The arguments of `pack`, by name. */
export const PACK_ARGUMENTS = Object.keys(PACK) as (keyof typeof PACK)[];

/**
 * Generates `pack(plane, fromY, fromX, table, to, strips, strip, ..)`: one step of all lanes. `fromY`, `fromX`: the tap's part of positions; `strip`: bytes
 * from a strip to the next.
 */
export function packStepRoutine(width: number, isDivided: boolean): Routine {
  const locals = { groups: i32, target: i32, left: i32, lane: i32, y: i32, x: i32, row: i32, column: i32, value: f32 } as const;
  return routine(PACK, locals, (names) => {
    const { plane, fromY, fromX, table, to, strips, strip, sizeY, sizeX, divisorY, divisorX } = names;
    const { groups, target, left, lane, y, x, row, column, value } = names;
    repeat(strips, () => {
      set(target, to);
      set(groups, width / 4);
      repeat(groups, () => {
        set(y, i32.add(i32.load({ offset: 4 }, table), fromY));
        set(x, i32.add(i32.load({ offset: 8 }, table), fromX));
        if (isDivided) oneByOne();
        else {
          i32.and(i32.load({ offset: 12 }, table), i32.and(i32.lt_u(y, sizeY), isInside()));
          if_({}, fourAtOnce, oneByOne);
        }
        advance(target, 16);
        advance(table, 4 * LANE_BYTES);
      });
      advance(to, strip);
    });

    /** Whether x to x + 3 lie in the row. */
    function isInside() {
      return i32.and(i32.lt_u(x, sizeX), i32.lt_u(i32.add(x, 3), sizeX));
    }
    function addressOf(base: Local, at: Local) {
      return i32.add(i32.add(plane, i32.load({}, base)), i32.shl(at, 2));
    }
    function fourAtOnce() {
      set(row, i32.add(i32.mul(y, sizeX), x));
      v128.store({}, target, v128.load({}, addressOf(table, row)));
    }
    function oneByOne() {
      set(left, 0);
      set(lane, table);
      loopWhileBelow(left, 16, 4, () => {
        set(value, f32.const(0));
        set(y, i32.add(i32.load({ offset: 4 }, lane), fromY));
        set(x, i32.add(i32.load({ offset: 8 }, lane), fromX));
        whereReached(row, y, divisorY, sizeY, isDivided, () => {
          whereReached(column, x, divisorX, sizeX, isDivided, () => {
            set(row, i32.add(i32.mul(row, sizeX), column));
            set(value, f32.load({}, addressOf(lane, row)));
          });
        });
        f32.store({}, i32.add(target, left), value);
        advance(lane, LANE_BYTES);
      });
    }
  });
}
