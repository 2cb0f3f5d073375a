// A training written op by op, in both styles: nobody has merged a ReLU or a bias into its product yet. What can be merged, the rewrites find.

import { parametersOf, shapeAfter, shapesOf, type Training, type TrainingData } from '../../framework/exact/training.ts';
import {
  add,
  conv2d,
  crossEntropy,
  graph,
  matmul,
  maxPool2d,
  mseLoss,
  optim,
  relu,
  reshape,
  scope,
  tensor,
} from '../../framework/index.ts';
import type { Value } from '../../framework/op.ts';
import { sizeOf } from '../../framework/shape.ts';
import type { Device } from '../../kernels/device.ts';
import { twoLayer } from '../lecture/start.ts';

/** The lecture's net, each of its products followed by a bias. */
export const denseNet = (N: number, D: number, H: number): Training => {
  const training = twoLayer(N, D, H);
  return { ...training, layers: training.layers.map((layer) => (layer.kind === 'linear' ? { ...layer, bias: true } : layer)) };
};

/** Two convolutions, each with ReLU and pooling, and a linear layer to ten classes, on images of `channels` x `side` x `side`. */
export function convolutionalNet(batch: number, channels: number, side: number, filters: readonly [number, number]): Training {
  const [first, second] = filters;
  const conv = (inputs: number, outputs: number) => ({ kind: 'conv2d', inputs, outputs, window: 3, padding: 1 }) as const;
  const features = [
    conv(channels, first),
    { kind: 'relu' },
    { kind: 'maxPool2d', window: 2 },
    conv(first, second),
    { kind: 'relu' },
    { kind: 'maxPool2d', window: 2 },
    { kind: 'flatten' },
  ] as const;
  const example = [channels, side, side];
  const [inputs] = features.reduce<readonly number[]>((shape, layer) => shapeAfter(layer, shape), example);
  const layers = [...features, { kind: 'linear', inputs, outputs: 10, bias: true } as const];
  return { example, batch, layers, loss: 'crossEntropy', rate: 0.1, distinct: Math.min(batch, 4) };
}

/** Targets as the loss takes them: classes as whole numbers. */
const targetsOf = ({ loss }: Training, { y }: TrainingData) => (loss === 'mse' ? y : Int32Array.from(y));

/** The loss, from the values of x, y and the parameters by name. */
function lossOf<V extends Value>({ layers, batch, loss }: Training, held: (name: string) => V): V {
  let value = held('x');
  for (const [i, layer] of layers.entries()) {
    if (layer.kind === 'linear') {
      value = matmul(value, held(`${i}.weight`));
      if (layer.bias) value = add<V>(value, held(`${i}.bias`));
    } else if (layer.kind === 'conv2d') {
      const convolved = conv2d(value, held(`${i}.weight`), { padding: layer.padding });
      value = add<V>(convolved, reshape(held(`${i}.bias`), [layer.outputs, 1, 1]));
    } else if (layer.kind === 'maxPool2d') value = maxPool2d(value, layer.window);
    else if (layer.kind === 'relu') value = relu<V>(value);
    else value = reshape(value, [batch, sizeOf(value.shape) / batch]);
  }
  return loss === 'mse' ? mseLoss(value, held('y')) : crossEntropy(value, held('y'));
}

/** A training that goes on: each step gives its loss to the host. */
export interface Trained {
  step(): Promise<number>;
  report?(): graph.StepReport;
  close(): Promise<void> | void;
}

/** In a static graph with these rewrites. */
export async function inGraph(
  training: Training,
  data: TrainingData,
  device: Device,
  rewrites: graph.SessionOptions['rewrites'],
): Promise<Trained> {
  const shapes = shapesOf(training);
  const values: Record<string, graph.GraphNode> = {
    x: graph.constant(data.x, 'x', { shape: shapes.x }),
    y: graph.constant(targetsOf(training, data), 'y', { shape: shapes.y }),
  };
  for (const { name, shape } of parametersOf(training)) values[name] = graph.variable(data[name], name, { shape });
  const loss = lossOf(training, (name) => values[name]);
  const update = new graph.GradientDescent({ rate: training.rate }).minimize(loss);
  const session = new graph.Session({ device, rewrites });
  await session.prepare([loss, update]);
  return {
    step: async () => (await session.run([loss, update]))[0] as number,
    report: () => session.report(),
    close: () => session.close(),
  };
}

/** By tensors, tape and optimizer. */
export function eagerly(training: Training, data: TrainingData, device: Device): Trained {
  const shapes = shapesOf(training);
  const values = {
    x: tensor(data.x, { device, shape: shapes.x }),
    y: tensor(targetsOf(training, data), { device, shape: shapes.y }),
    ...Object.fromEntries(
      parametersOf(training).map(({ name, shape }) => [name, tensor(data[name], { device, shape, requiresGrad: true })]),
    ),
  } as Record<string, ReturnType<typeof tensor>>;
  const parameters = parametersOf(training).map(({ name }) => values[name]);
  const optimizer = new optim.Sgd(parameters, { lr: training.rate });
  return {
    step: () =>
      scope(() => {
        const loss = lossOf(training, (name) => values[name]);
        optimizer.zeroGrad();
        loss.backward();
        optimizer.step();
        return loss.item();
      }),
    close() {
      optimizer[Symbol.dispose]();
      for (const value of Object.values(values)) value.dispose();
    },
  };
}
