// A window slides over an image, by an axis at a time. This file says how far it goes, and which elements it reaches: shared by convolution and pooling.
//
//   before = 1, window = 3, dilation = 1, stride = 2:      0 | a b c d e | 0       windows [0 a b] [b c d] [d e 0]

/** A window of `window` taps, `dilation` apart, that moves by `stride` over `size` elements with `before` and `after` elements of padding around them. */
export interface Axis {
  readonly size: number;
  readonly window: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
}

/** One number for both axes, or the vertical one first. */
export type Pair = number | readonly [vertical: number, horizontal: number];

/**
 * Elements around the image: one number, [vertical, horizontal], [top, bottom, left, right], or `same`: as many as make ⌈size / stride⌉ windows, the odd one
 * at the end.
 */
export type Padding = Pair | readonly [top: number, bottom: number, left: number, right: number] | 'same';

/** How far positions of a result reach along an axis of an image: element (position·step + tap·tapStep − offset) / divisor, where that is one. */
export interface Reach {
  /** Positions of the result. */
  readonly positions: number;
  /** Taps of each. */
  readonly taps: number;
  readonly step: number;
  readonly tapStep: number;
  readonly offset: number;
  readonly divisor: number;
  /** Elements of the image; others count as zero. */
  readonly extent: number;
}

const pair = (value: Pair): readonly [number, number] => (typeof value === 'number' ? [value, value] : value);

/** Elements from a window's first tap to its last. */
const spanOf = ({ window, dilation }: Pick<Axis, 'window' | 'dilation'>): number => dilation * (window - 1) + 1;

function paddingOf(padding: Padding, axes: readonly Omit<Axis, 'before' | 'after'>[]): readonly (readonly [number, number])[] {
  if (padding === 'same')
    return axes.map((axis) => {
      const windows = Math.ceil(axis.size / axis.stride);
      const total = Math.max(0, (windows - 1) * axis.stride + spanOf(axis) - axis.size);
      return [Math.floor(total / 2), Math.ceil(total / 2)];
    });
  if (typeof padding !== 'number' && padding.length === 4)
    return [
      [padding[0], padding[1]],
      [padding[2], padding[3]],
    ];
  return pair(padding).map((each) => [each, each]);
}

export interface WindowOptions {
  readonly size: readonly [number, number];
  readonly window: Pair;
  readonly stride?: Pair;
  readonly padding?: Padding;
  readonly dilation?: Pair;
}

/** The vertical and the horizontal axis; stride and dilation 1 and no padding if left out. Throws a RangeError of `op` that names the bad value. */
export function axesOf(op: string, { size, window, stride = 1, padding = 0, dilation = 1 }: WindowOptions): readonly [Axis, Axis] {
  const [windows, strides, dilations] = [pair(window), pair(stride), pair(dilation)];
  const bare = size.map((each, d) => ({ size: each, window: windows[d], stride: strides[d], dilation: dilations[d] }));
  bare.forEach((axis, d) => {
    for (const [name, value] of Object.entries(axis)) checkWhole(`${op}: ${d === 0 ? 'vertical' : 'horizontal'} ${name}`, value, 1);
  });
  const pads = paddingOf(padding, bare);
  const [vertical, horizontal] = bare.map((axis, d) => ({ ...axis, before: pads[d][0], after: pads[d][1] }));
  for (const axis of [vertical, horizontal]) {
    checkWhole(`${op}: padding`, axis.before, 0);
    checkWhole(`${op}: padding`, axis.after, 0);
    const padded = axis.size + axis.before + axis.after;
    if (spanOf(axis) > padded)
      throw new RangeError(
        `${op}: a window of ${axis.window} taps with dilation ${axis.dilation} spans ${spanOf(axis)} elements, more than the ${padded} of the padded input`,
      );
  }
  return [vertical, horizontal];
}

/** Throws a RangeError unless `value` is a whole number from `least` to 2^30. */
export function checkWhole(name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least || value > 2 ** 30)
    throw new RangeError(`${name} is ${value}, expected a whole number from ${least} to 2^30`);
}

/** Windows along an axis. */
export const windowsOf = (axis: Axis): number => Math.floor((axis.size + axis.before + axis.after - spanOf(axis)) / axis.stride) + 1;

/** Which elements of the image a window sees. */
export const windowReach = (axis: Axis): Reach => ({
  positions: windowsOf(axis),
  taps: axis.window,
  step: axis.stride,
  tapStep: axis.dilation,
  offset: axis.before,
  divisor: 1,
  extent: axis.size,
});

/** Which windows see an element of the image, and by which of their taps. */
export const elementReach = (axis: Axis): Reach => ({
  positions: axis.size,
  taps: axis.window,
  step: 1,
  tapStep: -axis.dilation,
  offset: -axis.before,
  divisor: axis.stride,
  extent: windowsOf(axis),
});

/** Which elements of the image a tap sees, window by window. */
export const tapReach = (axis: Axis): Reach => ({
  positions: axis.window,
  taps: windowsOf(axis),
  step: axis.dilation,
  tapStep: axis.stride,
  offset: axis.before,
  divisor: 1,
  extent: axis.size,
});

/** A reach as the arguments that kernels take. */
export const reachNumbers = ({ positions, taps, step, tapStep, offset, divisor, extent }: Reach): number[] => [
  positions,
  taps,
  step,
  tapStep,
  offset,
  divisor,
  extent,
];
