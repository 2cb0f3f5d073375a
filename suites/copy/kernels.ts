// Copies by kernels: the one that is chosen for a contiguous copy, and the loops of the roof.

import { choose, kernelsFor } from '../../kernels/catalog.ts';
import type { Device } from '../../kernels/device.ts';
import type { DeviceKind, Tunables } from '../../kernels/kernel.ts';
import { Launch } from '../../kernels/launch.ts';
import { type DeviceOptions, openDevice } from '../../kernels/open.ts';
import { copy } from '../../kernels/problem.ts';
import type { Transfer } from './path.ts';

/** A copy of `bytes` bytes by the kernel that is chosen for it. */
export async function kernelCopy(bytes: number, kind: DeviceKind, options: DeviceOptions = {}): Promise<Transfer> {
  const device = await openDevice(kind, options);
  const problem = copy({ shape: [bytes / 4], from: { strides: [1], offset: 0 }, to: { strides: [1], offset: 0 } });
  const { kernel, tunables } = choose(problem, device);
  return launched(device, new Launch(device, kernel, problem, tunables), ['x0', 'out'], bytes);
}

/** A copy by a loop of the roof on the CPU: with STREAMS by vectors in so many streams, else by memory.copy. */
export async function loopCopy(bytes: number, tunables: Tunables, options: DeviceOptions): Promise<Transfer> {
  const device = await openDevice('cpu', options);
  const name = 'STREAMS' in tunables ? 'vectors' : 'bulk';
  const kernel = kernelsFor('stream', 'cpu').find((one) => one.name === name)!;
  return launched(device, new Launch(device, kernel, { op: 'stream', access: 'copy', bytes }, tunables), ['from', 'to'], bytes);
}

async function launched(device: Device, launch: Launch, [source, target]: readonly string[], bytes: number): Promise<Transfer> {
  const [from, to] = [device.alloc(bytes), device.alloc(bytes)];
  device.fill(to, 0x5a5a5a5a);
  const operands = { [source]: from, [target]: to };
  await launch.ready;
  const run = () => {
    launch.run(operands);
    return device.kind === 'cpu' ? undefined : device.sync();
  };
  return {
    put: (values) => device.write(from, values),
    run,
    arrived: () => device.read(to),
    close: () => device.close(),
  };
}
