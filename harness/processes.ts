// What Linux tells of processes: who has started whom, and how much processor time each has used. Elsewhere, nothing.

import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Fields of /proc/PID/stat after the name, which may itself hold blanks and brackets; state is the first. See proc(5). */
function statOf(pid: number | string): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** A process and all that descend from it, as of now. Only itself where the system does not tell. */
export function familyOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of processNames()) {
    try {
      const parent = Number(statOf(entry)[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
    } catch {
      // It has ended since it was listed.
    }
  }
  const family = [pid];
  for (const member of family) family.push(...(children.get(member) ?? []));
  return family;
}

function processNames(): string[] {
  try {
    return readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  } catch {
    return [];
  }
}

/** Processor time, and by how much a difference of two readings may be too large. */
export interface ProcessorTime {
  readonly seconds: number;
  readonly error: number;
}

/** Of ticks, since user and system time of each process are cut to whole ones. */
const TICK_S = 0.01;
const ROUNDED = 2.05;

/** Seconds that processes have used, with their threads and with processes of theirs that have ended; undefined where one of them cannot be read. */
export function processorTimeOf(pids: readonly number[]): ProcessorTime | undefined {
  try {
    const stats = pids.map(statOf);
    const ticksIn = (fields: readonly string[], first: number) => Number(fields[first]) + Number(fields[first + 1]);
    const ended = stats.map((fields) => ticksIn(fields, 13));
    const ticks = stats.reduce((sum, fields, i) => sum + ticksIn(fields, 11) + ended[i], 0);
    const threads = stats.reduce((sum, fields) => sum + Number(fields[17]), 0);
    // What a thread uses while it runs is counted at the next tick, and no more of them run at once than there are processors.
    const late = Math.min(threads, availableParallelism()) - 1;
    const counts = pids.length + ended.filter((used) => used > 0).length;
    return { seconds: ticks * TICK_S, error: (ROUNDED * counts + late) * TICK_S };
  } catch {
    return undefined;
  }
}

/** Times that the main threads of processes were put aside while they wanted to run; undefined where one of them cannot be read. */
export function involuntarySwitchesOf(pids: readonly number[]): number | undefined {
  try {
    const counts = pids.map((pid) =>
      Number(/^nonvoluntary_ctxt_switches:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]),
    );
    const all = counts.reduce((sum, count) => sum + count, 0);
    return Number.isNaN(all) ? undefined : all;
  } catch {
    return undefined;
  }
}
