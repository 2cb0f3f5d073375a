// A learner is a net that learns: a step on a batch, an evaluation of one. In both styles; its weights are the module's tensors in either.
//
// Images cross to the device as bytes, a quarter of what f32 would be, and are normalised there by MNIST's mean and deviation.

import { argmax, cast, crossEntropy, div, eq, graph, mul, nn, optim, scope, sub, sum, tensor } from '../../framework/index.ts';
import type { Value } from '../../framework/op.ts';
import type { Device } from '../../kernels/device.ts';
import type { HostBatch } from './images.ts';
import { type Recipe, rateOf, SIDE, type TrainedModel } from './recipes.ts';

const [MEAN, DEVIATION] = [0.1307 * 255, 0.3081 * 255];

export interface LearnerOptions {
  readonly net: ReturnType<TrainedModel['net']>;
  readonly device: Device;
  readonly recipe: Recipe;
  /** Of the whole training: what the learning rate goes by. */
  readonly steps: number;
  readonly testBatch: number;
}

export interface Learner {
  /** Forward, backward and update on a batch: its loss before. */
  step(batch: HostBatch): Promise<number>;
  /** Of a test batch, the sum of its losses and how many are right. */
  evaluate(batch: HostBatch): Promise<{ readonly loss: number; readonly right: number }>;
  /** Milliseconds of the host in which batches were copied to the device since it was asked the last time. */
  copiedMs(): number;
  /** What a step computes, where that is a graph. */
  readonly graph?: readonly graph.Fetch[];
  close(): Promise<void>;
}

export type Style = 'static' | 'eager';

const shapeOf = (size: number) => [size, 1, SIDE, SIDE];
export const normalized = <V extends Value>(images: V): V => div<V>(sub<V>(cast<V>(images, 'f32'), MEAN), DEVIATION);

/** The sum of losses, and right answers, of logits. */
const judged = <V extends Value>(logits: V, labels: V): { loss: V; right: V } => ({
  loss: mul<V>(crossEntropy<V>(logits, labels), labels.shape[0]),
  right: sum<V>(cast<V>(eq<V>(argmax<V>(logits, 1), labels), 'f32')),
});

async function staticLearner({ net, device, recipe, steps, testBatch }: LearnerOptions): Promise<Learner> {
  const nodes = await nn.inGraph(net, { share: true });
  const inputs = (size: number) => [graph.placeholder(shapeOf(size), 'u8', 'images'), graph.placeholder([size], 'i32', 'labels')] as const;
  const feeds = ([images, labels]: ReturnType<typeof inputs>, batch: HostBatch): graph.Feeds => [
    [images, batch.images],
    [labels, batch.labels],
  ];
  const forward = (images: graph.GraphNode) => nodes.forward(normalized(images) as never) as unknown as graph.GraphNode;
  const [train, test] = [inputs(recipe.batch), inputs(testBatch)];
  const loss = crossEntropy(forward(train[0]), train[1]);
  const rate = { schedule: rateOf(recipe, steps), steps };
  const update = graph.group(new graph.Adam({ rate }).minimize(loss, nodes.parameters), nodes.updates());
  const { loss: testLoss, right } = judged(forward(test[0]), test[1]);
  const session = new graph.Session({ device });
  await session.prepare([loss, update]);
  await session.prepare([testLoss, right]);
  let copied = 0;
  return {
    async step(batch) {
      const [value] = await session.run([loss, update], feeds(train, batch));
      for (const { direction, ns } of session.report().crossings) if (direction === 'host to device') copied += ns / 1e6;
      return value as number;
    },
    async evaluate(batch) {
      const [value, count] = await session.run([testLoss, right], feeds(test, batch));
      return { loss: value as number, right: count as number };
    },
    copiedMs() {
      const since = copied;
      copied = 0;
      return since;
    },
    graph: [loss, update],
    close: () => session.close(),
  };
}

async function eagerLearner({ net, device, recipe, steps }: LearnerOptions): Promise<Learner> {
  const optimizer = new optim.Adam(net.parameters(), { lr: recipe.rate });
  const schedule = rateOf(recipe, steps);
  let [step, copied] = [0, 0];
  const onDevice = ({ size, images, labels }: HostBatch) => {
    const began = performance.now();
    const tensors = [tensor(images, { device, shape: shapeOf(size) }), tensor(labels, { device })] as const;
    copied += performance.now() - began;
    return tensors;
  };
  return {
    step: (batch) =>
      scope(() => {
        const [images, labels] = onDevice(batch);
        optimizer.zeroGrad();
        const loss = crossEntropy(net.forward(normalized(images)), labels);
        loss.backward();
        optimizer.lr = schedule(step++);
        optimizer.step();
        return loss.item();
      }),
    evaluate: (batch) =>
      scope(async () => {
        const [images, labels] = onDevice(batch);
        const { loss, right } = judged(net.forward(normalized(images)), labels);
        return { loss: await loss.item(), right: await right.item() };
      }),
    copiedMs() {
      const since = copied;
      copied = 0;
      return since;
    },
    close: async () => optimizer[Symbol.dispose](),
  };
}

export const learners: Readonly<Record<Style, (options: LearnerOptions) => Promise<Learner>>> = {
  static: staticLearner,
  eager: eagerLearner,
};
