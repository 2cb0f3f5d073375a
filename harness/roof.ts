// The roof is what this machine can do at best, measured: arithmetic, bandwidth by the level that holds the data, and the cost of a launch.
//
// A row's time is divided by the time that its arithmetic, its bytes and its launch would each take at the roof; the largest of the three is what
// binds (Williams, Waterman and Patterson 2009, with the cache levels of Ilic, Pratas and Sousa 2014). Pure functions; measuring is next door.

import type { Cost } from '../kernels/kernel.ts';
import type { StreamProblem } from '../kernels/problem.ts';
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
  readonly access: StreamProblem['access'];
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

/** The best rate of the loops that pass over one footprint. */
interface Point {
  readonly footprint: number;
  readonly gbps: number;
}

/**
 * The best bandwidth in GB/s of a level for work that reads, over loops that read or copy; of the next level out where it was not measured. Of a level
 * with several footprints it is that for `bytes`, between two of them on a straight line in logarithms: how much of a shared cache is ours, nobody says.
 *
 * Loops that only write are left out: a fill fetches no lines, and reaches what no kernel with inputs can. Those that work in place, and so fetch each line
 * once for both, count only for work `inPlace`.
 */
export function bandwidthOf({ bandwidths }: Roof, level: Level, bytes = 0, inPlace = false): number {
  const reading = bandwidths.filter(({ access }) => access !== 'write' && (inPlace || access !== 'update'));
  const pointsOf = (level: Level): Point[] => {
    const byFootprint = Map.groupBy(
      reading.filter((one) => one.level === level),
      ({ footprint }) => footprint,
    );
    const points = [...byFootprint].map(([footprint, loops]) => ({ footprint, gbps: best(loops.map(({ gbps }) => gbps)) }));
    return points.sort((a, b) => a.footprint - b.footprint);
  };
  const outward = LEVELS.slice(LEVELS.indexOf(level)).map(pointsOf);
  const at = outward.findIndex(({ length }) => length > 0);
  if (at < 0) return 0;
  const points = outward[at];
  return points.length > 1 ? between([...points, ...(outward[at + 1] ?? [])], bytes) : points[0].gbps;
}

function between(points: readonly Point[], bytes: number): number {
  const next = points.findIndex(({ footprint }) => footprint >= bytes);
  if (next < 0) return points[points.length - 1].gbps;
  if (next === 0) return points[0].gbps;
  const [a, b] = [points[next - 1], points[next]];
  const share = Math.log(bytes / a.footprint) / Math.log(b.footprint / a.footprint);
  return a.gbps * (b.gbps / a.gbps) ** share;
}

const LEVELS: readonly Level[] = ['L1', 'L2', 'L3', 'memory'];

/** The innermost level that holds `bytes`. */
export const levelOf = ({ capacities }: Roof, bytes: number): Level =>
  LEVELS.find((level) => bytes <= (capacities[level] ?? 0)) ?? 'memory';

/** How close `measuredNs` is to the roof for work of this cost; undefined where the roof has no rate for what the work does. */
export function rating(roof: Roof, cost: Cost, measuredNs: number): Rating | undefined {
  const footprint = cost.footprint ?? cost.bytes;
  const level = levelOf(roof, footprint);
  const rates = [peakOf(roof), bandwidthOf(roof, level, footprint, cost.footprint !== undefined)];
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
