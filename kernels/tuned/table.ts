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

/** A machine with what look-ups compare it by, put into words once. */
interface Known {
  readonly machine: Machine;
  readonly key: string;
  readonly features: string | undefined;
  readonly generation: string | undefined;
}

/** Entries that share problem, machine, runtime and constant operands, the fastest first. */
interface Kept {
  readonly on: Known;
  readonly place: Place;
  readonly problem: string;
  readonly constants: string;
  readonly entries: readonly TunedEntry[];
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
    const [on, key, held] = [known(machine), problemKey(problem), constantsKey(constants)];
    const found: (Group & { rank: number; strange: number })[] = [];
    for (const each of kept) {
      const level = levelOf(each, on, key);
      if (level === undefined) continue;
      const apart = each.problem === key ? 0 : distance(place, each.place);
      if (apart > REACH) continue;
      const entries = each.entries.filter((entry) => !invalid.has(entry));
      if (entries.length > 0)
        found.push({ level, distance: apart, entries, rank: LEVELS.indexOf(level), strange: strangeness(each, machine, held) });
    }
    found.sort((a, b) => a.rank - b.rank || a.distance - b.distance || a.strange - b.strange);
    return found.map(({ level, distance, entries }) => ({ level, distance, entries }));
  }

  #index(): Map<string, Kept[]> {
    if (this.#byClass) return this.#byClass;
    const groups = new Map<string, Omit<Kept, 'entries'> & { class: string; byKernel: Map<string, TunedEntry> }>();
    for (const entry of this.entries) {
      const { machine } = entry;
      const [place, problem, constants] = [placeOf(entry.problem), problemKey(entry.problem), constantsKey(entry.constants)];
      const name = [machineKey(machine), machine.runtime ?? '', machine.driver ?? '', constants, problem].join('\n');
      const group = groups.get(name) ?? {
        on: known(machine),
        place,
        problem,
        constants,
        class: classKey(place, machine),
        byKernel: new Map(),
      };
      groups.set(name, group);
      group.byKernel.set(entry.kernel, entry);
    }
    const kept = [...groups.values()].map(({ byKernel, ...group }) => ({
      ...group,
      entries: [...byKernel.values()].sort((a, b) => a.seconds - b.seconds),
    }));
    this.#byClass = Map.groupBy(kept, (group) => group.class);
    return this.#byClass;
  }
}

const classKey = (place: Place, { kind }: Machine): string => `${kind}/${place.class}`;

/** The part of a runtime's version whose change makes other code: `node 24`. */
const generation = (runtime: string | undefined): string | undefined => /^\D*\d+/.exec(runtime ?? '')?.[0];

const known = (machine: Machine): Known => ({
  machine,
  key: machineKey(machine),
  features: machine.features?.join(),
  generation: generation(machine.runtime),
});

/** How the machine and problem of entries relate to those asked for; undefined where nothing follows from one for the other. */
function levelOf({ on, problem }: Kept, asked: Known, key: string): Level | undefined {
  const [from, machine] = [on.machine, asked.machine];
  if (from.runtime !== undefined && machine.runtime !== undefined && on.generation !== asked.generation) return undefined;
  // Code for the CPU depends on the features; elsewhere constraints and the kernel's own demands say whether it runs.
  if (from.kind === 'cpu' && on.features !== undefined && on.features !== asked.features) return undefined;
  if (from.name !== undefined && on.key === asked.key) {
    if (problem !== key) return 'nearest';
    return from.runtime === machine.runtime && from.driver === machine.driver ? 'exact' : 'runtime';
  }
  if (from.vendor === undefined) return from.name === undefined ? 'portable' : undefined;
  if (from.vendor !== machine.vendor) return undefined;
  return from.architecture !== undefined && from.architecture === machine.architecture ? 'architecture' : 'vendor';
}

/** What sets equally near entries apart: other operands held for constant, then how different the number of threads is. */
function strangeness({ on, constants }: Kept, { threads = 1 }: Machine, held: string): number {
  return (constants === held ? 0 : 100) + Math.abs(Math.log(threads / (on.machine.threads ?? threads)));
}

/** What measurements on a device hold for without a doubt: kind, model, threads and the features that code is generated for. */
export const deviceKey = (device: Traits & { readonly kind: DeviceKind; readonly name?: string }): string => machineKey(machineOf(device));

/** A table that knows nothing: kernels take their defaults. */
export const EMPTY_TABLE = new TunedTable([]);
