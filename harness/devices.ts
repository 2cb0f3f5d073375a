// Opening a device by its kind. Each is loaded only when it is asked for: a run on the CPU never touches WebGPU.

import { availableParallelism } from 'node:os';
import type { Device } from '../kernels/device.ts';
import type { DeviceKind } from '../kernels/kernel.ts';

export const deviceKinds: readonly DeviceKind[] = ['cpu', 'webgpu'];

export interface DeviceOptions {
  /** Threads of the CPU device, the caller's included; all if absent. */
  readonly threads?: number;
  /** V8 flags that the CPU device compiles under. */
  readonly flags?: 'tuned' | 'default';
}

/** Opens a device. Rejects with a DeviceError that says what is missing. */
export async function openDevice(kind: DeviceKind, options: DeviceOptions = {}): Promise<Device> {
  if (kind === 'cpu') {
    const { openCpu } = await import('../kernels/cpu/device.ts');
    return openCpu(options);
  }
  const { openWebgpu } = await import('../kernels/webgpu/device.ts');
  return openWebgpu();
}

/** Thread counts that are measured unless `--threads` says otherwise: one, and all. */
export const defaultThreads = (): number[] => [...new Set([1, availableParallelism()])];
