// Training steps in both styles: data and weights stay on the device, and each step gives its loss to the host.

import { shapesOf, type Training, type TrainingData } from '../../framework/exact/training.ts';
import { crossEntropy, graph, mseLoss, nn, optim, scope, tensor } from '../../framework/index.ts';
import type { Value } from '../../framework/op.ts';
import type { Device } from '../../kernels/device.ts';
import { netOf } from './net.ts';

/** Trains without end, a step at a time, and gives each step's loss. */
export type Steps = (training: Training, data: TrainingData, device: Device) => AsyncGenerator<number>;

const lossOf = <V extends Value>({ loss }: Training, outputs: V, y: V): V =>
  loss === 'mse' ? mseLoss(outputs, y) : crossEntropy(outputs, y);

/** Targets as the loss takes them. */
const targetsOf = ({ loss }: Training, { y }: TrainingData) => (loss === 'mse' ? y : Int32Array.from(y));

/** A module in a graph; x and y are variables that nobody trains. */
export async function* inStaticStyle(training: Training, data: TrainingData, device: Device) {
  const shapes = shapesOf(training);
  const x = graph.variable(data.x, 'x', { shape: shapes.x });
  const y = graph.variable(targetsOf(training, data), 'y', { shape: shapes.y });
  using module = netOf(training, data, device);
  const net = await nn.inGraph(module);
  const loss = lossOf(training, net.forward(x as never) as unknown as graph.GraphNode, y);
  const update = new graph.GradientDescent({ rate: training.rate }).minimize(loss, net.parameters);

  await using session = new graph.Session({ device });
  for (;;) {
    const [now] = await session.run([loss, update]);
    yield now as number;
  }
}

/** Modules, autograd and an optimizer on tensors. */
export async function* inEagerStyle(training: Training, data: TrainingData, device: Device) {
  const shapes = shapesOf(training);
  using x = tensor(data.x, { device, shape: shapes.x });
  using y = tensor(targetsOf(training, data), { device, shape: shapes.y });
  using net = netOf(training, data, device);
  using optimizer = new optim.Sgd(net.parameters(), { lr: training.rate });
  for (;;)
    yield await scope(() => {
      const loss = lossOf(training, net.forward(x), y);
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return loss.item();
    });
}
