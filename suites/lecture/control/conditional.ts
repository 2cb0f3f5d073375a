// The conditional of the lecture: y = x · w1 where z > 0, else x · w2. A graph needs an operator for it; a program has `if`.
//
//   x [N, D], w1 and w2 [D, H]

import { graph, scope, tensor } from '../../../framework/index.ts';
import type { Device, Values } from '../../../kernels/index.ts';

export interface Conditional {
  readonly N: number;
  readonly D: number;
  readonly H: number;
  readonly x: Float32Array<ArrayBuffer>;
  readonly w1: Float32Array<ArrayBuffer>;
  readonly w2: Float32Array<ArrayBuffer>;
}

/** y, and the gradient of the sum of its squares by each weight; undefined of one that took no part. */
export interface ConditionalResult {
  readonly y: Values;
  readonly gradients: readonly (Values | undefined)[];
}

/** One graph for every z: both products are in it, one of them is run. */
export async function staticConditional({ N, D, H, ...data }: Conditional, z: number, device: Device): Promise<ConditionalResult> {
  const x = graph.constant(data.x, 'x', { shape: [N, D] });
  const w1 = graph.variable(data.w1, 'w1', { shape: [D, H] });
  const w2 = graph.variable(data.w2, 'w2', { shape: [D, H] });
  const sign = graph.placeholder([]);
  const y = graph.cond(
    sign.gt(0),
    () => x.matmul(w1),
    () => x.matmul(w2),
  );
  const slopes = graph.gradients(y.square().sum(), [w1, w2]);

  await using session = new graph.Session({ device });
  const [value, ...gradients] = (await session.run([y, ...slopes], [[sign, z]])) as Values[];
  return { y: value, gradients };
}

/** A graph for this z: the other product is never made. */
export const dynamicConditional = ({ N, D, H, ...data }: Conditional, z: number, device: Device): Promise<ConditionalResult> =>
  scope(async () => {
    const x = tensor(data.x, { device, shape: [N, D] });
    const w1 = tensor(data.w1, { device, shape: [D, H], requiresGrad: true });
    const w2 = tensor(data.w2, { device, shape: [D, H], requiresGrad: true });
    const y = z > 0 ? x.matmul(w1) : x.matmul(w2);
    y.square().sum().backward();
    return { y: await y.read(), gradients: [await w1.grad?.read(), await w2.grad?.read()] };
  });
