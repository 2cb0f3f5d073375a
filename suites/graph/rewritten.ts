// Training steps of the lecture's net with biases, with all rewrites of its graph, with none, and with each of them left out.

import { firstLosses } from '../../framework/exact/net.ts';
import { shapesOf, type Training, trainingData } from '../../framework/exact/training.ts';
import { graph, mseLoss } from '../../framework/index.ts';
import type { Work } from '../../harness/suite.ts';
import { type DeviceKind, openDevice } from '../../kernels/index.ts';
import { twoLayer } from '../lecture/start.ts';

const BOUND = 1e-5;

/** The lecture's net, each of its products followed by a bias. */
export const biasedNet = (N: number, D: number, H: number): Training => {
  const training = twoLayer(N, D, H);
  return { ...training, layers: training.layers.map((layer) => (layer.kind === 'linear' ? { ...layer, bias: true } : layer)) };
};

/** The rewrites that `all`, `none` or `all but NAME` leave on. */
function rewritesOf(form: string): Record<graph.Rewrite, boolean> {
  const on = (rewrite: graph.Rewrite) => form !== 'none' && form !== `all but ${rewrite}`;
  return Object.fromEntries(graph.REWRITES.map((rewrite) => [rewrite, on(rewrite)])) as Record<graph.Rewrite, boolean>;
}

export async function rewrittenNet(form: string, training: Training, kind: DeviceKind, threads: number, seed: number): Promise<Work> {
  const device = await openDevice(kind, { threads });
  const [data, shapes] = [trainingData(training, seed), shapesOf(training)];
  const held = (name: string, hold = graph.variable) => hold(data[name], name, { shape: shapes[name] });
  const [x, y] = [held('x', graph.constant), held('y', graph.constant)];
  const [w1, b1, w2, b2] = ['0.weight', '0.bias', '2.weight', '2.bias'].map((name) => held(name));
  const loss = mseLoss(x.matmul(w1).add(b1).relu().matmul(w2).add(b2), y);
  const step = new graph.GradientDescent({ rate: training.rate }).minimize(loss);
  const session = new graph.Session({ device, rewrites: rewritesOf(form) });
  const losses: number[] = [];
  const run = async () => {
    const [now] = await session.run([loss, step]);
    if (losses.length < 3) losses.push(now as number);
  };
  return {
    run,
    async verify() {
      while (losses.length < 3) await run();
      const expected = firstLosses(training, data, 3);
      const at = losses.findIndex((value, i) => !(Math.abs(value - expected[i]) <= BOUND * expected[i]));
      return at < 0 ? undefined : `the loss of step ${at} is ${losses[at]}, expected ${expected[at]} within ${BOUND} of it`;
    },
    facts() {
      const { kernels, planBytes } = session.report();
      return { peakBytes: planBytes, extra: { kernels: kernels.length } };
    },
    async close() {
      await session.close();
      await device.close();
    },
  };
}
