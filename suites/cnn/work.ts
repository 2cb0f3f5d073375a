// A whole net as the work of an arm: its forward, or forward and backward, as a static graph over weights on the device.

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

/** Kinds of layers by the op of their kernel. */
const LAYERS: Readonly<Record<string, string>> = {
  conv2d: 'conv',
  moments: 'norm',
  matmul: 'linear',
  pool2d: 'pool',
  pointwise: 'pointwise',
  reduce: 'reduce',
};

class NetWork implements Work {
  readonly #device: Device;
  readonly #model: zoo.Model;
  readonly #made: zoo.ModelGraph;
  readonly #session: graph.Session;
  readonly #options: ArmOptions;
  readonly #parameters: number;
  #result = new Float32Array();
  #error = 0;
  #peakBytes = 0;

  constructor(device: Device, model: zoo.Model, made: zoo.ModelGraph, options: ArmOptions) {
    this.#device = device;
    this.#model = model;
    this.#made = made;
    this.#session = new graph.Session({ device, kernels: options.kernels });
    this.#options = options;
    this.#parameters = zoo.parameterCount(made.net);
  }

  async run(): Promise<void> {
    this.#result = await zoo.resultOf(this.#session, this.#made);
    if (this.#peakBytes === 0) this.#peakBytes = this.#device.memory().peakBytes;
  }

  async verify(): Promise<string | undefined> {
    const { net } = this.#made;
    const { training } = net;
    const small = zoo.smallOf(this.#model, training);
    try {
      // In training a large batch is checked by a small one with the same kernels.
      const isWhole = !training || small.batch === this.#model.batch;
      const found = isWhole ? this.#result : await zoo.computed(small, net, { kernels: this.#options.kernels });
      const { error, complaint } = zoo.checked(found, await zoo.computed(small, net), training);
      this.#error = error;
      return complaint;
    } finally {
      net.dispose();
    }
  }

  async facts(): Promise<Facts> {
    const before = this.#device.memory();
    await zoo.resultOf(this.#session, this.#made, { timed: true });
    const after = this.#device.memory();
    const { kernels } = this.#session.report();
    return {
      bytesH2d: after.writtenBytes - before.writtenBytes,
      bytesD2h: after.readBytes - before.readBytes,
      peakBytes: this.#peakBytes,
      maxRelErr: this.#error,
      cost: costOf(kernels, this.#parameters),
      extra: layerTimes(kernels),
    };
  }

  async close(): Promise<void> {
    await this.#session.close();
    await this.#device.close();
  }
}

/** Operations of all kernels; bytes that must move at least: every weight once. */
function costOf(kernels: readonly KernelReport[], parameters: number): Cost {
  const total = (of: 'flops' | 'executedFlops') => kernels.reduce((sum, { cost }) => sum + (cost?.[of] ?? 0), 0);
  return { flops: total('flops'), executedFlops: total('executedFlops'), bytes: 4 * parameters };
}

/** Milliseconds of a call by the kind of layer. */
function layerTimes(kernels: readonly KernelReport[]): Record<string, number> {
  const times: Record<string, number> = {};
  for (const { kernel, nodes, ns = 0 } of kernels) {
    const layer = nodes.some((node) => node.startsWith('standardize')) ? 'norm' : LAYERS[kernel.split('/')[0]];
    const column = `${layer ?? 'other'}_ms`;
    times[column] = (times[column] ?? 0) + ns / 1e6;
  }
  return times;
}

/** Makes a model's net on a device of its own. */
export async function workOf(model: zoo.Model, pass: Pass, options: ArmOptions): Promise<Work> {
  const device = await openDevice(options.device, options);
  return new NetWork(device, model, await zoo.graphOf(model, device, pass === 'backward'), options);
}
