// One element of a convolution or of a gradient in float64, by itself: what results too large for the whole reference are checked by.

import type { Conv2dProblem } from '../problems/conv2d.ts';
import { type Axis, windowsOf } from '../problems/window.ts';
import type { ReferenceElement } from '../reference.ts';

type Operands = Readonly<Record<string, ArrayLike<number>>>;

/** A sum of products, with the sum of their magnitudes. */
class Sum {
  value = 0;
  scale = 0;

  add(product: number): void {
    this.value += product;
    this.scale += Math.abs(product);
  }
}

/** Sizes of a problem, and where elements lie in its operands. */
function layoutOf({ channels, filters, groups, vertical, horizontal }: Conv2dProblem) {
  const [channelsEach, filtersEach] = [channels / groups, filters / groups];
  const [rows, columns] = [windowsOf(vertical), windowsOf(horizontal)];
  return {
    channelsEach,
    filtersEach,
    rows,
    columns,
    input: (n: number, c: number, row: number, column: number) => ((n * channels + c) * vertical.size + row) * horizontal.size + column,
    /** `c` counts the channels of one group. */
    filter: (k: number, c: number, r: number, s: number) => ((k * channelsEach + c) * vertical.window + r) * horizontal.window + s,
    output: (n: number, k: number, y: number, x: number) => ((n * filters + k) * rows + y) * columns + x,
  };
}

/** Where along an axis a window's tap lies; -1 in padding. */
function tapAt({ stride, dilation, before, size }: Axis, window: number, tap: number): number {
  const at = window * stride + tap * dilation - before;
  return at >= 0 && at < size ? at : -1;
}

/** The window whose tap lies on an element; -1 where there is none. */
function windowAt({ stride, dilation, before }: Axis, windows: number, element: number, tap: number): number {
  const window = (element + before - tap * dilation) / stride;
  return Number.isInteger(window) && window >= 0 && window < windows ? window : -1;
}

/** An index over four dimensions, taken apart. */
const split = (index: number, ...[b, c, d]: readonly [number, number, number]): [number, number, number, number] => [
  Math.floor(index / d / c / b),
  Math.floor(index / d / c) % b,
  Math.floor(index / d) % c,
  index % d,
];

function forward(problem: Conv2dProblem, { input, filter }: Operands, index: number): Sum {
  const { filters, vertical, horizontal } = problem;
  const at = layoutOf(problem);
  const [n, k, y, x] = split(index, filters, at.rows, at.columns);
  const first = Math.floor(k / at.filtersEach) * at.channelsEach;
  const sum = new Sum();
  for (let r = 0; r < vertical.window; r++)
    for (let s = 0; s < horizontal.window; s++) {
      const [row, column] = [tapAt(vertical, y, r), tapAt(horizontal, x, s)];
      if (row < 0 || column < 0) continue;
      for (let c = 0; c < at.channelsEach; c++) sum.add(input[at.input(n, first + c, row, column)] * filter[at.filter(k, c, r, s)]);
    }
  return sum;
}

function inputGrad(problem: Conv2dProblem, { filter, outputGrad }: Operands, index: number): Sum {
  const { channels, vertical, horizontal } = problem;
  const at = layoutOf(problem);
  const [n, channel, row, column] = split(index, channels, vertical.size, horizontal.size);
  const first = Math.floor(channel / at.channelsEach) * at.filtersEach;
  const sum = new Sum();
  for (let r = 0; r < vertical.window; r++)
    for (let s = 0; s < horizontal.window; s++) {
      const [y, x] = [windowAt(vertical, at.rows, row, r), windowAt(horizontal, at.columns, column, s)];
      if (y < 0 || x < 0) continue;
      for (let k = first; k < first + at.filtersEach; k++)
        sum.add(outputGrad[at.output(n, k, y, x)] * filter[at.filter(k, channel % at.channelsEach, r, s)]);
    }
  return sum;
}

function filterGrad(problem: Conv2dProblem, { input, outputGrad }: Operands, index: number): Sum {
  const { batch, vertical, horizontal } = problem;
  const at = layoutOf(problem);
  const [k, c, r, s] = split(index, at.channelsEach, vertical.window, horizontal.window);
  const channel = Math.floor(k / at.filtersEach) * at.channelsEach + c;
  const sum = new Sum();
  for (let y = 0; y < at.rows; y++)
    for (let x = 0; x < at.columns; x++) {
      const [row, column] = [tapAt(vertical, y, r), tapAt(horizontal, x, s)];
      if (row < 0 || column < 0) continue;
      for (let n = 0; n < batch; n++) sum.add(outputGrad[at.output(n, k, y, x)] * input[at.input(n, channel, row, column)]);
    }
  return sum;
}

/** Element `index` of the result of a conv2d problem, and the scale of its rounding errors: the sum of the magnitudes of its products, of the bias and of the residual. */
export function conv2dElement(problem: Conv2dProblem, operands: Operands, index: number): ReferenceElement {
  if (problem.pass === 'input-grad') return inputGrad(problem, operands, index);
  if (problem.pass === 'filter-grad') return filterGrad(problem, operands, index);
  const sum = forward(problem, operands, index);
  const { epilogue, filters } = problem;
  const { rows, columns } = layoutOf(problem);
  if (epilogue.bias) sum.add(operands.bias[Math.floor(index / rows / columns) % filters]);
  if (epilogue.residual) sum.add(operands.residual[index]);
  return { value: epilogue.relu ? Math.max(sum.value, 0) : sum.value, scale: sum.scale };
}
