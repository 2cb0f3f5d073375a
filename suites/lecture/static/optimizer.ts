// An optimizer: finds the gradients, writes the assignments and groups them.

import { graph, mseLoss } from '../../../framework/index.ts';
import type { Device } from '../../../kernels/device.ts';
import type { Start } from '../start.ts';

export async function* optimizer({ N, D, H, rate, ...start }: Start, device: Device) {
  const x = graph.placeholder([N, D]);
  const y = graph.placeholder([N, D]);
  const w1 = graph.variable(start.w1, 'w1', { shape: [D, H] });
  const w2 = graph.variable(start.w2, 'w2', { shape: [H, D] });
  const loss = mseLoss(x.matmul(w1).relu().matmul(w2), y);
  const updates = new graph.GradientDescent({ rate }).minimize(loss);

  await using session = new graph.Session({ device });
  const data = new Map([
    [x, start.x],
    [y, start.y],
  ]);
  for (;;) {
    const [now] = await session.run([loss, updates], data);
    yield now as number;
  }
}
