// The recurrent example of the lecture: y[t] = (y[t - 1] + x[t]) * w. A graph needs a loop of its own for it; a program has `for`.
//
//   x [T, D], y and w [D]

import { gather, graph, scope, tensor } from '../../../framework/index.ts';
import type { Device, Values } from '../../../kernels/index.ts';

export interface Recurrent {
  readonly T: number;
  readonly D: number;
  readonly x: Float32Array<ArrayBuffer>;
  readonly y: Float32Array<ArrayBuffer>;
  readonly w: Float32Array<ArrayBuffer>;
}

/** The last y, and the gradients of the sum of its squares by x, the first y and w. */
export interface RecurrentResult {
  readonly y: Values;
  readonly gradients: readonly Values[];
}

/** The loop is a node; how often it runs could depend on what it computes. */
export async function staticRecurrent({ T, D, ...data }: Recurrent, device: Device): Promise<RecurrentResult> {
  const x = graph.variable(data.x, 'x', { shape: [T, D] });
  const start = graph.variable(data.y, 'y');
  const w = graph.variable(data.w, 'w');
  const first = graph.constant(Int32Array.of(0), 't', { shape: [] });
  const [, last] = graph.whileLoop(
    (t) => t.lt(T),
    (t, y) => [t.add(1), y.add(gather(x, t)).mul(w)],
    [first, start],
  );
  const slopes = graph.gradients(last.square().sum(), [x, start, w]);

  await using session = new graph.Session({ device });
  const [value, ...gradients] = (await session.run([last, ...slopes])) as Values[];
  return { y: value, gradients };
}

/** The loop is the language's; the tape is as long as it ran. */
export const dynamicRecurrent = ({ T, D, ...data }: Recurrent, device: Device): Promise<RecurrentResult> =>
  scope(async () => {
    const x = tensor(data.x, { device, shape: [T, D], requiresGrad: true });
    const start = tensor(data.y, { device, requiresGrad: true });
    const w = tensor(data.w, { device, requiresGrad: true });
    let y = start;
    for (let t = 0; t < T; t++) y = y.add(x.slice([t, t + 1]).reshape(D)).mul(w);
    y.square().sum().backward();
    return { y: await y.read(), gradients: [await x.grad!.read(), await start.grad!.read(), await w.grad!.read()] };
  });
