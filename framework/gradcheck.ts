// Gradient check: what backward says against what the output really does when an input is moved a little.
//
// Outputs are computed in f32 but weighted and summed in float64, and differences are extrapolated to step 0 (Richardson: the error falls with the fourth
// power of the step), so that a wide step can be taken and rounding stays small.

import { grad } from './autograd.ts';
import { tensor } from './create.ts';
import { scope } from './scope.ts';
import type { Tensor } from './tensor.ts';

export interface GradcheckOptions {
  /** How far an element is moved; 0.05 if absent. */
  readonly step?: number;
  /** Largest difference, relative above 1 and absolute below; 1e-3 if absent. */
  readonly tolerance?: number;
}

/** Weights of the outputs: all different, so that exchanged elements are seen. */
const weightOf = (index: number): number => 0.5 + ((index * 0.6180339887498949) % 1);

/**
 * What is wrong with the gradients of `work` by each of `inputs` (which need requiresGrad), element by element; undefined where nothing is.
 *
 * `work` must be smooth within `step` of the inputs.
 */
export async function gradcheck(
  work: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  { step = 0.05, tolerance = 1e-3 }: GradcheckOptions = {},
): Promise<string | undefined> {
  return scope(async () => {
    const output = work(...inputs);
    const weights = tensor(
      Float32Array.from({ length: output.size }, (_, i) => weightOf(i)),
      { shape: output.shape, device: output.device },
    );
    const gradients = grad(output, inputs, { upstream: weights });
    for (const [which, input] of inputs.entries()) {
      const values = new Float32Array(await input.read());
      const analytic = await gradients[which].read();
      const loss = (place: number, by: number) => movedLoss(work, inputs, which, values, place, by);
      for (let place = 0; place < values.length; place++) {
        const slope = async (by: number) => ((await loss(place, by)) - (await loss(place, -by))) / (2 * by);
        const numeric = (4 * (await slope(step / 2)) - (await slope(step))) / 3;
        if (!(Math.abs(numeric - analytic[place]) <= tolerance * Math.max(1, Math.abs(numeric))))
          return `input ${which}, element ${place}: the gradient is ${analytic[place]}, but differences say ${numeric}`;
      }
    }
    return undefined;
  });
}

/** The weighted output with one element of one input moved by `by`. */
async function movedLoss(
  work: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  which: number,
  values: Float32Array,
  place: number,
  by: number,
): Promise<number> {
  return scope(async () => {
    const moved = Float32Array.from(values);
    moved[place] += by;
    const { shape, device } = inputs[which];
    const all = inputs.map((input, i) => (i === which ? tensor(moved, { shape, device, requiresGrad: true }) : input));
    const output = await work(...all).read();
    return Array.from(output).reduce((sum, value, i) => sum + value * weightOf(i), 0);
  });
}
