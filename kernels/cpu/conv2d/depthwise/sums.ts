// The gradient of a depthwise filter: every tap of a filter adds up a product over all windows of all images, in vectors that are added up at the end.
//
//   for each row of windows, eight at a time:   one vector of the gradient;  for each tap:  sum[tap] += gradient · vector of the copied image
//
// Windows past the end of a row meet zeros of the copied gradient. Taps are taken in groups whose sums fit into registers.

import { advance, f32, f32x4, i32, loopWhileBelow, multiplyAdd, type Routine, repeat, routine, set, v128 } from '../../assembly.ts';
import { type Geometry, LANES, type PlacedTap } from './geometry.ts';

/** Sums of a group, of two vectors each. */
const SUMS_TOGETHER = 9;
/** Bytes of a tap's sum in memory. */
export const SUM_BYTES = 4 * LANES;

/** `source`: the copied rows of the image, `pitch` bytes apart, `part` bytes between parts; `grad`: copied rows of the gradient, `gradPitch` apart. */
const SUMS = { source: i32, pitch: i32, part: i32, grad: i32, gradPitch: i32, rows: i32, sums: i32 } as const;

/** Generates `add(source, pitch, part, grad, gradPitch, rows, sums)`: adds the products of `rows` rows of windows to the sums of all taps. */
export function addSumsRoutine({ down, across, stepY }: Geometry, window: number, fma: boolean): Routine {
  const taps = down[0].flatMap((vertical) => across[0].map((horizontal) => ({ vertical, horizontal })));
  const groups: { vertical: PlacedTap; horizontal: PlacedTap }[][] = [];
  for (let at = 0; at < taps.length; at += SUMS_TOGETHER) groups.push(taps.slice(at, at + SUMS_TOGETHER));
  const places = { y: i32, x: i32, row: i32, line: i32, from: i32, other: i32 } as const;
  const vectors = { sum: [v128, 2 * SUMS_TOGETHER], gradient: [v128, 2], image: [v128, 2] } as const;
  return routine(SUMS, { ...places, ...vectors }, (names) => {
    const { source, pitch, part, grad, gradPitch, rows, sums, y, x, row, line, from, other, sum, gradient, image } = names;
    const multiply = multiplyAdd(fma);
    for (const group of groups) {
      const place = ({ vertical, horizontal }: (typeof group)[number]) => SUM_BYTES * (vertical.tap * window + horizontal.tap);
      group.forEach((tap, i) => {
        for (const half of [0, 1]) set(sum[2 * i + half], v128.load({ offset: place(tap) + 16 * half }, sums));
      });
      set(row, source);
      set(line, grad);
      set(y, rows);
      repeat(y, () => {
        set(x, 0);
        loopWhileBelow(x, gradPitch, 4 * LANES, () => {
          for (const half of [0, 1]) set(gradient[half], v128.load({ offset: 16 * half }, i32.add(line, x)));
          set(from, i32.add(row, x));
          let below = 0;
          group.forEach(({ vertical, horizontal }, i) => {
            for (; below < vertical.at; below++) advance(from, pitch);
            if (horizontal.part !== 0) set(other, i32.add(from, part));
            for (const half of [0, 1])
              set(image[half], v128.load({ offset: 4 * horizontal.at + 16 * half }, horizontal.part === 0 ? from : other));
            for (const half of [0, 1]) multiply(sum[2 * i + half], gradient[half], image[half]);
          });
        });
        advance(line, gradPitch);
        advance(row, stepY === 1 ? pitch : i32.mul(pitch, stepY));
      });
      group.forEach((tap, i) => {
        for (const half of [0, 1]) v128.store({ offset: place(tap) + 16 * half }, sums, sum[2 * i + half]);
      });
    }
  });
}

/** Generates `finish(sums, result, taps)`: the lanes of every tap's sum added up. */
export function finishSumsRoutine(): Routine {
  return routine({ sums: i32, result: i32, taps: i32 }, { sum: v128 }, ({ sums, result, taps, sum }) => {
    repeat(taps, () => {
      set(sum, f32x4.add(v128.load({}, sums), v128.load({ offset: 16 }, sums)));
      const lane = (i: 0 | 1 | 2 | 3) => f32x4.extract_lane(i, sum);
      f32.store({}, result, f32.add(f32.add(lane(0), lane(1)), f32.add(lane(2), lane(3))));
      advance(sums, SUM_BYTES);
      advance(result, 4);
    });
  });
}
