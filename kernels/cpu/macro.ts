// The macro-kernel covers a block of C with register tiles.
//
//   for each strip of NR columns:            its NR x k panel of B stays in the first-level cache
//     for each strip of MR rows:             the panels of A stream from the second
//       tile, straight into C where it fits; where it would reach past the edge, into a scratch tile of which the part that exists is copied

import { advance, call, f32, i32, if_, loopWhileBelow, min, type Routine, repeat, routine, set, type Value, v128 } from './assembly.ts';
import { type TileShape, tileRoutine } from './tile.ts';

/** `a`, `b`, `c`: addresses of the block's first elements; `stripA`, `stripB`: bytes from one strip to the next; the other strides are the tile's. */
const ARGUMENTS = {
  a: i32,
  b: i32,
  c: i32,
  rows: i32,
  columns: i32,
  k: i32,
  stripA: i32,
  stripB: i32,
  strideA: i32,
  strideB: i32,
  strideC: i32,
  bias: i32,
  alpha: i32,
  scratch: i32,
} as const;

/** Calls a macro-kernel; each argument is an instruction to emit, a local or a constant. */
export function callMacro(macro: Routine, values: Record<keyof typeof ARGUMENTS, () => Value>): void {
  const names = Object.keys(ARGUMENTS) as (keyof typeof ARGUMENTS)[];
  call(
    macro,
    names.map((name) => values[name]()),
  );
}

/** Bytes of the scratch tile that one thread needs. */
export const scratchBytes = ({ mr, nr }: Pick<TileShape, 'mr' | 'nr'>): number => Math.ceil((mr * nr * 4) / 64) * 64;

/** Generates `macro(a, b, c, rows, columns, k, ..)`. */
export function macroRoutine(shape: TileShape): Routine {
  const { mr, nr, accumulate, epilogue } = shape;
  const tile = tileRoutine(shape);
  const copy = copyTileRoutine();
  const locals = { i: i32, j: i32, panelA: i32, target: i32, height: i32, width: i32, left: i32 } as const;
  return routine(ARGUMENTS, locals, (names) => {
    const { a, b, c, rows, columns, k, stripA, stripB, strideA, strideB, strideC, bias, alpha, scratch } = names;
    const { i, j, panelA, target, height, width, left } = names;
    loopWhileBelow(j, columns, nr, () => {
      set(i, 0);
      set(panelA, a);
      set(target, c);
      set(left, i32.sub(columns, j));
      min(width, left, nr);
      loopWhileBelow(i, rows, mr, () => {
        set(left, i32.sub(rows, i));
        min(height, left, mr);
        i32.and(i32.eq(height, mr), i32.eq(width, nr));
        if_(
          {},
          () => call(tile, [panelA, b, target, k, strideA, strideB, strideC, height, bias, alpha]),
          () => {
            if (accumulate) call(copy, [target, scratch, height, width, strideC, nr * 4]);
            call(tile, [panelA, b, scratch, k, strideA, strideB, nr * 4, height, bias, alpha]);
            call(copy, [scratch, target, height, width, nr * 4, strideC]);
          },
        );
        advance(panelA, stripA);
        set(target, i32.add(target, i32.mul(strideC, mr)));
      });
      advance(b, stripB);
      advance(c, nr * 4);
      if (epilogue?.bias) advance(bias, nr * 4);
    });
  });
}

/** Generates `copy(from, to, rows, columns, strideFrom, strideTo)` for a part of a tile. */
function copyTileRoutine(): Routine {
  const inputs = { from: i32, to: i32, rows: i32, columns: i32, strideFrom: i32, strideTo: i32 } as const;
  return routine(
    inputs,
    { source: i32, target: i32, left: i32 },
    ({ from, to, rows, columns, strideFrom, strideTo, source, target, left }) => {
      repeat(rows, () => {
        set(source, from);
        set(target, to);
        set(left, i32.shr_u(columns, 2));
        repeat(left, () => {
          v128.store({}, target, v128.load({}, source));
          advance(source, 16);
          advance(target, 16);
        });
        set(left, i32.and(columns, 3));
        repeat(left, () => {
          f32.store({}, target, f32.load({}, source));
          advance(source, 4);
          advance(target, 4);
        });
        advance(from, strideFrom);
        advance(to, strideTo);
      });
    },
  );
}
