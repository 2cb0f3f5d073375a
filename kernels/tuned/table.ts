// The tuned table: what was measured to be the best, and where else that may hold.
//
// A look-up gives groups of entries, the nearest first, each the entries of one problem on one machine:
//
//   exact         this device and problem, with this runtime and driver
//   runtime       this device and problem, with another release of the runtime or driver
//   nearest       this device, the problem of the same class that lies nearest
//   architecture  another device of the same vendor and architecture, the nearest problem
//   vendor        another device of the same vendor
//   portable      entries that name no vendor: what did well on every machine that was measured
//
// What a group holds for is no promise: whoever takes an entry checks it against the device and the kernel (see `choose`).

import type { DeviceKind, Traits } from '../kernel.ts';
import type { Problem } from '../problem.ts';
import { type Machine, machineKey, machineOf, type TunedEntry } from './entry.ts';
import { distance, type Place, placeOf, problemKey } from './problem-key.ts';

export const LEVELS = ['exact', 'runtime', 'nearest', 'architecture', 'vendor', 'portable'] as const;
export type Level = (typeof LEVELS)[number];

/** Problems further apart than this tell nothing about each other: a factor of four in one size. */
export const REACH = 1.5;

export interface Group {
  readonly level: Level;
  readonly distance: number;
  /** Of one problem on one machine, the fastest first. */
  readonly entries: readonly TunedEntry[];
}

interface Kept {
  readonly entry: TunedEntry;
  readonly place: Place;
  /** Problem, machine and runtime: what entries of a group share. */
  readonly group: string;
  readonly problem: string;
  readonly constants: string;
}

/** Entries that did not launch in this process. */
const invalid = new Set<TunedEntry>();

/** Leaves an entry out of every look-up to come, in this process. */
export function invalidate(entry: TunedEntry): void {
  invalid.add(entry);
}

/** How many entries are left out by now: where the number has grown, choosing again may give another choice. */
export const invalidated = (): number => invalid.size;

const constantsKey = (constants: readonly string[] = []): string => [...constants].sort().join();

export class TunedTable {
  readonly entries: readonly TunedEntry[];
  #byClass: Map<string, Kept[]> | undefined;

  /** Of several entries for one problem, machine and kernel the last counts. */
  constructor(entries: readonly TunedEntry[]) {
    this.entries = entries;
  }

  /** Everything in both; what `later` has counts. */
  with(later: TunedTable): TunedTable {
    return new TunedTable([...this.entries, ...later.entries]);
  }

  /** Groups of entries that may hold for a problem on a machine, the nearest first. */
  near(problem: Problem, machine: Machine, constants: readonly string[] = []): Group[] {
    const place = placeOf(problem);
    const kept = this.#index().get(classKey(place, machine)) ?? [];
    if (kept.length === 0) return [];
    const [key, held] = [problemKey(problem), constantsKey(constants)];
    const groups = new Map<string, { level: Level; distance: number; entries: TunedEntry[]; strange: number }>();
    for (const each of kept) {
      if (invalid.has(each.entry)) continue;
      const apart = each.problem === key ? 0 : distance(place, each.place);
      const level = levelOf(each, machine, key);
      if (level === undefined || apart > REACH) continue;
      const group = groups.get(each.group) ?? { level, distance: apart, entries: [], strange: strangeness(each, machine, held) };
      groups.set(each.group, group);
      group.entries.push(each.entry);
    }
    const rank = ({ level }: { level: Level }) => LEVELS.indexOf(level);
    const found = [...groups.values()].sort((a, b) => rank(a) - rank(b) || a.distance - b.distance || a.strange - b.strange);
    return found.map(({ level, distance, entries }) => ({ level, distance, entries: entries.sort((a, b) => a.seconds - b.seconds) }));
  }

  #index(): Map<string, Kept[]> {
    if (this.#byClass) return this.#byClass;
    const last = new Map<string, Kept & { name: string }>();
    for (const entry of this.entries) {
      const [place, problem, constants] = [placeOf(entry.problem), problemKey(entry.problem), constantsKey(entry.constants)];
      const { runtime = '', driver = '' } = entry.machine;
      const group = [machineKey(entry.machine), runtime, driver, constants, problem].join('\n');
      last.set(`${group}\n${entry.kernel}`, { entry, place, group, problem, constants, name: classKey(place, entry.machine) });
    }
    this.#byClass = Map.groupBy(last.values(), ({ name }) => name);
    return this.#byClass;
  }
}

const classKey = (place: Place, { kind }: Machine): string => `${kind}/${place.class}`;

/** The part of a runtime's version whose change makes other code: `node 24`. */
const generation = (runtime: string | undefined): string | undefined => /^\D*\d+/.exec(runtime ?? '')?.[0];

/** How an entry's machine and problem relate to those asked for; undefined where nothing follows from one for the other. */
function levelOf({ entry, problem }: Kept, machine: Machine, key: string): Level | undefined {
  const from = entry.machine;
  if (from.runtime !== undefined && machine.runtime !== undefined && generation(from.runtime) !== generation(machine.runtime))
    return undefined;
  // Code for the CPU depends on the features; elsewhere constraints and the kernel's own demands say whether it runs.
  if (from.kind === 'cpu' && from.features !== undefined && from.features.join() !== machine.features?.join()) return undefined;
  if (from.name !== undefined && machineKey(from) === machineKey(machine)) {
    if (problem !== key) return 'nearest';
    return from.runtime === machine.runtime && from.driver === machine.driver ? 'exact' : 'runtime';
  }
  if (from.vendor === undefined) return from.name === undefined ? 'portable' : undefined;
  if (from.vendor !== machine.vendor) return undefined;
  return from.architecture !== undefined && from.architecture === machine.architecture ? 'architecture' : 'vendor';
}

/** What sets equally near entries apart: other operands held for constant, then how different the number of threads is. */
function strangeness({ entry, constants }: Kept, { threads = 1 }: Machine, held: string): number {
  return (constants === held ? 0 : 100) + Math.abs(Math.log(threads / (entry.machine.threads ?? threads)));
}

/** What measurements on a device hold for without a doubt: kind, model, threads and the features that code is generated for. */
export const deviceKey = (device: Traits & { readonly kind: DeviceKind; readonly name?: string }): string => machineKey(machineOf(device));

/** A table that knows nothing: kernels take their defaults. */
export const EMPTY_TABLE = new TunedTable([]);
