// A whole net as the work of an arm: its forward, or forward and backward, as a static graph over weights on the device.
//
// It is checked against the same graph taken as it is written, without a rewrite and by other kernels: matrix products and im2col, each checked against
// float64 where it lives. Nets themselves are checked against PyTorch in framework/zoo.

import type { KernelReport } from '../../framework/graph/index.ts';
import { graph, zoo } from '../../framework/index.ts';
import type { Facts, Work } from '../../harness/suite.ts';
import { type Device, openDevice } from '../../kernels/index.ts';
import type { Cost, DeviceKind } from '../../kernels/kernel.ts';

export type Pass = 'forward' | 'backward';

export interface ArmOptions {
  readonly device: DeviceKind;
  readonly threads?: number;
  /** V8's own flags instead of ours. */
  readonly flags?: 'default';
  /** Names of kernels that go before the ones that would be chosen. */
  readonly kernels?: readonly string[];
}

/** How far logits and gradients may lie from those of the plain graph, as a share of the largest: f32 sums in other orders, through some fifty layers. */
const BOUND = 2e-3;
/** Kernels of the plain graph. */
const PLAIN = ['im2col', 'direct', 'packed', 'blocked', 'tiled'];
/** Images that are checked where each is by itself; a net in training is checked as a whole. */
const CHECKED_IMAGES = 1;
const CHECKED_BATCH = 2;

/** Kinds of layers by the op of their kernel. */
const LAYERS: Readonly<Record<string, string>> = {
  conv2d: 'conv',
  matmul: 'linear',
  pool2d: 'pool',
  pointwise: 'pointwise',
  reduce: 'reduce',
};

/** A net made ready to be called. */
class Runner {
  readonly model: zoo.Model;
  readonly session: graph.Session;
  readonly #graph: zoo.ModelGraph;
  readonly #feeds: graph.Feeds;

  constructor(model: zoo.Model, graphOfModel: zoo.ModelGraph, session: graph.Session) {
    this.model = model;
    this.session = session;
    this.#graph = graphOfModel;
    this.#feeds = zoo.feedOf(model, graphOfModel);
  }

  /** One call. What it gives is on the host at its end: logits, or the loss and the gradient of the first filters, the last to be computed. */
  async call(options?: graph.RunOptions): Promise<Float32Array> {
    const { output, loss, gradients } = this.#graph;
    if (!loss) return (await this.session.run(output, this.#feeds, options)) as Float32Array;
    const [value, , first] = await this.session.run([loss, graph.group(...gradients), gradients[0]], this.#feeds, options);
    return Float32Array.of(value as number, ...(first as Float32Array));
  }
}

/** The largest difference as a share of the largest expected value. */
function errorOf(actual: Float32Array, expected: Float32Array): number {
  let [difference, scale] = [0, 0];
  for (const [i, value] of expected.entries()) {
    difference = Math.max(difference, Math.abs(actual[i] - value));
    scale = Math.max(scale, Math.abs(value));
  }
  // Not a number anywhere is an error of its own.
  return actual.every(Number.isFinite) ? difference / scale : Number.POSITIVE_INFINITY;
}

class NetWork implements Work {
  readonly #device: Device;
  readonly #net: zoo.ModelGraph['net'];
  readonly #runner: Runner;
  readonly #options: ArmOptions;
  readonly #parameters: number;
  #result: Float32Array = new Float32Array();
  #error = 0;
  #peakBytes = 0;

  constructor(device: Device, made: zoo.ModelGraph, runner: Runner, options: ArmOptions) {
    this.#device = device;
    this.#net = made.net;
    this.#runner = runner;
    this.#options = options;
    this.#parameters = zoo.parameterCount(made.net);
  }

  async run(): Promise<void> {
    this.#result = await this.#runner.call();
    if (this.#peakBytes === 0) this.#peakBytes = this.#device.memory().peakBytes;
  }

  async verify(): Promise<string | undefined> {
    try {
      this.#error = await (this.#net.training ? this.#gradientError() : this.#logitError());
    } finally {
      this.#net.dispose();
    }
    return this.#error <= BOUND ? undefined : `it is off by ${this.#error.toExponential(2)} of the largest value, more than ${BOUND}`;
  }

  /** Images do not see each other: the first is enough. */
  async #logitError(): Promise<number> {
    const model = { ...this.#runner.model, batch: CHECKED_IMAGES };
    const expected = await this.#called(model, { rewrites: NO_REWRITES, kernels: PLAIN });
    return errorOf(this.#result.subarray(0, expected.length), expected);
  }

  /** Images see each other in batch normalisation: a larger batch is checked by a small one with the same kernels. */
  async #gradientError(): Promise<number> {
    const { model } = this.#runner;
    const small = { ...model, batch: Math.min(model.batch, CHECKED_BATCH) };
    const found = small.batch === model.batch ? this.#result : await this.#called(small, { kernels: this.#options.kernels });
    const expected = await this.#called(small, { rewrites: NO_REWRITES, kernels: PLAIN });
    return Math.max(errorOf(found.subarray(0, 1), expected.subarray(0, 1)), errorOf(found.subarray(1), expected.subarray(1)));
  }

  async #called(model: zoo.Model, options: graph.SessionOptions): Promise<Float32Array> {
    await using session = new graph.Session({ ...options, device: this.#device });
    return await new Runner(model, await zoo.graphOfNet(model, this.#net), session).call();
  }

  async facts(): Promise<Facts> {
    const { writtenBytes, readBytes } = this.#device.memory();
    await this.#runner.call({ timed: true });
    const after = this.#device.memory();
    const { kernels } = this.#runner.session.report();
    return {
      bytesH2d: after.writtenBytes - writtenBytes,
      bytesD2h: after.readBytes - readBytes,
      peakBytes: this.#peakBytes,
      maxRelErr: this.#error,
      cost: costOf(kernels, this.#parameters),
      extra: layerTimes(kernels),
    };
  }

  async close(): Promise<void> {
    await this.#runner.session.close();
    await this.#device.close();
  }
}

const NO_REWRITES = Object.fromEntries(graph.REWRITES.map((name) => [name, false]));

/** Operations of all kernels; bytes that must move at least: every weight once. */
function costOf(kernels: readonly KernelReport[], parameters: number): Cost {
  const total = (of: 'flops' | 'executedFlops') => kernels.reduce((sum, { cost }) => sum + (cost?.[of] ?? 0), 0);
  return { flops: total('flops'), executedFlops: total('executedFlops'), bytes: 4 * parameters };
}

/** Milliseconds of a call by the kind of layer. */
function layerTimes(kernels: readonly KernelReport[]): Record<string, number> {
  const times: Record<string, number> = {};
  for (const { kernel, ns = 0 } of kernels) {
    const column = `${LAYERS[kernel.split('/')[0]] ?? 'other'}_ms`;
    times[column] = (times[column] ?? 0) + ns / 1e6;
  }
  return times;
}

/** Makes a model's net on a device of its own. */
export async function workOf(model: zoo.Model, pass: Pass, options: ArmOptions): Promise<Work> {
  const device = await openDevice(options.device, options);
  const made = await zoo.graphOf(model, device, pass === 'backward');
  return new NetWork(device, made, new Runner(model, made, new graph.Session({ device, kernels: options.kernels })), options);
}
