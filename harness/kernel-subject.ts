// A kernel as a subject: its launch over seeded operands on a device, checked against the reference before a sample counts.

import { refusal } from '../kernels/catalog.ts';
import { type Device, DeviceError } from '../kernels/device.ts';
import type { AnyKernel } from '../kernels/kernel.ts';
import { Launch } from '../kernels/launch.ts';
import { Operands } from './operands.ts';
import { ArmFailure, type CaseOrder, type Figure, type Prepared } from './protocol.ts';
import { nowNs, type Subject } from './subject.ts';

/**
 * Generates, compiles, runs and checks a kernel. Tunables that do not launch give way to the order's fallbacks, with a warning; wrong results never do.
 *
 * Throws an ArmFailure: 'skipped' where the kernel refuses, 'wrong' where it errs.
 */
export async function kernelSubject(device: Device, kernel: AnyKernel, order: CaseOrder): Promise<Subject> {
  const { fallbacks = [] } = order;
  const failures: string[] = [];
  for (const [i, { tunables, source }] of [{ tunables: order.tunables, source: undefined }, ...fallbacks].entries()) {
    try {
      const told = { tuneSource: source, warning: failures.length > 0 ? failures.join('; ') : undefined };
      return await subjectOf(device, kernel, { ...order, tunables }, told);
    } catch (error) {
      if (i === fallbacks.length || !(error instanceof DeviceError)) throw error;
      failures.push(`tunables ${JSON.stringify(tunables)} did not launch: ${error.message}`);
    }
  }
  throw new Error('unreachable: the last attempt returns or throws');
}

async function subjectOf(
  device: Device,
  kernel: AnyKernel,
  order: CaseOrder,
  told: Pick<Prepared, 'tuneSource' | 'warning'>,
): Promise<Subject> {
  const problem = order.problem!;
  const reason = refusal(kernel, problem, device, order.tunables);
  if (reason !== undefined) throw new ArmFailure('skipped', reason);

  const operands = new Operands(device, problem, order.seed);
  let launch: Launch | undefined;
  try {
    const began = nowNs();
    launch = new Launch(device, kernel, problem, order.tunables, { constants: order.constants });
    await launch.ready;
    launch.run(operands.buffers);
    await device.sync();
    const coldNs = nowNs() - began;
    const accuracy = await operands.check(kernel.errorFactor, order.sampled);
    for (const name of order.constants ?? []) if (!launch.reads(name)) operands.release(name);
    const prepared: Prepared = {
      ...told,
      coldNs,
      verified: accuracy !== undefined,
      maxRelErr: accuracy?.maxRelErr,
      tunables: launch.tunables,
      cost: kernel.cost(problem, launch.tunables),
      bytesH2d: 0,
      bytesD2h: order.readback ? operands.resultBytes : 0,
      peakBytes: device.memory().liveBytes,
      extra: {
        ...(launch.workspaceBytes > 0 && { workspace_bytes: launch.workspaceBytes }),
        ...(accuracy && problem.op === 'conv2d' && { err_2norm: accuracy.err2norm }),
      },
    };
    return new KernelSubject(device, launch, operands, prepared, order.readback);
  } catch (error) {
    launch?.free();
    operands.free();
    throw error;
  }
}

class KernelSubject implements Subject {
  readonly prepared: Prepared;
  readonly asynchronous: boolean;
  readonly batch: Subject['batch'];
  readonly figures: Subject['figures'];
  #device: Device;
  #launch: Launch;
  #operands: Operands;

  constructor(device: Device, launch: Launch, operands: Operands, prepared: Prepared, readback: boolean) {
    this.prepared = prepared;
    this.#device = device;
    this.#launch = launch;
    this.#operands = operands;
    this.asynchronous = readback || device.kind !== 'cpu';
    this.batch = readback
      ? (iterations) => this.#readBatch(iterations)
      : device.kind === 'cpu'
        ? (iterations) => this.#directBatch(iterations)
        : (iterations) => this.#queuedBatch(iterations);
    if (device.features.has('timestamp-query')) this.figures = (iterations) => this.#deviceTime(iterations);
  }

  /** On the CPU a call has ended when it returns. */
  #directBatch(iterations: number): number {
    const { buffers } = this.#operands;
    const began = nowNs();
    for (let i = 0; i < iterations; i++) this.#launch.run(buffers);
    return (nowNs() - began) / iterations;
  }

  /** On a queue, calls overlap with what follows: a batch is timed to the end of its last one. */
  async #queuedBatch(iterations: number): Promise<number> {
    const { buffers } = this.#operands;
    const began = nowNs();
    for (let i = 0; i < iterations; i++) this.#launch.run(buffers);
    await this.#device.sync();
    return (nowNs() - began) / iterations;
  }

  /** Every call ends with its result on the host, as a peer without device tensors must. */
  async #readBatch(iterations: number): Promise<number> {
    const { buffers } = this.#operands;
    const began = nowNs();
    for (let i = 0; i < iterations; i++) {
      this.#launch.run(buffers);
      await this.#operands.read();
    }
    return (nowNs() - began) / iterations;
  }

  async #deviceTime(iterations: number): Promise<Figure[]> {
    const { buffers } = this.#operands;
    const spanNs = await this.#device.span(() => {
      for (let i = 0; i < iterations; i++) this.#launch.run(buffers);
    });
    return [{ metric: 'device_time', unit: 'ns', value: spanNs / iterations }];
  }

  close(): void {
    this.#launch.free();
    this.#operands.free();
  }
}
