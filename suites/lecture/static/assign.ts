// Assign in the graph: the update is computed where the weights are. Only what is fetched is run, so the new weights are fetched, and nobody reads them.

import { graph } from '../../../framework/index.ts';
import type { Device } from '../../../kernels/device.ts';
import type { Start } from '../start.ts';

export async function* assign({ N, D, H, rate, ...start }: Start, device: Device) {
  const x = graph.placeholder([N, D]);
  const y = graph.placeholder([N, D]);
  const w1 = graph.variable(start.w1, 'w1', { shape: [D, H] });
  const w2 = graph.variable(start.w2, 'w2', { shape: [H, D] });
  const loss = x.matmul(w1).relu().matmul(w2).sub(y).square().mean();
  const [gradW1, gradW2] = graph.gradients(loss, [w1, w2]);
  const newW1 = graph.assign(w1, w1.sub(gradW1.mul(rate)));
  const newW2 = graph.assign(w2, w2.sub(gradW2.mul(rate)));

  await using session = new graph.Session({ device });
  const data = new Map([
    [x, start.x],
    [y, start.y],
  ]);
  for (;;) {
    const [now] = await session.run([loss, newW1, newW2], data);
    yield now as number;
  }
}
