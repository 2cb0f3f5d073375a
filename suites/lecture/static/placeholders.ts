// Placeholders for everything: the graph finds the gradients, the host keeps the weights. They are fed, and their gradients fetched, in every step.

import { graph } from '../../../framework/index.ts';
import type { Device } from '../../../kernels/device.ts';
import type { Start } from '../start.ts';

type Matrix = Float32Array<ArrayBuffer>;

function descend(weights: Matrix, slope: Matrix, rate: number): void {
  for (let i = 0; i < weights.length; i++) weights[i] -= rate * slope[i];
}

export async function* placeholders({ N, D, H, rate, ...start }: Start, device: Device) {
  const x = graph.placeholder([N, D]);
  const y = graph.placeholder([N, D]);
  const w1 = graph.placeholder([D, H]);
  const w2 = graph.placeholder([H, D]);
  const loss = x.matmul(w1).relu().matmul(w2).sub(y).square().mean();
  const [gradW1, gradW2] = graph.gradients(loss, [w1, w2]);

  await using session = new graph.Session({ device });
  const [weights1, weights2] = [start.w1.slice(), start.w2.slice()];
  const values = new Map([
    [x, start.x],
    [y, start.y],
    [w1, weights1],
    [w2, weights2],
  ]);
  for (;;) {
    const [now, slope1, slope2] = await session.run([loss, gradW1, gradW2], values);
    descend(weights1, slope1 as Matrix, rate);
    descend(weights2, slope2 as Matrix, rate);
    yield now as number;
  }
}
