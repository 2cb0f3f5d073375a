// Noise is what the machine did besides the work under test: other processes, a hypervisor, a parked arm that did not rest.
//
// A round in which it shows is contaminated: its samples are marked dropped, those of all arms alike, and the round is taken again.
// A sample is never dropped for its own value.

import { readFileSync } from 'node:fs';
import { median } from './statistics.ts';

/** A canary this much above its usual time means that the processor was shared or clocked down. */
const CANARY_TOLERANCE = 0.1;
/** Per cent of processor time taken by the hypervisor above which a round does not count. */
const STEAL_TOLERANCE = 2;
/** Per cent of processor time that processes other than ours may take, all processors together. */
const FOREIGN_TOLERANCE = 5;
/** The kernel counts in ticks of 10 ms: it is looked at over a window of at least this many milliseconds. */
const WINDOW_MS = 500;
/** A parked arm may use this share of the time it is parked, and what rounding adds: the system cuts user and system time to ticks of 10 ms, and those of each thread. */
const PARKED_TOLERANCE = 0.05;
const PARKED_TICKS_S = 0.0205;
const THREAD_TICK_S = 0.01;
/** Rests are judged together until they are this long, then afresh. */
const REST_WINDOW_S = 2;

/** What was seen in one round. */
export interface Noise {
  /** Nanoseconds of the canary. */
  readonly canary: number;
  /** Per cent of the processors taken by the hypervisor and by other processes; undefined where the system does not count. */
  readonly stealPct?: number;
  readonly foreignPct?: number;
  /** Why the round does not count; undefined for a clean one. */
  readonly contamination?: string;
}

/** A process whose rest can be checked: seconds of processor time used so far. */
export interface Restful {
  readonly arm: { readonly name: string; readonly threads?: number };
  cpuSeconds(): number | undefined;
}

/** A fixed chain of integer operations of about a millisecond; its result is returned so that no compiler drops it. */
function canaryLoop(): number {
  let state = 1;
  for (let i = 0; i < 400_000; i++) {
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

/** The processors at one moment, in seconds since the system started, summed over all. */
interface Look {
  readonly at: number;
  readonly stolen: number;
  readonly busy: number;
  readonly all: number;
  /** Used by this process and the children it watches. */
  readonly ours: number;
}

export class NoiseMonitor {
  #canaries: number[] = [];
  #watched: readonly Restful[] = [];
  #looks: Look[] = [];
  #parked = new Map<Restful, { at: number; cpu: number }>();
  #rests = new Map<Restful, { seconds: number; used: number }>();

  constructor() {
    // The first runs are interpreted; they would make every later one look fast.
    for (let i = 0; i < 5; i++) canaryNs();
  }

  /** From now on these children are the ones that work for us. */
  watch(children: readonly Restful[]): void {
    this.#watched = children;
    const look = this.#look();
    this.#looks = look ? [look] : [];
  }

  /** From now on `child` should rest. */
  park(child: Restful): void {
    const cpu = child.cpuSeconds();
    if (cpu !== undefined) this.#parked.set(child, { at: performance.now(), cpu });
  }

  /**
   * `child` has its turn, or has ended. Returns what is wrong with how it rested.
   *
   * A turn of the others may be shorter than the system's tick, so rests add up until they say something.
   */
  wake(child: Restful): string | undefined {
    const since = this.#parked.get(child);
    this.#parked.delete(child);
    const cpu = since && child.cpuSeconds();
    if (since === undefined || cpu === undefined) return undefined;
    const rest = this.#rests.get(child) ?? { seconds: 0, used: 0 };
    rest.seconds += (performance.now() - since.at) / 1000;
    rest.used += cpu - since.cpu;
    this.#rests.set(child, rest);
    const rounding = PARKED_TICKS_S + THREAD_TICK_S * ((child.arm.threads ?? 1) - 1);
    const restless = rest.used > rounding + PARKED_TOLERANCE * rest.seconds;
    if (restless || rest.seconds > REST_WINDOW_S) this.#rests.delete(child);
    return restless
      ? `${child.arm.name} was parked but used ${rest.used.toFixed(2)} s of processor time in ${rest.seconds.toFixed(2)} s`
      : undefined;
  }

  /** To be called at the end of a round, with the complaints of its `wake`s. */
  round(unrest: readonly string[]): Noise {
    const { stealPct, foreignPct } = this.#shares();
    const canary = canaryNs();
    const usual = median(this.#canaries.length > 0 ? this.#canaries : [canary]);
    this.#canaries.push(canary);
    const complaints = [
      ...unrest,
      ...(canary > usual * (1 + CANARY_TOLERANCE) ? [`the canary took ${Math.round((canary / usual - 1) * 100)} % longer than usual`] : []),
      ...(stealPct > STEAL_TOLERANCE ? [`the hypervisor took ${stealPct.toFixed(1)} % of the processors`] : []),
      ...(foreignPct > FOREIGN_TOLERANCE ? [`other processes took ${foreignPct.toFixed(1)} % of the processors`] : []),
    ];
    return { canary, stealPct: known(stealPct), foreignPct: known(foreignPct), contamination: complaints[0] };
  }

  /** What others took of the processors since the youngest look that is old enough; NaN where the system does not tell. */
  #shares(): { stealPct: number; foreignPct: number } {
    const now = this.#look();
    if (!now || this.#looks.length === 0) return { stealPct: Number.NaN, foreignPct: Number.NaN };
    const start = this.#looks.findLastIndex(({ at }) => now.at - at >= WINDOW_MS);
    if (start > 0) this.#looks.splice(0, start);
    this.#looks.push(now);
    const since = this.#looks[0];
    const all = Math.max(now.all - since.all, 0.01);
    // Ticks are rounded for us and for the whole: what is less than two of them is nothing.
    const foreign = now.busy - since.busy - (now.ours - since.ours) - 0.02;
    return { stealPct: (100 * (now.stolen - since.stolen)) / all, foreignPct: (100 * Math.max(0, foreign)) / all };
  }

  #look(): Look | undefined {
    const times = processorSeconds();
    const children = this.#watched.map((child) => child.cpuSeconds());
    if (!times || children.includes(undefined)) return undefined;
    const { user, system } = process.cpuUsage();
    const ours = children.reduce<number>((sum, seconds) => sum + seconds!, (user + system) / 1e6);
    return { at: performance.now(), ...times, ours };
  }
}

const known = (value: number): number | undefined => (Number.isNaN(value) ? undefined : value);

/** Seconds of all processors since the system started; undefined where there is no /proc/stat. */
function processorSeconds(): Pick<Look, 'stolen' | 'busy' | 'all'> | undefined {
  try {
    // proc(5): user, nice, system, idle, iowait, irq, softirq, steal, in ticks of 10 ms.
    const ticks = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0].trim().split(/\s+/).slice(1, 9).map(Number);
    const all = ticks.reduce((sum, value) => sum + value, 0);
    return { stolen: ticks[7] / 100, busy: (all - ticks[3] - ticks[4] - ticks[7]) / 100, all: all / 100 };
  } catch {
    return undefined;
  }
}
