// The dummy node: a group depends on the updates and has no value, so fetching it makes the step and moves nothing.

import { graph } from '../../../framework/index.ts';
import type { Device } from '../../../kernels/device.ts';
import type { Start } from '../start.ts';

export async function* group({ N, D, H, rate, ...start }: Start, device: Device) {
  const x = graph.placeholder([N, D]);
  const y = graph.placeholder([N, D]);
  const w1 = graph.variable(start.w1, 'w1', { shape: [D, H] });
  const w2 = graph.variable(start.w2, 'w2', { shape: [H, D] });
  const loss = x.matmul(w1).relu().matmul(w2).sub(y).square().mean();
  const [gradW1, gradW2] = graph.gradients(loss, [w1, w2]);
  const updates = graph.group(graph.assign(w1, w1.sub(gradW1.mul(rate))), graph.assign(w2, w2.sub(gradW2.mul(rate))));

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
