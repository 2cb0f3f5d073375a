// A training step in two halves that can be timed apart: a batch is put on the device, and the net trained with it.
//
// The graph's inputs are tensors that stay on the device, so a step without `put` trains with the batch that lies there: the device-resident step.

import type { Fields, Slots } from '../../framework/data/dataset.ts';
import { crossEntropy, graph, nn, zeros, zoo } from '../../framework/index.ts';
import type { Device } from '../../kernels/device.ts';

export interface Step {
  /** Threads of the processor that a step keeps busy; 0 where a GPU does the work. */
  readonly threads: number;
  /** Copies a batch to the device. */
  put(batch: Slots): void;
  /** Trains with the batch on the device, and gives the loss. */
  run(): Promise<number>;
  close(): Promise<void>;
}

export const MODELS = ['small-cnn', 'resnet18'] as const;
export type ModelName = (typeof MODELS)[number];

export interface TrainingOptions {
  readonly model: ModelName;
  readonly batch: number;
  readonly classes: number;
  readonly seed: number;
}

const RATE = 0.01;

/** Three convolutions that halve the image, the mean of each channel, and a linear layer: little work for images of any size. */
function smallCnn(channels: number, classes: number, device: Device, seed: number): nn.Sequential {
  const layer = (index: number) => ({ device, seed: 4 * seed + index, init: nn.heNormal, relu: true });
  const halving = (inputs: number, filters: number, index: number) =>
    new nn.Conv2d(inputs, filters, 3, { ...layer(index), stride: 2, padding: 1 });
  return new nn.Sequential(
    halving(channels, 16, 0),
    halving(16, 32, 1),
    halving(32, 64, 2),
    new nn.GlobalAvgPool(),
    new nn.Linear(64, classes, { device, seed: 4 * seed + 3 }),
  );
}

/** Makes a step for batches of images and labels. Throws a RangeError for images that the net does not take. */
export async function trainingStep(fields: Fields, { model, batch, classes, seed }: TrainingOptions, device: Device): Promise<Step> {
  const [channels, height, width] = fields.image.shape;
  if (fields.image.dtype !== 'f32') throw new RangeError(`${model}: images are ${fields.image.dtype}, expected f32; normalise them`);
  if (model === 'resnet18' && (channels !== 3 || height !== width || height < 32))
    throw new RangeError(`resnet18: images are [${fields.image.shape}], expected [3, size, size] from 32 pixels; small-cnn takes any`);
  const net =
    model === 'small-cnn' ? smallCnn(channels, classes, device, seed) : zoo.nets.resnet18({ device, size: height, classes, seed });
  const images = zeros([batch, channels, height, width], { device });
  const labels = zeros([batch], { device, dtype: 'i32' });
  const nodes = await nn.inGraph(net, { share: true });
  const outputs = nodes.forward(graph.variable(images, 'images') as never) as unknown as graph.GraphNode;
  const loss = crossEntropy(outputs, graph.variable(labels, 'labels'));
  const update = new graph.GradientDescent({ rate: RATE }).minimize(loss, nodes.parameters);
  const session = new graph.Session({ device });
  const fetches = [loss, update, nodes.updates()] as const;
  await session.prepare(fetches);
  return {
    threads: device.kind === 'cpu' ? device.limits.threads : device.limits.softwareAdapter === 1 ? Infinity : 0,
    put(samples) {
      device.write(images.storage.buffer, samples.image);
      device.write(labels.storage.buffer, samples.label);
    },
    async run() {
      const [value] = await session.run(fetches);
      return value as number;
    },
    async close() {
      await session.close();
      net.dispose();
      images.dispose();
      labels.dispose();
    },
  };
}
