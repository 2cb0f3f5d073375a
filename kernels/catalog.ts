// The explicit list of kernels, and the choice among them: which kernel, with which tunables, for a problem on a device.

import { configurations, firstViolated } from './constraint.ts';
import { cpuKernels } from './cpu/kernels.ts';
import type { AnyKernel, DeviceKind, Traits, Tunables } from './kernel.ts';
import type { Problem } from './problem.ts';
import { webgpuKernels } from './webgpu/kernels.ts';

/** Every kernel, in the order they are listed and measured: device by device, plain before clever. */
export const kernels: readonly AnyKernel[] = [...cpuKernels, ...webgpuKernels];

/** What `--tune` says a choice came from: the kernel's own defaults, or a table. */
export type TuneSource = 'default' | 'pinned';

export interface Choice {
  readonly kernel: AnyKernel;
  readonly tunables: Tunables;
  readonly source: TuneSource;
}

/** Kernels of the catalogue for an op on a kind of device. */
export const kernelsFor = (op: Problem['op'], device: DeviceKind): AnyKernel[] =>
  kernels.filter((kernel) => kernel.op === op && kernel.device === device);

/** Why `kernel` cannot do `problem` with `tunables` on a device with `traits`; undefined where it can. */
export function refusal(kernel: AnyKernel, problem: Problem, traits: Traits, tunables?: Tunables): string | undefined {
  const missing = kernel.requires.filter((feature) => !traits.features.has(feature));
  if (missing.length > 0) return `the device lacks ${missing.join(', ')}`;
  const reason = kernel.rejects(problem, traits);
  if (reason !== undefined || tunables === undefined) return reason;
  for (const [name, value] of Object.entries(tunables)) {
    if (!kernel.tunables[name]) return `it has no tunable ${name}; it has ${Object.keys(kernel.tunables).join(', ') || 'none'}`;
    if (!kernel.tunables[name].includes(value)) return `${name} is ${value}, expected one of ${kernel.tunables[name].join(', ')}`;
  }
  const violated = firstViolated(kernel.constraints, { ...traits.limits, ...kernel.facts(problem), ...tunables });
  return violated === undefined ? undefined : `its tunables break the constraint ${violated}`;
}

/** Every configuration of a kernel's tunables that is valid for a problem on a device. */
export const validTunables = (kernel: AnyKernel, problem: Problem, traits: Traits): Generator<Tunables> =>
  configurations(kernel.tunables, kernel.constraints, { ...traits.limits, ...kernel.facts(problem) });

/** The deterministic kernel with the least estimated time for a problem, with its defaults. Throws a RangeError that says why none can do it. */
export function choose(problem: Problem, device: Traits & { readonly kind: DeviceKind }): Choice {
  const candidates = kernelsFor(problem.op, device.kind);
  const able = candidates.filter((kernel) => kernel.deterministic && refusal(kernel, problem, device) === undefined);
  const [best] = able.sort((a, b) => a.estimate(problem, device) - b.estimate(problem, device));
  if (!best) {
    const reasons = candidates.map((kernel) => `${kernel.name}: ${refusal(kernel, problem, device)}`).join('; ');
    throw new RangeError(`no kernel on ${device.kind} can do this ${problem.op} problem (${reasons || 'there is none for it'})`);
  }
  return { kernel: best, tunables: best.defaults(problem, device), source: 'default' };
}
