// The explicit list of kernels, and the choice among them: which kernel, with which tunables, for a problem on a device.

import { configurations, firstViolated } from './constraint.ts';
import { cpuKernels } from './cpu/kernels.ts';
import type { AnyKernel, DeviceKind, Traits, Tunables } from './kernel.ts';
import type { Problem } from './problem.ts';
import { deviceKey, problemKey, type TunedEntry, tuned } from './tuned/table.ts';
import { webgpuKernels } from './webgpu/kernels.ts';

/** Every kernel, in the order they are listed and measured: device by device, plain before clever. */
export const kernels: readonly AnyKernel[] = [...cpuKernels, ...webgpuKernels];

/** What `--tune` says a choice came from: the kernel's own defaults, the tuned table, or the user. */
export type TuneSource = 'default' | 'tuned' | 'pinned';

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

export interface ChooseOptions {
  /** Leaves out kernels that lose accuracy; what the device says if absent. */
  readonly deterministic?: boolean;
  /** The name of the kernel that must do it. */
  readonly kernel?: string;
  /** Operands that will not change from run to run: turning them into another layout does not count. */
  readonly constants?: readonly string[];
  /** Measured choices, which go before the cost model; the project's own if absent. */
  readonly table?: readonly TunedEntry[];
}

/** A device as far as choosing for it goes. */
export type ChoiceTarget = Traits & { readonly kind: DeviceKind; readonly name?: string };

/**
 * The kernel and tunables for a problem: the tuned table's where it has a line that holds, else the kernel with the least estimated time, with its defaults.
 * Kernels whose order of additions depends on timing are never chosen unless named. Throws a RangeError that says why none can do it.
 */
export function choose(problem: Problem, device: ChoiceTarget, options: ChooseOptions = {}): Choice {
  const { kernel: name, deterministic = device.deterministic ?? false, constants, table = tuned } = options;
  const candidates = kernelsFor(problem.op, device.kind).filter((kernel) => name === undefined || kernel.name === name);
  const unfit = (kernel: AnyKernel): string | undefined => {
    if (name === undefined && !kernel.deterministic) return 'the order of its additions depends on timing';
    if (deterministic && (!kernel.deterministic || (kernel.errorFactor ?? 1) > 1))
      return 'it loses accuracy, and deterministic is asked for';
    return refusal(kernel, problem, device);
  };
  const able = candidates.filter((kernel) => unfit(kernel) === undefined);
  const seconds = new Map(able.map((kernel) => [kernel, kernel.estimate(problem, device, constants)]));
  const [best] = able.sort((a, b) => seconds.get(a)! - seconds.get(b)!);
  if (!best) {
    const reasons = candidates.map((kernel) => `${kernel.name}: ${unfit(kernel)}`).join('; ');
    throw new RangeError(
      `no kernel${name === undefined ? '' : ` ${name}`} on ${device.kind} can do this ${problem.op} problem (${reasons || 'there is none for it'})`,
    );
  }
  return tunedChoice(problem, device, able, table) ?? { kernel: best, tunables: best.defaults(problem, device), source: 'default' };
}

/** The table's choice among `able` kernels, if it has one whose tunables hold. */
function tunedChoice(problem: Problem, device: ChoiceTarget, able: readonly AnyKernel[], table: readonly TunedEntry[]): Choice | undefined {
  if (table.length === 0) return undefined;
  const [wanted, here] = [problemKey(problem), deviceKey(device)];
  const line = table.findLast((entry) => entry.problem === wanted && entry.device === here);
  const kernel = able.find((each) => each.name === line?.kernel);
  if (!line || !kernel || refusal(kernel, problem, device, line.tunables) !== undefined) return undefined;
  return { kernel, tunables: line.tunables, source: 'tuned' };
}
