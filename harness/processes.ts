// What Linux tells of processes: who has started whom, and how much processor time each has used. Elsewhere, nothing.

import { readdirSync, readFileSync } from 'node:fs';

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

/** Seconds that processes, with their threads, have used, in steps of 10 ms each; undefined where one of them cannot be read. */
export function cpuSecondsOf(pids: readonly number[]): number | undefined {
  try {
    const ticks = pids.map((pid) => {
      const fields = statOf(pid);
      return Number(fields[11]) + Number(fields[12]);
    });
    return ticks.reduce((sum, value) => sum + value, 0) / 100;
  } catch {
    return undefined;
  }
}
