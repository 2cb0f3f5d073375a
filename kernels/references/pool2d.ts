// Pooling and its gradients in float64, window by window.

import { type Pool2dProblem, pool2dOperands } from '../problems/pool2d.ts';
import { windowsOf } from '../problems/window.ts';

/** Elements of its plane that a window sees, in order of its taps. */
function seen({ vertical, horizontal }: Pool2dProblem, y: number, x: number): number[] {
  const elements: number[] = [];
  for (let r = 0; r < vertical.window; r++)
    for (let s = 0; s < horizontal.window; s++) {
      const row = y * vertical.stride + r * vertical.dilation - vertical.before;
      const column = x * horizontal.stride + s * horizontal.dilation - horizontal.before;
      if (row >= 0 && row < vertical.size && column >= 0 && column < horizontal.size) elements.push(row * horizontal.size + column);
    }
  return elements;
}

/** The results of a pool2d problem by their names, from operands by their names. */
export function pool2dReference(
  problem: Pool2dProblem,
  operands: Readonly<Record<string, ArrayLike<number>>>,
): Record<string, Float64Array> {
  const { kind, pass, planes, vertical, horizontal, countPadding } = problem;
  const { input, indices, outputGrad } = operands;
  const names = pass === 'input-grad' ? ['inputGrad'] : kind === 'max' ? ['output', 'indices'] : ['output'];
  const results = Object.fromEntries(names.map((name) => [name, new Float64Array(pool2dOperands(problem)[name].elements)]));
  const [rows, columns, plane] = [windowsOf(vertical), windowsOf(horizontal), vertical.size * horizontal.size];
  for (let window = 0; window < planes * rows * columns; window++) {
    const elements = seen(problem, Math.floor(window / columns) % rows, window % columns);
    const from = Math.floor(window / columns / rows) * plane;
    const divisor = countPadding ? vertical.window * horizontal.window : elements.length;
    if (pass === 'input-grad') {
      if (kind === 'max') results.inputGrad[from + indices[window]] += outputGrad[window];
      else for (const element of elements) results.inputGrad[from + element] += outputGrad[window] / divisor;
    } else if (kind === 'average') {
      results.output[window] = elements.reduce((sum, element) => sum + input[from + element], 0) / divisor;
    } else {
      const beats = (a: number, b: number) => a > b || (Number.isNaN(a) && !Number.isNaN(b));
      results.indices[window] = elements.reduce((best, each) => (beats(input[from + each], input[from + best]) ? each : best));
      results.output[window] = input[from + results.indices[window]];
    }
  }
  return results;
}
