// Noise is what the machine did besides the work under test: other processes, a hypervisor, a parked arm that did not rest.
//
// A round in which it shows is contaminated: its samples are marked dropped, those of all arms alike, and the round is taken again.
// A sample is never dropped for its own value.

import type { ProcessorTime } from './processes.ts';
import { type Readings, SYSTEM } from './readings.ts';
import { median } from './statistics.ts';

/** A canary this much above its usual time means that the processor was shared or clocked down. */
const CANARY_TOLERANCE = 0.1;
/** Per cent of processor time taken by the hypervisor above which a round does not count. */
const STEAL_TOLERANCE = 2;
/** Per cent of processor time that processes other than ours may take, all processors together. */
const FOREIGN_TOLERANCE = 5;
/**
 * Per cent of the time in which some task waited for a processor, and times a second that arms at work were put aside for other tasks. Measured on two processors: work on
 * one thread 0 and 20, on both 5 and 100, with more when memory is collected; beside other work that takes both processors 50 to 100 and 150 to 300. What a case does to
 * itself is its usual level and no noise.
 */
const PRESSURE_TOLERANCE = 33;
const SWITCHES_TOLERANCE = 250;
const RISE = 2;
/** Rates of a window that is shorter are as if it were so long: one task that wakes up is no crowd. */
const SHORTEST_S = 0.1;
/** The kernel counts in ticks of 10 ms: it is looked at over a window of at least this many milliseconds. */
const WINDOW_MS = 500;
/** A parked arm may use this share of the time it is parked. */
const PARKED_TOLERANCE = 0.05;
/** Rests are judged together until they are this long, then afresh. */
const REST_WINDOW_S = 2;

/** What was seen in one round. Undefined is what the system does not count. */
export interface Noise {
  /** Nanoseconds of the canary. */
  readonly canary: number;
  /** Per cent of the processors taken by the hypervisor and by other processes. */
  readonly stealPct?: number;
  readonly foreignPct?: number;
  /** Per cent of the time in which some task waited for a processor. */
  readonly pressurePct?: number;
  /** Times a second that an arm at work was put aside for another task. */
  readonly switchRate?: number;
  /** Why the round does not count; undefined for a clean one. */
  readonly contamination?: string;
}

/** A process whose work and rest can be watched. */
export interface Restful {
  readonly arm: { readonly name: string };
  /** Processor time used so far. */
  processorTime(): ProcessorTime | undefined;
  /** Times that it was put aside while it wanted to run. */
  involuntarySwitches(): number | undefined;
}

/** The machine at one moment. */
interface Look {
  readonly at: number;
  readonly stolen: number;
  readonly busy: number;
  readonly all: number;
  /** Used by this process and the children it watches. */
  readonly ours: number;
  readonly waited?: number;
  readonly switches?: number;
}

type Shares = Pick<Noise, 'stealPct' | 'foreignPct' | 'pressurePct' | 'switchRate'>;

export class NoiseMonitor {
  #readings: Readings;
  #canaries: number[] = [];
  #watched: readonly Restful[] = [];
  #looks: Look[] = [];
  /** What was seen so far of the case that is watched. */
  #pressures: number[] = [];
  #switchRates: number[] = [];
  #parked = new Map<Restful, { at: number; time: ProcessorTime }>();
  #rests = new Map<Restful, { seconds: number; used: number }>();

  constructor(readings: Readings = SYSTEM) {
    this.#readings = readings;
    // The first runs are interpreted; they would make every later one look fast.
    for (let i = 0; i < 5; i++) readings.canaryNs();
  }

  /** From now on these children are the ones that work for us. */
  watch(children: readonly Restful[]): void {
    this.#watched = children;
    const look = this.#look();
    this.#looks = look ? [look] : [];
    this.#pressures = [];
    this.#switchRates = [];
  }

  /** From now on `child` should rest. */
  park(child: Restful): void {
    const time = child.processorTime();
    if (time !== undefined) this.#parked.set(child, { at: this.#readings.nowMs(), time });
  }

  /**
   * `child` has its turn, or has ended. Returns what is wrong with how it rested.
   *
   * A turn of the others may be shorter than the system's tick, so rests add up until they say something.
   */
  wake(child: Restful): string | undefined {
    const since = this.#parked.get(child);
    this.#parked.delete(child);
    const time = since && child.processorTime();
    if (since === undefined || time === undefined) return undefined;
    const rest = this.#rests.get(child) ?? { seconds: 0, used: 0 };
    rest.seconds += (this.#readings.nowMs() - since.at) / 1000;
    rest.used += time.seconds - since.time.seconds;
    this.#rests.set(child, rest);
    // What exceeds all processors for all of the rest was used before it, and is only counted now.
    const possible = Math.min(rest.used, rest.seconds * this.#readings.processors);
    const restless = possible > time.error + PARKED_TOLERANCE * rest.seconds;
    if (restless || rest.seconds > REST_WINDOW_S) this.#rests.delete(child);
    return restless
      ? `${child.arm.name} was parked but used ${rest.used.toFixed(2)} s of processor time in ${rest.seconds.toFixed(2)} s`
      : undefined;
  }

  /** To be called at the end of a round, with the complaints of its `wake`s. */
  round(unrest: readonly string[]): Noise {
    const shares = this.#shares();
    const canary = this.#readings.canaryNs();
    const usual = median(this.#canaries.length > 0 ? this.#canaries : [canary]);
    this.#canaries.push(canary);
    const slow =
      canary > usual * (1 + CANARY_TOLERANCE) ? [`the canary took ${Math.round((canary / usual - 1) * 100)} % longer than usual`] : [];
    const complaints = [...unrest, ...slow, ...this.#complaints(shares)];
    return { canary, ...shares, contamination: complaints[0] };
  }

  #complaints({ stealPct = 0, foreignPct = 0, pressurePct = 0, switchRate = 0 }: Shares): string[] {
    const complaints: string[] = [];
    if (stealPct > STEAL_TOLERANCE) complaints.push(`the hypervisor took ${stealPct.toFixed(1)} % of the processors`);
    if (foreignPct > FOREIGN_TOLERANCE) complaints.push(`other processes took ${foreignPct.toFixed(1)} % of the processors`);
    if (isRise(pressurePct, this.#pressures, PRESSURE_TOLERANCE))
      complaints.push(`tasks waited for a processor ${pressurePct.toFixed(0)} % of the time`);
    if (isRise(switchRate, this.#switchRates, SWITCHES_TOLERANCE))
      complaints.push(`arms at work were put aside for other tasks ${switchRate.toFixed(0)} times a second`);
    return complaints;
  }

  /** What others did since the youngest look that is old enough. */
  #shares(): Shares {
    const now = this.#look();
    if (!now || this.#looks.length === 0) return {};
    const start = this.#looks.findLastIndex(({ at }) => now.at - at >= WINDOW_MS);
    if (start > 0) this.#looks.splice(0, start);
    this.#looks.push(now);
    const since = this.#looks[0];
    const all = Math.max(now.all - since.all, 0.01);
    const seconds = Math.max((now.at - since.at) / 1000, SHORTEST_S);
    // Ticks are rounded for us and for the whole: what is less than two of them is nothing.
    const foreign = now.busy - since.busy - (now.ours - since.ours) - 0.02;
    return {
      stealPct: (100 * (now.stolen - since.stolen)) / all,
      foreignPct: (100 * Math.max(0, foreign)) / all,
      pressurePct: rate(now.waited, since.waited, seconds / 100),
      switchRate: rate(now.switches, since.switches, seconds),
    };
  }

  #look(): Look | undefined {
    const times = this.#readings.processorTimes();
    const used = this.#watched.map((child) => child.processorTime()?.seconds);
    const switches = this.#watched.map((child) => child.involuntarySwitches());
    const ours = sum([this.#readings.ownSeconds(), ...used]);
    if (!times || ours === undefined) return undefined;
    return { at: this.#readings.nowMs(), ...times, ours, waited: this.#readings.waitedSeconds(), switches: sum(switches) };
  }
}

/** Whether a level is above what is tolerated and above twice its usual, and keeps it. The first of a case is its usual. */
function isRise(level: number, levels: number[], tolerance: number): boolean {
  const usual = levels.length > 0 ? median(levels) : level;
  levels.push(level);
  return level > tolerance && level > RISE * usual;
}

const sum = (values: readonly (number | undefined)[]): number | undefined =>
  values.includes(undefined) ? undefined : values.reduce<number>((total, value) => total + value!, 0);

const rate = (now: number | undefined, since: number | undefined, per: number): number | undefined =>
  now === undefined || since === undefined ? undefined : (now - since) / per;
