// A shape is the sizes of a tensor's dimensions, outermost first; [] is one number. Here are NumPy's rules for axes and broadcasting.
//
// Every size is at least 1: kernels know no empty tensors.

export type Shape = readonly number[];

/** Elements of a tensor with this shape. */
export const sizeOf = (shape: Shape): number => shape.reduce((product, size) => product * size, 1);

export const equalShapes = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((size, axis) => size === b[axis]);

/** Row-major strides of a dense tensor, in elements. */
export function denseStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  for (let axis = shape.length - 1, stride = 1; axis >= 0; stride *= shape[axis--]) strides[axis] = stride;
  return strides;
}

/** Throws a RangeError unless every size is a whole number from 1. */
export function checkShape(who: string, shape: Shape): void {
  const bad = shape.find((size) => !Number.isInteger(size) || size < 1);
  if (bad !== undefined) throw new RangeError(`${who}: shape [${shape}] has the size ${bad}, expected whole numbers from 1`);
}

/** The shape that all of `shapes` broadcast to: aligned at the last axis, sizes equal or 1. Throws a RangeError that names the axis that does not fit. */
export function broadcastShapes(who: string, shapes: readonly Shape[]): Shape {
  const rank = Math.max(...shapes.map(({ length }) => length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    const size = sizes.find((each) => each !== 1) ?? 1;
    const other = sizes.find((each) => each !== 1 && each !== size);
    if (other !== undefined)
      throw new RangeError(
        `${who}: shapes ${shapes.map((shape) => `[${shape}]`).join(' and ')} do not broadcast: axis ${axis} has ${size} and ${other}`,
      );
    return size;
  });
}

/** Strides of a tensor seen as `to`, which its shape broadcasts to: 0 along axes that repeat it. */
export function broadcastStrides(shape: Shape, strides: readonly number[], to: Shape): number[] {
  const lead = to.length - shape.length;
  return to.map((size, axis) => (axis < lead || (shape[axis - lead] === 1 && size !== 1) ? 0 : strides[axis - lead]));
}

/** Axes of `to` along which a tensor of `shape` was repeated. */
export const broadcastAxes = (shape: Shape, to: Shape): number[] =>
  to.flatMap((size, axis) => {
    const own = shape[axis - to.length + shape.length];
    return own === undefined || (own === 1 && size !== 1) ? [axis] : [];
  });

/** An axis counted from the front; -1 is the last. Throws a RangeError outside the rank. */
export function axisOf(who: string, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank)
    throw new RangeError(
      `${who}: axis is ${axis}, expected ${rank === 0 ? 'none: the tensor is one number' : `a whole number from ${-rank} to ${rank - 1}`}`,
    );
  return axis < 0 ? axis + rank : axis;
}

/** Axes counted from the front, ascending; all of them where `axes` is left out. Throws a RangeError on a repeated axis. */
export function axesOf(who: string, axes: number | readonly number[] | undefined, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, axis) => axis);
  const found = (typeof axes === 'number' ? [axes] : axes).map((axis) => axisOf(who, axis, rank));
  if (new Set(found).size !== found.length) throw new RangeError(`${who}: axes [${axes}] name an axis twice`);
  return found.sort((a, b) => a - b);
}
