// Threading: how a kernel's work is dealt to threads, as two of its tunables.
//
//   THREADS   how many threads it is cut for: 0 for all of the device's, 1 for the caller, so that nobody need be woken
//   TASKS     tasks for each of them, so that a thread that was held up can be helped out
//
// Work that is cut for one thread is one task, unless caches ask for more: blocks of rows are shared by all threads, however many they were meant for.
//
// By default work is shared from a size on: below it, waking a thread costs more than it saves. Where that size lies is for tuning to correct.

import type { Cost, Traits, TunableSpace, Tunables } from '../kernel.ts';

/** Sharing pays from about 30 us of work on one thread: this many operations, or this many bytes where memory sets the time. */
const FLOPS_TO_SHARE = 3e6;
const BYTES_TO_SHARE = 1e6;

/** Names of the knobs that say how work is shared: they mean nothing to a device with another number of threads. */
export const SHARING_KNOBS = ['THREADS', 'TASKS'] as const;

/** The values of THREADS, and the constraint that leaves no count that is another's double. */
export const THREADS: readonly number[] = [0, 1, 2, 4, 8, 16, 32];
export const THREADS_FIT = 'THREADS == 0 or THREADS < threads';

/** The knobs of a kernel that shares its work; `tasks` are the values of TASKS, its default first. */
export const sharing = (...tasks: readonly number[]): TunableSpace => ({ THREADS, TASKS: tasks });

/** What goes with `sharing(first, ..)`: one thread has one task, whatever TASKS is. */
export const sharingConstraints = (first: number): readonly string[] => [THREADS_FIT, `TASKS == ${first} or threads > 1 and THREADS != 1`];

/** Threads that a problem's work is worth, where nobody has measured it. */
export const threadsWorth = ({ flops, bytes }: Pick<Cost, 'flops' | 'bytes'>, { limits }: Traits): number =>
  flops >= FLOPS_TO_SHARE || bytes >= BYTES_TO_SHARE ? limits.threads : 1;

/** The default of THREADS for a problem that costs so much. */
export const threadsBy = (cost: Pick<Cost, 'flops' | 'bytes'>, traits: Traits): number =>
  traits.limits.threads > 1 && threadsWorth(cost, traits) === 1 ? 1 : 0;

/** The default of both knobs. */
export const sharedBy = (cost: Pick<Cost, 'flops' | 'bytes'>, traits: Traits, tasks: number): Tunables => ({
  THREADS: threadsBy(cost, traits),
  TASKS: tasks,
});

/** Threads that work is cut for. */
export const threadsOf = ({ THREADS }: Tunables, { limits }: Traits): number => (THREADS === 0 ? limits.threads : THREADS);

/** Tasks that work is cut into, where it can be: one for a single thread. */
export const tasksOf = (tunables: Tunables, traits: Traits): number => {
  const threads = threadsOf(tunables, traits);
  return threads === 1 ? 1 : threads * tunables.TASKS;
};

/** Units of work that a task takes. */
export const unitsPerTask = (units: number, tunables: Tunables, traits: Traits): number => Math.ceil(units / tasksOf(tunables, traits));

/**
 * Units in a block of `units` of them, at most `most`, cut so that the thread with the most work has as little as can be: `beside` such blocks lie beside each
 * other at every place. Of equally good cuts the one with the fewest blocks.
 */
export function evenUnits(units: number, most: number, beside: number, threads: number): number {
  const least = Math.ceil(units / most);
  const cuts = Array.from({ length: 2 * threads + 1 }, (_, more) => {
    const block = Math.ceil(units / (least + more));
    return { block, load: block * Math.ceil((beside * Math.ceil(units / block)) / threads) };
  });
  return cuts.reduce((best, cut) => (cut.load < best.load ? cut : best)).block;
}
