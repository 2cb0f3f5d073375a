// Readings are what the system tells of itself at one moment: its clock, a fixed piece of work, the time of its processors. Linux tells all of it; elsewhere some are
// undefined. They stand apart from what is concluded from them (noise.ts), so that tests can put others in their place.

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { median } from './statistics.ts';

/** The processors so far, in seconds summed over all of them. */
export interface ProcessorTimes {
  /** Taken by the hypervisor. */
  readonly stolen: number;
  readonly busy: number;
  readonly all: number;
}

export interface Readings {
  readonly processors: number;
  nowMs(): number;
  /** Nanoseconds that a fixed piece of work takes now. */
  canaryNs(): number;
  processorTimes(): ProcessorTimes | undefined;
  /** Seconds in which some task waited for a processor so far. */
  waitedSeconds(): number | undefined;
  /** Seconds of processor time that this process has used. */
  ownSeconds(): number;
}

export const SYSTEM: Readings = {
  processors: availableParallelism(),
  nowMs: () => performance.now(),
  canaryNs,
  processorTimes,
  waitedSeconds,
  ownSeconds() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  },
};

/** A fixed chain of integer operations of a fifth of a millisecond or so; its result is returned so that no compiler drops it. */
function canaryLoop(): number {
  let state = 1;
  for (let i = 0; i < 100_000; i++) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    state = (state + i) | 0;
  }
  return state;
}

export let canaryResult = 0;

/** Nanoseconds of the canary loop: the median of three, so that one interrupt does not count as noise. */
export function canaryNs(): number {
  const times = [0, 0, 0].map(() => {
    const began = performance.now();
    canaryResult = canaryLoop();
    return (performance.now() - began) * 1e6;
  });
  return median(times);
}

function processorTimes(): ProcessorTimes | undefined {
  const text = contentsOf('/proc/stat');
  if (text === undefined) return undefined;
  // proc(5): user, nice, system, idle, iowait, irq, softirq, steal, in ticks of 10 ms.
  const ticks = text.split('\n', 1)[0].trim().split(/\s+/).slice(1, 9).map(Number);
  const all = ticks.reduce((sum, value) => sum + value, 0);
  return { stolen: ticks[7] / 100, busy: (all - ticks[3] - ticks[4] - ticks[7]) / 100, all: all / 100 };
}

/** Pressure stall information: of the container that this process is in, where it has its own, since that of the host counts other people's waiting. */
function waitedSeconds(): number | undefined {
  const text = contentsOf('/sys/fs/cgroup/cpu.pressure') ?? contentsOf('/proc/pressure/cpu');
  const microseconds = text === undefined ? undefined : /^some .*total=(\d+)/m.exec(text)?.[1];
  return microseconds === undefined ? undefined : Number(microseconds) / 1e6;
}

function contentsOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
