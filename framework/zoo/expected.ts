// What a model must come to: the result of its graph taken as it is written, without a rewrite and by plain kernels, matrix products and im2col.
//
// Those kernels are checked against float64 where they live, and the nets against PyTorch (zoo.test.ts): so this is right, and fast enough for whole nets.

import { group, REWRITES, Session, type SessionOptions } from '../graph/index.ts';
import type { RunOptions } from '../graph/session.ts';
import type { Sequential } from '../nn/index.ts';
import { graphOfNet, type Model, type ModelGraph } from './model.ts';

/** Options of the session whose results are expected. */
const PLAIN: SessionOptions = {
  rewrites: Object.fromEntries(REWRITES.map((name) => [name, false])),
  kernels: ['im2col', 'direct', 'packed', 'blocked', 'tiled'],
};
/** Images that are enough where each is by itself; where batch normalisation lets them see each other, a batch that is. */
const [IMAGES, BATCH] = [1, 2];

/**
 * How far logits and a loss may lie from the expected ones, as a share of the largest: f32 sums in other orders, through some fifty layers. A gradient may
 * lie further away: ReLUs of values near 0 fall on either side, and normalising by one image's statistics makes small differences larger.
 */
const BOUND = 1e-3;
const GRADIENT_BOUND = 3e-2;

/** Logits; of a net in training its loss, then the gradient of its first filters, which is the last to be computed. */
export async function resultOf(session: Session, graph: ModelGraph, options?: RunOptions): Promise<Float32Array<ArrayBuffer>> {
  const { output, loss, gradients } = graph;
  const feeds = graph.feeds();
  if (!loss) return (await session.run(output, feeds, options)) as Float32Array<ArrayBuffer>;
  const [value, , first] = await session.run([loss, group(...gradients), gradients[0]], feeds, options);
  return Float32Array.of(value as number, ...(first as Float32Array));
}

/** The same of a smaller batch, if that is as telling: `small` is what of the model is computed. */
export const smallOf = (model: Model, training: boolean): Model => ({ ...model, batch: Math.min(model.batch, training ? BATCH : IMAGES) });

/** The result of `model` by a session of its own on the net's device; the one that is expected if no options are given. */
export async function computed(model: Model, net: Sequential, options: SessionOptions = PLAIN): Promise<Float32Array<ArrayBuffer>> {
  const { device } = net.parameters()[0];
  await using session = new Session({ ...options, device });
  return await resultOf(session, await graphOfNet(model, net));
}

/** The largest difference as a share of the largest expected value; infinite where something is no number. */
function errorOf(actual: Float32Array, expected: Float32Array): number {
  let [difference, scale] = [0, 0];
  for (const [i, value] of expected.entries()) {
    difference = Math.max(difference, Math.abs(actual[i] - value));
    scale = Math.max(scale, Math.abs(value));
  }
  return actual.every(Number.isFinite) ? difference / scale : Number.POSITIVE_INFINITY;
}

/** What is wrong with a result, if anything is, and its error. Logits may be those of more images than are expected. */
export function checked(
  actual: Float32Array,
  expected: Float32Array,
  training: boolean,
): { readonly error: number; readonly complaint?: string } {
  if (!training) return judged(errorOf(actual.subarray(0, expected.length), expected), 'logits are', BOUND);
  const loss = judged(errorOf(actual.subarray(0, 1), expected.subarray(0, 1)), 'the loss is', BOUND);
  return loss.complaint === undefined ? judged(errorOf(actual.subarray(1), expected.subarray(1)), 'the gradient is', GRADIENT_BOUND) : loss;
}

const judged = (error: number, what: string, bound: number) => ({
  error,
  complaint: error <= bound ? undefined : `${what} off by ${error.toExponential(2)} of the largest value, more than ${bound}`,
});
