// Convolution and its gradients in float64: one walk over all products, each added to the element of the result that it belongs to.

import { type Conv2dProblem, conv2dOperands } from '../problems/conv2d.ts';
import { windowsOf } from '../problems/window.ts';

/** Every element of the result, with the scale that rounding errors are measured by: the sum of the magnitudes of its products, of the bias and of the residual. */
export interface ScaledResult {
  readonly values: Float64Array;
  readonly scales: Float64Array;
}

/** Flat indices of the elements of input, filter and output that meet in a product. */
function* products({
  batch,
  channels,
  filters,
  groups,
  vertical,
  horizontal,
}: Conv2dProblem): Generator<readonly [number, number, number]> {
  const [perGroup, rows, columns] = [channels / groups, windowsOf(vertical), windowsOf(horizontal)];
  for (let n = 0; n < batch; n++)
    for (let k = 0; k < filters; k++)
      for (let y = 0; y < rows; y++)
        for (let x = 0; x < columns; x++)
          for (let c = 0; c < perGroup; c++)
            for (let r = 0; r < vertical.window; r++)
              for (let s = 0; s < horizontal.window; s++) {
                const row = y * vertical.stride + r * vertical.dilation - vertical.before;
                const column = x * horizontal.stride + s * horizontal.dilation - horizontal.before;
                if (row < 0 || row >= vertical.size || column < 0 || column >= horizontal.size) continue;
                const channel = Math.floor(k / (filters / groups)) * perGroup + c;
                yield [
                  ((n * channels + channel) * vertical.size + row) * horizontal.size + column,
                  ((k * perGroup + c) * vertical.window + r) * horizontal.window + s,
                  ((n * filters + k) * rows + y) * columns + x,
                ];
              }
}

/** The whole result of a conv2d problem, from operands by their names. */
export function conv2dReference(problem: Conv2dProblem, operands: Readonly<Record<string, ArrayLike<number>>>): ScaledResult {
  const { pass, filters, vertical, horizontal, epilogue } = problem;
  const { input, filter, outputGrad, bias, residual } = operands;
  const extents = Object.values(conv2dOperands(problem));
  const count = extents[extents.length - 1].elements;
  const [values, scales] = [new Float64Array(count), new Float64Array(count)];
  for (const [i, w, o] of products(problem)) {
    const [at, product] =
      pass === 'forward'
        ? [o, input[i] * filter[w]]
        : pass === 'input-grad'
          ? [i, outputGrad[o] * filter[w]]
          : [w, outputGrad[o] * input[i]];
    values[at] += product;
    scales[at] += Math.abs(product);
  }
  const plane = windowsOf(vertical) * windowsOf(horizontal);
  if (epilogue.bias)
    values.forEach((_, i) => {
      values[i] += bias[Math.floor(i / plane) % filters];
      scales[i] += Math.abs(bias[Math.floor(i / plane) % filters]);
    });
  if (epilogue.residual)
    values.forEach((_, i) => {
      values[i] += residual[i];
      scales[i] += Math.abs(residual[i]);
    });
  return { values: epilogue.relu ? values.map((value) => Math.max(value, 0)) : values, scales };
}
