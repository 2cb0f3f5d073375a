// Rows of an image, copied to where zeros lie around them, in one part or deinterleaved into two.

import { advance, f32, i8x16, i32, if_, type Local, type Routine, repeat, routine, set, type Value, v128 } from '../../assembly.ts';
import type { Geometry } from './geometry.ts';

/** `from`: row 0 of a plane; `first`: the first row to copy, which may lie outside: such rows are zero; `part`: bytes from a part of a row to the next. */
const COPY = { from: i32, to: i32, first: i32, rows: i32, height: i32, width: i32, pitch: i32, part: i32 } as const;

const words = (...lanes: number[]): number[] => lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte));

/** Generates `copyRows(from, to, first, rows, height, width, pitch, part)`; it writes the `width` columns and leaves what lies around them as it is. */
export function copyRowsRoutine({ parts, left }: Pick<Geometry, 'parts' | 'left'>): Routine {
  const locals = { source: i32, target: i32, other: i32, spare: i32, count: i32, low: v128, high: v128 } as const;
  return routine(COPY, locals, (names) => {
    const { from, to, first, rows, height, width, pitch, part, source, target, other, spare, count, low, high } = names;
    repeat(rows, () => {
      set(source, i32.add(from, i32.shl(i32.mul(first, width), 2)));
      // Column 0 goes to part `left` mod parts; the next column to the other part, an element on where that is the first.
      set(target, i32.add(to, 4 * Math.floor(left / parts)));
      set(other, i32.add(target, part));
      if (parts === 2 && left % 2 === 1) {
        set(other, i32.add(target, 4));
        advance(target, part);
      }
      i32.lt_u(first, height);
      if_({}, copyRow, zeroRow);
      advance(first, 1);
      advance(to, pitch);
    });

    function copyRow() {
      eachColumn(
        () => {
          set(low, v128.load({}, source));
          set(high, v128.load({ offset: 16 }, source));
          storeEight(
            () => (parts === 1 ? low : i8x16.shuffle(words(0, 2, 4, 6), low, high)),
            () => (parts === 1 ? high : i8x16.shuffle(words(1, 3, 5, 7), low, high)),
          );
        },
        (to) => f32.store({}, to, f32.load({}, source)),
      );
    }
    function zeroRow() {
      set(low, v128.const('f32x4', [0, 0, 0, 0]));
      eachColumn(
        () =>
          storeEight(
            () => low,
            () => low,
          ),
        (to) => f32.store({}, to, f32.const(0)),
      );
    }
    function storeEight(first: () => Value<'v128'>, second: () => Value<'v128'>) {
      v128.store({}, target, first());
      v128.store({ offset: parts === 1 ? 16 : 0 }, parts === 1 ? target : other, second());
    }
    /** Columns by eight; the last eight overlap those before where they fall into the same places of the parts; else one by one, to the parts in turn. */
    function eachColumn(eight: () => void, one: (to: Local) => void) {
      const pointers = parts === 2 ? [target, other] : [target];
      set(count, i32.shr_u(width, 3));
      repeat(count, () => {
        eight();
        advance(source, 32);
        for (const pointer of pointers) advance(pointer, 32 / parts);
      });
      set(count, i32.and(width, 7));
      i32.and(i32.gt_u(width, 7), parts === 2 ? i32.eqz(i32.and(width, 1)) : i32.gt_u(width, 7));
      if_({}, () => {
        set(spare, i32.sub(8, count));
        set(source, i32.sub(source, i32.shl(spare, 2)));
        for (const pointer of pointers) set(pointer, i32.sub(pointer, parts === 2 ? i32.shl(spare, 1) : i32.shl(spare, 2)));
        eight();
        set(count, 0);
      });
      repeat(count, () => {
        one(target);
        advance(source, 4);
        if (parts === 1) return advance(target, 4);
        // The parts change places: what comes next in this one is an element on.
        set(spare, i32.add(target, 4));
        set(target, other);
        set(other, spare);
      });
    }
  });
}
