// Probing the devices: what they can do is asked in a process of its own, which a driver may crash or hang without taking the run along.

import type { DeviceKind, Traits } from '../kernels/kernel.ts';
import type { Arm } from './arm.ts';
import { Child } from './child.ts';
import { ArmFailure, type Opened } from './protocol.ts';

/** A device that was opened, or why there is none. */
export type Probed = Opened | { readonly missing: string };
export type Probes = ReadonlyMap<DeviceKind, Probed>;

/** Seconds that opening a device may take: the first use of a driver compiles, or unpacks. */
const PATIENCE_S = 60;

/** Opens each device once, in a child that runs `entry`. */
export async function probeDevices(kinds: Iterable<DeviceKind>, entry: string): Promise<Probes> {
  const found = new Map<DeviceKind, Probed>();
  for (const device of kinds) {
    const arm: Arm = { name: `probe of ${device}`, kind: 'kernel', device, threads: device === 'cpu' ? 1 : undefined, flags: 'tuned' };
    try {
      const { child, opened } = await Child.open(arm, { entry, timeout: PATIENCE_S });
      await child.close();
      found.set(device, opened);
    } catch (error) {
      if (!(error instanceof ArmFailure)) throw error;
      found.set(device, { missing: error.reason });
    }
  }
  return found;
}

export const traitsOf = ({ features, limits, identity }: Opened): Traits => ({ features: new Set(features), limits, identity });
