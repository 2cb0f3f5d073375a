// Layers, with weights that start by Xavier's rule: nobody writes a shape twice, or a weight at all.

import { graph, mseLoss, nn } from '../../../framework/index.ts';
import type { Device } from '../../../kernels/device.ts';
import type { Start } from '../start.ts';

const { Linear, Sequential, inGraph, relu, xavierUniform } = nn;

export async function* layers({ N, D, H, rate, ...start }: Start, device: Device) {
  const x = graph.placeholder([N, D]);
  const y = graph.placeholder([N, D]);
  const options = { device, bias: false, init: xavierUniform };
  using made = new Sequential(new Linear(D, H, { ...options, seed: 1 }), relu(), new Linear(H, D, { ...options, seed: 2 }));
  const net = await inGraph(made);
  const loss = mseLoss(net.forward(x), y);
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

/** The same start with the weights that the layers draw. */
export async function xavierStart(start: Start, device: Device): Promise<Start> {
  const { D, H } = start;
  const drawn = async (inputs: number, outputs: number, seed: number) => {
    using weight = xavierUniform([outputs, inputs], { device, seed, requiresGrad: false });
    using turned = weight.transpose();
    return (await turned.read()) as Float32Array<ArrayBuffer>;
  };
  return { ...start, w1: await drawn(D, H, 1), w2: await drawn(H, D, 2) };
}
