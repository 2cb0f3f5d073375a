// An entry is one line of a tuned table: for a problem on a machine, the best tunables of one kernel that were found there.
//
// Its key is the machine with its runtime and driver, the problem, and the version of the generator: a hash of the code that was measured. It never is the
// list of candidates, so that a new candidate makes no line stale.

import type { AnyKernel, DeviceKind, Traits, Tunables } from '../kernel.ts';
import type { Problem } from '../problem.ts';

/** Where something was measured, or is to run. What is absent is not known, or holds for any. */
export interface Machine {
  readonly kind: DeviceKind;
  /** CPU model or adapter. */
  readonly name?: string;
  readonly vendor?: string;
  /** `x64`, or what the adapter calls its architecture. */
  readonly architecture?: string;
  /** Of the CPU device. */
  readonly threads?: number;
  /** Those that code is generated for, sorted. */
  readonly features?: readonly string[];
  /** What compiles: `node 24.21.0`; its first number is the version after which a measurement is out of date. */
  readonly runtime?: string;
  /** Of a GPU. */
  readonly driver?: string;
}

export interface TunedEntry {
  readonly machine: Machine;
  readonly problem: Problem;
  /** Operands that held the same values in every call while it was measured; none if absent. */
  readonly constants?: readonly string[];
  /** A kernel's name among those of the problem's op and the machine's kind. */
  readonly kernel: string;
  readonly tunables: Tunables;
  /** `codeVersion` of what was measured. */
  readonly code: string;
  /** Of a call, the median. Entries of one problem on one machine compare by it. */
  readonly seconds: number;
  /** Of a call with the kernel's defaults, measured beside it. */
  readonly defaultSeconds?: number;
}

/** Who a device is, beyond its traits. */
export type Identity = Pick<Machine, 'name' | 'vendor' | 'architecture' | 'runtime' | 'driver'>;

/** The machine that a device is. */
export function machineOf(device: Traits & { readonly kind: DeviceKind; readonly name?: string }): Machine {
  const { kind, name, features, limits, identity } = device;
  const threads = kind === 'cpu' ? { threads: limits.threads ?? 1 } : {};
  return { kind, ...(name !== undefined && { name }), ...identity, ...threads, features: [...features].sort() };
}

/** What a machine is known by: equal where measurements hold without a doubt. */
export const machineKey = ({ kind, name, threads, features }: Machine): string =>
  [kind, name ?? '', threads ?? '', features?.join('+') ?? ''].join('/');

const versions = new WeakMap<AnyKernel, Map<string, string>>();

/** A hash of the code that a kernel generates for a problem's variant with these tunables, on a device with these features. */
export function codeVersion(kernel: AnyKernel, problem: Problem, tunables: Tunables, traits: Traits): string {
  const known = versions.get(kernel) ?? new Map<string, string>();
  versions.set(kernel, known);
  const key = JSON.stringify([kernel.variant(problem), Object.entries(tunables).sort(), [...traits.features].sort()]);
  let version = known.get(key);
  if (version === undefined) known.set(key, (version = hashOf(kernel.generate(problem, tunables, traits).code)));
  return version;
}

/** FNV-1a over two words that start and multiply differently, in hexadecimal: for telling versions apart, not for secrets. */
function hashOf(code: Uint8Array | string): string {
  let [a, b] = [0x811c9dc5, 0x01000193];
  for (let i = 0; i < code.length; i++) {
    const unit = typeof code === 'string' ? code.charCodeAt(i) : code[i];
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x85ebca6b);
  }
  return [a, b].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}
