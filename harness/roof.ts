// The roof is what this machine can do at best, measured: arithmetic, bandwidth by the level that holds the data, and the cost of a launch.
//
// A row's time is divided by the time that its arithmetic, its bytes and its launch would each take at the roof; the largest of the three is what
// binds (Williams, Waterman and Patterson 2009, with the cache levels of Ilic, Pratas and Sousa 2014). Pure functions; measuring is next door.

import type { Cost } from '../kernels/kernel.ts';
import type { Bound } from './record.ts';

export type Level = 'L1' | 'L2' | 'L3' | 'memory';

/** One measured arithmetic rate. */
export interface Peak {
  /** Bits that the engine works on at once: 256 where it fuses pairs of vectors; `device` where it does not say. */
  readonly width: '128' | '256' | 'device';
  /** The loop, as kernel and tunables. */
  readonly loop: string;
  readonly gflops: number;
}

/** One measured bandwidth. */
export interface Bandwidth {
  readonly level: Level;
  /** Bytes that the loop passes over again and again. */
  readonly footprint: number;
  readonly access: 'read' | 'write' | 'copy';
  readonly loop: string;
  /** Bytes read and written, both counted. */
  readonly gbps: number;
}

/** The roof of one place: a device with a thread count. */
export interface Roof {
  readonly peaks: readonly Peak[];
  readonly bandwidths: readonly Bandwidth[];
  /** Nanoseconds of a call that does next to nothing. */
  readonly launchNs: number;
  /** Whether every configuration of the loops was tried, not only their defaults. */
  readonly thorough: boolean;
  /** Largest footprint of each level but memory, in bytes. */
  readonly capacities: Readonly<Partial<Record<Level, number>>>;
}

/** How close to the machine's measured limit a time is. */
export interface Rating {
  /** Per cent of the roof that a time reaches. */
  readonly roof_pct: number;
  readonly bound: Bound;
}

/** Above this a roof is no roof: some loop was disturbed when it was measured. */
export const CREDIBLE_PCT = 102;

const best = (values: readonly number[]): number => values.reduce((most, value) => Math.max(most, value), 0);

/** The best arithmetic rate in GFLOP/s, over widths and loops; 0 where none was measured. */
export const peakOf = ({ peaks }: Roof): number => best(peaks.map(({ gflops }) => gflops));

/**
 * The best bandwidth in GB/s of a level for work that reads, over loops that read or copy; of the next level out where it was not measured.
 *
 * Loops that only write are left out: a fill fetches no lines, and reaches what no kernel with inputs can.
 */
export function bandwidthOf({ bandwidths }: Roof, level: Level): number {
  const reading = bandwidths.filter(({ access }) => access !== 'write');
  for (const candidate of LEVELS.slice(LEVELS.indexOf(level))) {
    const gbps = best(reading.filter((one) => one.level === candidate).map((one) => one.gbps));
    if (gbps > 0) return gbps;
  }
  return 0;
}

const LEVELS: readonly Level[] = ['L1', 'L2', 'L3', 'memory'];

/** The innermost level that holds `bytes`. */
export const levelOf = ({ capacities }: Roof, bytes: number): Level =>
  LEVELS.find((level) => bytes <= (capacities[level] ?? 0)) ?? 'memory';

/** How close `measuredNs` is to the roof for work of this cost; undefined where the roof has no rate for what the work does. */
export function rating(roof: Roof, cost: Cost, measuredNs: number): Rating | undefined {
  const level = levelOf(roof, cost.bytes);
  const rates = [peakOf(roof), bandwidthOf(roof, level)];
  if (rates.includes(0)) return undefined;
  const limits: [Bound, number][] = [
    ['compute', cost.executedFlops / rates[0]],
    [level, cost.bytes / rates[1]],
    ['launch', roof.launchNs],
  ];
  const [bound, ns] = limits.reduce((a, b) => (b[1] > a[1] ? b : a));
  return { roof_pct: (100 * ns) / measuredNs, bound };
}

/** The better of two measurings of one place, loop by loop: a disturbance only ever lowers a rate. */
export function merged(a: Roof, b: Roof): Roof {
  const key = (one: Peak | Bandwidth) => JSON.stringify({ ...one, gflops: undefined, gbps: undefined });
  const join = <T extends Peak | Bandwidth>(ours: readonly T[], theirs: readonly T[], rate: (one: T) => number): T[] => {
    const found = new Map(ours.map((one) => [key(one), one]));
    for (const one of theirs) {
      const other = found.get(key(one));
      if (!other || rate(one) > rate(other)) found.set(key(one), one);
    }
    return [...found.values()];
  };
  return {
    peaks: join(a.peaks, b.peaks, ({ gflops }) => gflops),
    bandwidths: join(a.bandwidths, b.bandwidths, ({ gbps }) => gbps),
    launchNs: Math.min(a.launchNs, b.launchNs),
    thorough: a.thorough || b.thorough,
    capacities: b.capacities,
  };
}
