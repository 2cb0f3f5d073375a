// The explicit list of kernels, and the choice among them: which kernel, with which tunables, for a problem on a device.

import { configurations, firstViolated } from './constraint.ts';
import { cpuKernels } from './cpu/kernels.ts';
import { SHARING_KNOBS } from './cpu/threading.ts';
import type { AnyKernel, DeviceKind, Traits, Tunables } from './kernel.ts';
import type { Problem } from './problem.ts';
import { activeTable, shippedTable } from './tuned/active.ts';
import { codeVersion, machineOf, type TunedEntry } from './tuned/entry.ts';
import type { Level, TunedTable } from './tuned/table.ts';
import { webgpuKernels } from './webgpu/kernels.ts';

/** Every kernel, in the order they are listed and measured: device by device, plain before clever. */
export const kernels: readonly AnyKernel[] = [...cpuKernels, ...webgpuKernels];

/** Where tunables came from: the tuned table and how near, the kernel's own defaults, or whoever asked for the kernel. */
export type TuneSource = Level | 'default' | 'pinned';

export interface Choice {
  readonly kernel: AnyKernel;
  readonly tunables: Tunables;
  readonly source: TuneSource;
  /** The line of the table that it follows; none for defaults. */
  readonly entry?: TunedEntry;
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
  const left = Object.keys(kernel.tunables).filter((name) => !(name in tunables));
  if (left.length > 0) return `its tunables lack ${left.join(', ')}`;
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
  /** Measured choices, which go before the cost model. If absent: the process's, or on a deterministic device what the project ships. */
  readonly table?: TunedTable;
}

/** A device as far as choosing for it goes. What is not said of it does not match any line that says it. */
export type ChoiceTarget = Traits & { readonly kind: DeviceKind; readonly name?: string };

/**
 * The kernel and tunables for a problem: the tuned table's where it has lines that hold, else the kernel with the least estimated time, with its defaults.
 * Kernels whose order of additions depends on timing are never chosen unless named. Throws a RangeError that says why none can do it.
 *
 * A deterministic device goes by the shipped table alone: what a machine learns between two runs must not change their bits.
 */
export function choose(problem: Problem, device: ChoiceTarget, options: ChooseOptions = {}): Choice {
  const { kernel: name, deterministic = device.deterministic ?? false, constants } = options;
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
  const [tuned] = tunedChoices(problem, device, able, options.table ?? tableFor(deterministic), constants);
  return tuned ?? { kernel: best, tunables: best.defaults(problem, device), source: 'default' };
}

const tableFor = (deterministic: boolean): TunedTable => (deterministic ? shippedTable : activeTable());

/** What a kernel may be given for a problem, the best first and its defaults last. Throws a RangeError where it cannot do it. */
export function choicesFor(kernel: AnyKernel, problem: Problem, device: ChoiceTarget, options: ChooseOptions = {}): Choice[] {
  const reason = refusal(kernel, problem, device);
  if (reason !== undefined) throw new RangeError(`${kernel.op}/${kernel.name}: ${reason}`);
  const { constants, deterministic = device.deterministic ?? false, table = tableFor(deterministic) } = options;
  const tuned = tunedChoices(problem, device, [kernel], table, constants);
  return [...tuned, { kernel, tunables: kernel.defaults(problem, device), source: 'default' }];
}

/**
 * The table's choices, the best first: among the entries of each problem, the fastest that holds here. It overrules the cost model's kernel, the first of
 * `able`, only where that was measured too, under the same conditions; else it says no more than that kernel's tunables.
 */
function* tunedChoices(
  problem: Problem,
  device: ChoiceTarget,
  able: readonly AnyKernel[],
  table: TunedTable,
  constants: readonly string[] = [],
): Generator<Choice> {
  if (table.entries.length === 0) return;
  const isHeld = (entry: TunedEntry) => [...(entry.constants ?? [])].sort().join() === [...constants].sort().join();
  for (const { level, entries } of table.near(problem, machineOf(device), constants)) {
    const usable = entries.map((entry) => choiceOf(entry, level, problem, device, able)).filter((choice) => choice !== undefined);
    const own = usable.find(({ kernel }) => kernel === able[0]);
    if (own) yield isHeld(own.entry!) ? usable[0] : own;
  }
}

/** Whether a level's entries are of other problems, or may be. */
const isNearby = (level: Level): boolean => level !== 'exact' && level !== 'runtime';

/** Whether an entry says that nothing was faster than the defaults: then a problem near by goes by its own. */
function isDefault({ problem, tunables }: TunedEntry, kernel: AnyKernel, device: ChoiceTarget): boolean {
  return Object.entries(kernel.defaults(problem, device)).every(([name, value]) => tunables[name] === value);
}

/** An entry as a choice for a problem on a device, or undefined where it does not hold: no such kernel, other code, or tunables that break a constraint. */
function choiceOf(
  entry: TunedEntry,
  source: Level,
  problem: Problem,
  device: ChoiceTarget,
  able: readonly AnyKernel[],
): Choice | undefined {
  const kernel = able.find(({ name }) => name === entry.kernel);
  if (!kernel) return undefined;
  const tunables = { ...(isNearby(source) && isDefault(entry, kernel, device) ? kernel.defaults(problem, device) : entry.tunables) };
  // How work is shared does not carry over to another number of threads.
  if (device.kind === 'cpu' && entry.machine.threads !== device.limits.threads) {
    const defaults = kernel.defaults(problem, device);
    for (const knob of SHARING_KNOBS) if (knob in defaults) tunables[knob] = defaults[knob];
  }
  if (refusal(kernel, problem, device, tunables) !== undefined) return undefined;
  const measuredOn = { features: new Set(entry.machine.features ?? device.features), limits: device.limits };
  if (entry.code !== codeVersion(kernel, entry.problem, entry.tunables, measuredOn)) return undefined;
  return { kernel, tunables, source, entry };
}
