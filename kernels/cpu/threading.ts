// Threading: from which size on a kernel shares its work. Below it, waking a thread costs more than it saves.

import type { Cost, Traits } from '../kernel.ts';

/** Sharing pays from about 30 us of work on one thread: this many operations, or this many bytes where memory sets the time. */
const FLOPS_TO_SHARE = 3e6;
const BYTES_TO_SHARE = 1e6;

/** Threads that a problem's work is worth. */
export const threadsFor = ({ flops, bytes }: Cost, { limits }: Traits): number =>
  flops >= FLOPS_TO_SHARE || bytes >= BYTES_TO_SHARE ? limits.threads : 1;

/** Units of work that a task takes, for `tasksPerThread` tasks a thread, so that a thread that was held up can be helped out; all of them where there is one thread. */
export const unitsPerTask = (units: number, threads: number, tasksPerThread = 4): number =>
  threads === 1 ? units : Math.ceil(units / (threads * tasksPerThread));
