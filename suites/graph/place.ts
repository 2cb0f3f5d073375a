// Where a form of a program runs: a device, and on the CPU so many threads.

import type { Facts, FunctionArm, Request } from '../../harness/suite.ts';
import type { Device } from '../../kernels/device.ts';
import type { DeviceKind } from '../../kernels/kernel.ts';
import { Launch } from '../../kernels/launch.ts';
import { openDevice } from '../../kernels/open.ts';

export interface Place {
  readonly device: DeviceKind;
  readonly threads?: number;
}

/** `cpu/2` or `webgpu`: in names of cases and after the @ of arms. */
export const placeName = ({ device, threads }: Place): string => (device === 'cpu' ? `${device}/${threads}` : device);

/** Every device that was asked for, the CPU with each count of threads; in a quick run with the largest only. */
export function placesOf({ devices, threads, quick }: Pick<Request, 'devices' | 'threads' | 'quick'>): Place[] {
  const counts = quick ? [Math.max(...threads)] : [...new Set(threads)];
  return devices.flatMap((device): Place[] => (device === 'cpu' ? counts.map((threads) => ({ device, threads })) : [{ device }]));
}

export const openAt = ({ device, threads }: Place): Promise<Device> => openDevice(device, { threads });

/** An arm for each form of a program in a place. */
export const armsAt = (place: Place, forms: readonly string[], make: (form: string) => FunctionArm['make']): FunctionArm[] =>
  forms.map((form) => ({ name: `${form}@${placeName(place)}`, ...place, make: make(form) }));

/** What one call comes to on a device. */
export interface Counts {
  /** Dispatches. */
  readonly launches: number;
  /** What its kernels read and write by their cost models, and what the device copies within itself, twice. */
  readonly kernelBytes: number;
  readonly toDevice: number;
  readonly toHost: number;
  /** Writes and reads, however many bytes each has. */
  readonly crossings: number;
}

/** Counts what `work` does on a device: by the device's own counters, and by what is launched meanwhile. */
export async function countsOf(device: Device, work: () => unknown): Promise<Counts> {
  let [launches, kernelBytes] = [0, 0];
  const { dispatch, copy } = device;
  const { run } = Launch.prototype;
  device.dispatch = (...order) => {
    launches++;
    dispatch.apply(device, order);
  };
  device.copy = (from, to, fromOffset = 0, toOffset = 0, bytes = from.bytes - fromOffset) => {
    kernelBytes += 2 * bytes;
    copy.call(device, from, to, fromOffset, toOffset, bytes);
  };
  Launch.prototype.run = function (operands) {
    kernelBytes += this.kernel.cost(this.problem, this.tunables).bytes;
    run.call(this, operands);
  };
  const before = device.memory();
  try {
    await work();
    await device.sync();
  } finally {
    Object.assign(device, { dispatch, copy });
    Launch.prototype.run = run;
  }
  const after = device.memory();
  return {
    launches,
    kernelBytes,
    toDevice: after.writtenBytes - before.writtenBytes,
    toHost: after.readBytes - before.readBytes,
    crossings: after.writes - before.writes + after.reads - before.reads,
  };
}

/** The columns of a form: what one call comes to, what the device held at most, and of a static graph what its plan holds. */
export async function factsOf(device: Device, work: () => unknown, plan?: () => { readonly planBytes: number }): Promise<Facts> {
  const { launches, kernelBytes, toDevice, toHost, crossings } = await countsOf(device, work);
  return {
    bytesH2d: toDevice,
    bytesD2h: toHost,
    peakBytes: device.memory().peakBytes,
    extra: { launches, kernel_bytes: kernelBytes, crossings, ...(plan && { plan_bytes: plan().planBytes }) },
  };
}
