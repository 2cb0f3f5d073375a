// Packing copies a matrix, cut into strips of W lanes, into the order that register tiles read it: for each step of k, W lanes side by side.
//
//   lanes are adjacent in memory:              k is adjacent in memory:
//     k0:  l0 l1 l2 l3 ..                        l0:  k0 k1 k2 k3 ..          4x4 blocks are transposed in registers,
//     k1:  l0 l1 l2 l3 ..                        l1:  k0 k1 k2 k3 ..          four lanes at a time, so that only four
//     copied for several strips at once, so      ..                           source rows are in the cache at once
//     that each row is read in long pieces
//
// Lanes that do not exist are zero, so that the tile needs no edge case along them.

import {
  advance,
  block,
  br_if,
  call,
  f32,
  f32x4,
  i8x16,
  i32,
  if_,
  type Local,
  local,
  loopWhileBelow,
  min,
  type Routine,
  repeat,
  routine,
  set,
  untilZero,
  v128,
} from './assembly.ts';

export interface PackShape {
  /** W: lanes of a strip. */
  readonly width: number;
  /** Which of the two is contiguous in the source. */
  readonly contiguous: 'lanes' | 'k';
  /** Multiplies by alpha on the way. */
  readonly scale: boolean;
}

/** Lanes that are read side by side where they are adjacent: 512 bytes of a row. */
const LANES_AT_ONCE = 128;

/** `from`, `to`: addresses; `lanes` of them exist; `k` steps; `stride`: bytes between what is not contiguous; `alpha`: the address of alpha. */
const ARGUMENTS = { from: i32, to: i32, lanes: i32, k: i32, stride: i32, alpha: i32 } as const;

/** Generates `pack(from, to, lanes, k, stride, alpha)`, which writes ⌈lanes / W⌉ strips of W·k elements one after another. */
export function packRoutine(shape: PackShape): Routine {
  const { width, contiguous } = shape;
  const atOnce = contiguous === 'lanes' ? width * Math.ceil(LANES_AT_ONCE / width) : width;
  const whole = contiguous === 'lanes' ? copyRoutine(shape) : transposeRoutine(shape);
  const ragged = raggedRoutine(shape);
  return routine(ARGUMENTS, { some: i32, left: i32 }, ({ from, to, lanes, k, stride, alpha, some, left }) => {
    set(left, i32.sub(lanes, i32.rem_u(lanes, width)));
    set(lanes, i32.sub(lanes, left));
    untilZero(left, () => {
      min(some, left, atOnce);
      call(whole, [from, to, some, k, stride, alpha]);
      advance(from, i32.mul(some, contiguous === 'lanes' ? 4 : stride));
      advance(to, i32.shl(i32.mul(some, k), 2));
      set(left, i32.sub(left, some));
    });
    local.get(lanes);
    if_({}, () => call(ragged, [from, to, lanes, k, stride, alpha]));
  });
}

/** One scalar at a time, zeros for the lanes that are missing: for the last strip. */
function raggedRoutine({ width, contiguous, scale }: PackShape): Routine {
  return routine(ARGUMENTS, { lane: i32, source: i32, value: f32 }, ({ from, to, lanes, k, stride, alpha, lane, source, value }) => {
    repeat(k, () => {
      set(lane, 0);
      set(source, from);
      loopWhileBelow(lane, width, 1, () => {
        block({}, () => {
          set(value, 0);
          i32.ge_u(lane, lanes);
          br_if(0);
          set(value, f32.load({}, source));
          if (scale) set(value, f32.mul(value, f32.load({}, alpha)));
        });
        f32.store({}, to, value);
        advance(to, 4);
        advance(source, contiguous === 'lanes' ? 4 : stride);
      });
      advance(from, contiguous === 'lanes' ? stride : 4);
    });
  });
}

/** Whole strips side by side: for each step of k, W lanes of every strip, as vectors, then the two or one that are left. */
function copyRoutine({ width, scale }: PackShape): Routine {
  const locals = { factor: v128, source: i32, target: i32, end: i32, strip: i32 } as const;
  return routine(ARGUMENTS, locals, ({ from, to, lanes, k, stride, alpha, factor, source, target, end, strip }) => {
    if (scale) set(factor, v128.load32_splat({}, alpha));
    const scaled = (load: () => ReturnType<typeof v128.load>) => (scale ? f32x4.mul(load(), factor) : load());
    set(strip, i32.mul(k, 4 * width));
    repeat(k, () => {
      set(source, from);
      set(target, to);
      set(end, i32.add(from, i32.shl(lanes, 2)));
      loopWhileBelow(source, end, 4 * width, () => {
        let lane = 0;
        for (; lane + 4 <= width; lane += 4)
          v128.store(
            { offset: 4 * lane },
            target,
            scaled(() => v128.load({ offset: 4 * lane }, source)),
          );
        if (width - lane >= 2) {
          v128.store64_lane(
            { offset: 4 * lane },
            0,
            target,
            scaled(() => v128.load64_zero({ offset: 4 * lane }, source)),
          );
          lane += 2;
        }
        if (width - lane === 1)
          v128.store32_lane(
            { offset: 4 * lane },
            0,
            target,
            scaled(() => v128.load32_zero({ offset: 4 * lane }, source)),
          );
        advance(target, strip);
      });
      advance(to, 4 * width);
      advance(from, stride);
    });
  });
}

/** Byte indices of a shuffle that picks four 32-bit lanes out of two vectors (0 to 3 and 4 to 7). */
const words = (...lanes: number[]): number[] => lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte));

/** One strip: four lanes at a time over all of k, in 4x4 blocks; then single lanes; the steps that are left of k one by one. */
function transposeRoutine({ width, scale }: PackShape): Routine {
  const locals = { source: [i32, 4], target: i32, steps: i32, factor: v128, row: [v128, 4], pair: [v128, 4] } as const;
  return routine(ARGUMENTS, locals, ({ from, to, k, stride, alpha, source, target, steps, factor, row, pair }) => {
    if (scale) set(factor, v128.load32_splat({}, alpha));
    for (let lane = 0; lane < width; ) {
      const group = lane + 4 <= width ? 4 : 1;
      set(target, i32.add(to, 4 * lane));
      set(source[0], from);
      for (let i = 1; i < group; i++) set(source[i], i32.add(source[i - 1], stride));
      set(from, i32.add(source[group - 1], stride));
      set(steps, i32.shr_u(k, 2));
      repeat(steps, () => {
        for (let i = 0; i < group; i++) {
          set(row[i], v128.load({}, source[i]));
          if (scale) set(row[i], f32x4.mul(row[i], factor));
          advance(source[i], 16);
        }
        if (group === 4) storeTransposed(target, row, pair);
        else for (let p = 0; p < 4; p++) v128.store32_lane({ offset: 4 * p * width }, p, target, row[0]);
        advance(target, 16 * width);
      });
      set(steps, i32.and(k, 3));
      repeat(steps, () => {
        for (let i = 0; i < group; i++) {
          set(row[i], v128.load32_zero({}, source[i]));
          if (scale) set(row[i], f32x4.mul(row[i], factor));
          v128.store32_lane({ offset: 4 * i }, 0, target, row[i]);
          advance(source[i], 4);
        }
        advance(target, 4 * width);
      });
      lane += group;
    }
  });

  function storeTransposed(target: Local, row: Local<'v128'>[], pair: Local<'v128'>[]) {
    set(pair[0], i8x16.shuffle(words(0, 4, 1, 5), row[0], row[1]));
    set(pair[1], i8x16.shuffle(words(0, 4, 1, 5), row[2], row[3]));
    set(pair[2], i8x16.shuffle(words(2, 6, 3, 7), row[0], row[1]));
    set(pair[3], i8x16.shuffle(words(2, 6, 3, 7), row[2], row[3]));
    for (let p = 0; p < 4; p++) {
      const [low, high] = p < 2 ? [pair[0], pair[1]] : [pair[2], pair[3]];
      v128.store({ offset: 4 * p * width }, target, i8x16.shuffle(p % 2 === 0 ? words(0, 1, 4, 5) : words(2, 3, 6, 7), low, high));
    }
  }
}
