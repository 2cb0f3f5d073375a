// Where a search begins beside the default: at what the tuned table says of this problem and of the nearest ones. Each is proven and timed like any other
// candidate, so a line that is out of date costs one evaluation and nothing else.

import { SHARING_KNOBS } from '../../kernels/cpu/threading.ts';
import type { AnyKernel, DeviceKind, Traits, Tunables } from '../../kernels/kernel.ts';
import type { Problem } from '../../kernels/problem.ts';
import { machineOf } from '../../kernels/tuned/entry.ts';
import type { TunedTable } from '../../kernels/tuned/table.ts';
import type { Space } from './space.ts';

/** Lines that a search of one kernel begins with at most. */
const MOST = 4;

export interface WarmPlace {
  readonly problem: Problem;
  readonly device: DeviceKind;
  readonly constants: readonly string[];
  readonly traits: Traits & { readonly name?: string };
}

/** Tunables of a kernel that the table holds for the problem or those near it, the nearest first, as far as they are valid in the space. */
export function warmStarts(
  kernel: AnyKernel,
  space: Space,
  { problem, device, constants, traits }: WarmPlace,
  table: TunedTable,
): Tunables[] {
  const found = new Map<number, Tunables>();
  for (const { entries } of table.near(problem, machineOf({ ...traits, kind: device }), constants))
    for (const entry of entries.filter(({ kernel: name }) => name === kernel.name)) {
      const tunables = { ...entry.tunables };
      // How work is shared does not carry over to another number of threads.
      if (device === 'cpu' && entry.machine.threads !== traits.limits.threads) {
        const defaults = kernel.defaults(problem, traits);
        for (const knob of SHARING_KNOBS) if (knob in defaults) tunables[knob] = defaults[knob];
      }
      const index = space.indexOf(tunables);
      if (index >= 0 && found.size < MOST && !found.has(index)) found.set(index, tunables);
    }
  return [...found.values()];
}
