// Opening a device by its kind. Each is loaded only when it is asked for: a program on the CPU never touches WebGPU, and a page never Node's modules.

import type { Device } from './device.ts';
import type { DeviceKind } from './kernel.ts';
import { tracing } from './span.ts';

export interface DeviceOptions {
  /** Threads of the CPU device, the caller's included; all if absent. */
  readonly threads?: number;
  /** V8 flags that the CPU device compiles under. */
  readonly flags?: 'tuned' | 'default';
  /** Leaves kernels that lose accuracy (Winograd) out of what is chosen on this device. */
  readonly deterministic?: boolean;
}

/** Opens a device. Rejects with a DeviceError that says what is missing. */
export async function openDevice(kind: DeviceKind, options: DeviceOptions = {}): Promise<Device> {
  const device = await openUntraced(kind, options);
  const recorder = tracing();
  if (!recorder) return device;
  const { traced } = await import('./traced.ts');
  return traced(device, recorder);
}

async function openUntraced(kind: DeviceKind, options: DeviceOptions): Promise<Device> {
  if (kind === 'cpu') {
    const { openCpu } = await import('./cpu/device.ts');
    return openCpu(options);
  }
  const { openWebgpu } = await import('./webgpu/device.ts');
  return openWebgpu({ deterministic: options.deterministic });
}
