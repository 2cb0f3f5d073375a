// The tuned table: what was measured to be the best for a problem on a device, where that is another than the cost model's choice.
//
// It is data, reviewed like code: a line for each problem and device, never chosen where it does not hold (see `choose`). The last of several lines counts.

import type { DeviceKind, Traits, Tunables } from '../kernel.ts';
import type { Problem } from '../problem.ts';

export interface TunedEntry {
  /** Of `deviceKey`. */
  readonly device: string;
  /** Of `problemKey`. */
  readonly problem: string;
  /** A kernel's name among those of the problem's op and the device's kind. */
  readonly kernel: string;
  readonly tunables: Tunables;
}

export const tuned: readonly TunedEntry[] = [];

/** What a measurement holds for: kind, model, threads and the features that code is generated for. */
export const deviceKey = (device: Traits & { readonly kind: DeviceKind; readonly name?: string }): string =>
  [device.kind, device.name ?? '', device.limits.threads ?? 1, [...device.features].sort().join('+')].join('/');

/** A problem in one line: its fields by name in order, the op first. */
export const problemKey = ({ op, ...fields }: Problem): string => `${op} ${JSON.stringify(sorted(fields))}`;

const sorted = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, each]) => [name, sorted(each)]),
      )
    : value;
