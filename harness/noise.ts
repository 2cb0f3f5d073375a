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
/** The kernel counts steal in ticks of 10 ms: it is looked at over a window of at least this many milliseconds. */
const STEAL_WINDOW_MS = 500;
/** A parked arm may use this share of the time it is parked, and one 10 ms tick that the rounding may add. */
const PARKED_TOLERANCE = 0.05;
const PARKED_TICKS_S = 0.02;

/** What was seen in one round. */
export interface Noise {
  /** Nanoseconds of the canary. */
  readonly canary: number;
  /** Undefined where the system does not count it. */
  readonly stealPct?: number;
  /** Why the round does not count; undefined for a clean one. */
  readonly contamination?: string;
}

/** A process whose rest can be checked: seconds of processor time used so far. */
export interface Restful {
  readonly arm: { readonly name: string };
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

/** Ticks of all processors since the system started: stolen, and all; undefined where there is no /proc/stat. */
function stealTicks(): { stolen: number; all: number } | undefined {
  try {
    const ticks = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0].trim().split(/\s+/).slice(1, 9).map(Number);
    return { stolen: ticks[7], all: ticks.reduce((sum, value) => sum + value, 0) };
  } catch {
    return undefined;
  }
}

export class NoiseMonitor {
  #canaries: number[] = [];
  #steals: { at: number; stolen: number; all: number }[] = [];
  #parked = new Map<Restful, { at: number; cpu: number }>();

  constructor() {
    // The first runs are interpreted; they would make every later one look fast.
    for (let i = 0; i < 5; i++) canaryNs();
    this.#stealPct();
  }

  /** From now on `child` should rest. */
  park(child: Restful): void {
    const cpu = child.cpuSeconds();
    if (cpu !== undefined) this.#parked.set(child, { at: performance.now(), cpu });
  }

  /** `child` has its turn, or has ended. Returns what is wrong with how it rested. */
  wake(child: Restful): string | undefined {
    const since = this.#parked.get(child);
    this.#parked.delete(child);
    const cpu = since && child.cpuSeconds();
    if (since === undefined || cpu === undefined) return undefined;
    const parkedSeconds = (performance.now() - since.at) / 1000;
    const used = cpu - since.cpu;
    if (used <= PARKED_TICKS_S || used <= PARKED_TOLERANCE * parkedSeconds) return undefined;
    return `${child.arm.name} was parked but used ${used.toFixed(2)} s of processor time in ${parkedSeconds.toFixed(2)} s`;
  }

  /** To be called at the end of a round, with the complaints of its `wake`s. */
  round(unrest: readonly string[]): Noise {
    const canary = canaryNs();
    const usual = median(this.#canaries.length > 0 ? this.#canaries : [canary]);
    this.#canaries.push(canary);
    const stealPct = this.#stealPct();
    const contamination =
      unrest[0] ??
      (canary > usual * (1 + CANARY_TOLERANCE)
        ? `the canary took ${Math.round((canary / usual - 1) * 100)} % longer than usual`
        : undefined) ??
      (stealPct !== undefined && stealPct > STEAL_TOLERANCE ? `the hypervisor took ${stealPct.toFixed(1)} % of the processors` : undefined);
    return { canary, stealPct, contamination };
  }

  #stealPct(): number | undefined {
    const ticks = stealTicks();
    if (!ticks) return undefined;
    const at = performance.now();
    this.#steals.push({ at, ...ticks });
    // The youngest look that is old enough starts the window; what is older is forgotten.
    const start = this.#steals.findLastIndex((look) => at - look.at >= STEAL_WINDOW_MS);
    if (start > 0) this.#steals.splice(0, start);
    const { stolen, all } = this.#steals[0];
    return ticks.all > all ? (100 * (ticks.stolen - stolen)) / (ticks.all - all) : 0;
  }
}
