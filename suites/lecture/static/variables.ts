// Weights as Variables: they stay on the device from run to run. The host still makes the steps: it fetches gradients, and feeds what to add.

import { graph } from '../../../framework/index.ts';
import type { Device } from '../../../kernels/device.ts';
import type { Start } from '../start.ts';

type Matrix = Float32Array<ArrayBuffer>;

function scale(values: Matrix, factor: number): Matrix {
  for (let i = 0; i < values.length; i++) values[i] *= factor;
  return values;
}

export async function* variables({ N, D, H, rate, ...start }: Start, device: Device) {
  const x = graph.placeholder([N, D]);
  const y = graph.placeholder([N, D]);
  const w1 = graph.variable(start.w1, 'w1', { shape: [D, H] });
  const w2 = graph.variable(start.w2, 'w2', { shape: [H, D] });
  const loss = x.matmul(w1).relu().matmul(w2).sub(y).square().mean();
  const [gradW1, gradW2] = graph.gradients(loss, [w1, w2]);
  const step1 = graph.placeholder([D, H]);
  const step2 = graph.placeholder([H, D]);
  const update = graph.group(graph.assignAdd(w1, step1), graph.assignAdd(w2, step2));

  await using session = new graph.Session({ device });
  const data = new Map([
    [x, start.x],
    [y, start.y],
  ]);
  for (;;) {
    const [now, slope1, slope2] = await session.run([loss, gradW1, gradW2], data);
    await session.run(update, [
      [step1, scale(slope1 as Matrix, -rate)],
      [step2, scale(slope2 as Matrix, -rate)],
    ]);
    yield now as number;
  }
}
