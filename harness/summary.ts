// A summary is what the samples of one row come to. Computed from the ledger alone, so that it can be computed again from the files.

import type { Cost } from '../kernels/kernel.ts';
import type { Ledger, Row } from './ledger.ts';
import { COLD, ROUNDS, TIME } from './ledger.ts';
import type { Sample, Status, Summary } from './record.ts';
import type { Rating } from './roof.ts';
import { clusteredInterval, median, medianDeviation, medianOfForks, type Pair, ratioOfForks } from './statistics.ts';

/** Rates a row's time against the roof; undefined where no roof is known for it. */
export type Rate = (row: Row, cost: Cost, medianNs: number) => Rating | undefined;

export interface SummaryOptions {
  readonly seed: number;
  readonly rate?: Rate;
}

/** The row as it stands, or undefined where nothing is known of it yet. */
export function summarize(ledger: Ledger, row: Row, { seed, rate }: SummaryOptions): Summary | undefined {
  const { planned, entry } = row;
  const times = byFork(cleanSamples(row, TIME));
  const status = statusOf(row, times.size > 0);
  if (status === undefined) return undefined;
  const identity = {
    run_id: ledger.runId,
    time_utc: new Date().toISOString(),
    suite: planned.suite ?? ledger.plan.suite.name,
    case: planned.case.name,
    device: entry.arm.device,
    adapter: row.facts?.opened.adapter || row.recorded?.adapter,
    arm: entry.arm.name,
    kernel: entry.arm.kernel,
    ...tunablesOf(row),
    dtype: planned.dtype,
    threads: entry.arm.threads,
    v8_flags: row.facts?.opened.v8Flags ?? row.recorded?.v8_flags,
    status,
    reason: reasonOf(row, status),
  };
  const facts = factsOf(row);
  if (!isMeasured(status)) return { ...identity, ...facts, extra: columnsOf(row) };

  const forks = [...times.values()].map((samples) => samples.map(({ value }) => value));
  const medianNs = medianOfForks(forks);
  const interval = clusteredInterval(forks, medianOfForks, seed);
  const cost = row.facts?.prepared.cost ?? entry.cost;
  return {
    ...identity,
    forks: forks.length,
    samples: forks.flat().length,
    median_ns: medianNs,
    mad_ns: medianDeviation(forks.flat()),
    ci_low_ns: interval?.low,
    ci_high_ns: interval?.high,
    ...(cost && {
      gflops: cost.flops > 0 ? cost.flops / medianNs : undefined,
      gbps: cost.bytes / medianNs,
      ...ratingOf(ledger, row, cost, medianNs, rate),
    }),
    ...facts,
    extra: {
      ...itemsOf(planned.case, medianNs),
      ...factsOfWork(row),
      ...columnsOf(row),
      ...otherMetrics(row),
      ...againstBaseline(ledger, row, seed),
    },
  };
}

/** By the best of the case's own loops where it has them, else by the machine's roof. */
function ratingOf(ledger: Ledger, row: Row, cost: Cost, medianNs: number, rate?: Rate): Partial<Summary> | undefined {
  const { loops } = row.planned.case;
  if (!loops) return rate?.(row, cost, medianNs);
  const { name, device, threads } = row.entry.arm;
  if (!loops.includes(name)) return undefined;
  const times = row.planned.entries
    .filter(({ arm }) => loops.includes(arm.name) && arm.device === device && arm.threads === threads)
    .map((entry) => byFork(cleanSamples(ledger.row(row.planned, entry), TIME)))
    .filter(({ size }) => size > 0)
    .map((forks) => medianOfForks([...forks.values()].map((samples) => samples.map(({ value }) => value))));
  return { roof_pct: (100 * Math.min(...times)) / medianNs };
}

/** How many items a second: `images_per_s`. */
const itemsOf = ({ items }: Row['planned']['case'], medianNs: number): Record<string, number> =>
  items ? { [`${items.name}_per_s`]: (items.count / medianNs) * 1e9 } : {};

function tunablesOf(row: Row): Pick<Summary, 'tunables' | 'tune_source'> {
  const { tunables, tuneSource } = row.facts?.prepared ?? {};
  if (!tunables) return { tunables: row.recorded?.tunables, tune_source: tuneSource ?? row.recorded?.tune_source };
  const sorted = Object.fromEntries(Object.entries(tunables).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { tunables: JSON.stringify(sorted), tune_source: tuneSource ?? row.recorded?.tune_source ?? row.entry.tuneSource };
}

function factsOf(row: Row): Partial<Summary> {
  const prepared = row.facts?.prepared;
  const cold = row.samples.filter(({ metric }) => metric === COLD).map(({ value }) => value);
  return {
    cold_ns: cold.length > 0 ? median(cold) : undefined,
    bytes_h2d: prepared?.bytesH2d ?? row.recorded?.bytes_h2d,
    bytes_d2h: prepared?.bytesD2h ?? row.recorded?.bytes_d2h,
    peak_bytes: prepared?.peakBytes ?? row.recorded?.peak_bytes,
    max_rel_err: row.maxRelErr,
    verified: prepared?.verified ?? row.recorded?.verified,
  };
}

/** What the plan says of a row: the case's columns, and whether its kernel is the one that is chosen. */
const columnsOf = ({ planned, entry }: Row): Summary['extra'] => ({ ...planned.case.extra, ...(entry.chosen && { chosen: 'yes' }) });

/** What work said of itself in columns of its own; from an earlier run where this one has not asked, without what is measured anew. */
function factsOfWork({ facts, recorded }: Row): Record<string, string | number> {
  if (facts) return { ...facts.prepared.extra };
  return Object.fromEntries(Object.entries(recorded?.extra ?? {}).filter(([name]) => !BASELINE_COLUMNS.includes(name)));
}

function statusOf(row: Row, measured: boolean): Status | undefined {
  if (row.entry.refusal !== undefined) return 'skipped';
  if (row.failure) return row.failure.status;
  // Until a row that failed in an earlier run has been tried again, its samples from before the failure do not make it right.
  if (row.recorded && !row.facts && !isMeasured(row.recorded.status)) return row.recorded.status;
  if (measured) return row.slow ? 'slow' : 'ok';
  return row.recorded?.status;
}

/** True for the statuses of rows that have figures. */
export const isMeasured = (status: Status): boolean => status === 'ok' || status === 'slow';

function reasonOf(row: Row, status: Status): string | undefined {
  if (row.entry.refusal !== undefined) return row.entry.refusal;
  if (row.failure) return row.failure.reason;
  if (!isMeasured(status)) return row.recorded?.reason;
  const times = row.samples.filter(({ metric }) => metric === TIME);
  const dropped = times.filter((sample) => sample.dropped);
  const notes = [...row.warnings];
  if (row.slow) notes.unshift("one call exceeds the arm's share of --time, so it was measured once per fork");
  // Three tenths: the share beyond which measurement.md calls a comparison inconclusive.
  if (dropped.length > times.length * 0.3) notes.push(`${dropped.length} of ${times.length} samples were disturbed: ${dropped[0].reason}`);
  return notes.length > 0 ? notes.join('; ') : undefined;
}

/** The samples of a metric that count: the clean ones, or where a fork has none, its disturbed ones, which the reason then tells. */
function cleanSamples(row: Row, metric: string): Sample[] {
  const samples = row.samples.filter((sample) => sample.metric === metric);
  const clean = new Set(samples.filter(({ dropped }) => !dropped).map(({ fork }) => fork));
  return samples.filter(({ dropped, fork }) => !dropped || !clean.has(fork));
}

function byFork(samples: readonly Sample[]): Map<number, Sample[]> {
  return Map.groupBy(samples, ({ fork }) => fork);
}

/** Medians of what was measured beside the time, as columns of their own: `device_time_ns`. */
function otherMetrics(row: Row): Record<string, number> {
  const metrics = new Map(row.samples.map(({ metric, unit }) => [metric, unit]));
  for (const known of [TIME, COLD, ROUNDS]) metrics.delete(known);
  return Object.fromEntries(
    [...metrics].map(([metric, unit]) => [`${metric}_${unit}`, median(cleanSamples(row, metric).map(({ value }) => value))]),
  );
}

const BASELINE_COLUMNS = ['baseline', 'ratio', 'ratio_low', 'ratio_high'];

/** How many times faster the row is than the baseline arm of its case, paired by fork and round. */
function againstBaseline(ledger: Ledger, row: Row, seed: number): Record<string, number | string> {
  const baseline = ledger.plan.baseline;
  const base = row.planned.entries.find(({ arm }) => arm.name === baseline);
  if (!baseline || !base) return {};
  const ratio = ratioOfForks(pairs(ledger.row(row.planned, base), row), seed);
  if (!ratio) return {};
  const { low, high } = ratio;
  return { baseline, ratio: ratio.ratio, ...(low !== undefined && high !== undefined && { ratio_low: low, ratio_high: high }) };
}

/** What two rows measured in the same rounds, by fork. A slow row has one sample a fork: it is paired with the other's median. */
export function pairs(base: Row, head: Row): Pair[][] {
  const bases = byFork(cleanSamples(base, TIME));
  return [...byFork(cleanSamples(head, TIME))].map(([fork, samples]) => {
    const others = bases.get(fork) ?? [];
    if (others.length === 0) return [];
    const value = (list: readonly Sample[]) => median(list.map((sample) => sample.value));
    if (base.slow || head.slow) return [{ base: value(others), head: value(samples) }];
    const rounds = new Map(others.map((sample) => [sample.round, sample.value]));
    return samples.filter(({ round }) => rounds.has(round)).map(({ round, value }) => ({ base: rounds.get(round)!, head: value }));
  });
}
