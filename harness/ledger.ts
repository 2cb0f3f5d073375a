// The ledger holds what a run has measured, row by row, and passes it on to the sink in the order measured.
//
// A row's samples are kept by fork. Everything that a summary says can be computed again from samples, facts and failure; nothing else is state.

import type { Noise } from './noise.ts';
import type { Entry, Plan, PlannedCase } from './plan.ts';
import type { Failure, Figure, Opened, Prepared } from './protocol.ts';
import type { Sample, Sink, Summary } from './record.ts';

/** Wall time of a call on the host's clock: what rows are about. */
export const TIME = 'time';
/** Metrics that are bookkeeping of a fork, kept among the samples so that the file alone tells the story. */
export const COLD = 'cold_time';
/** Rounds that were kept when the fork was done with the case: the mark that nothing is missing. */
export const ROUNDS = 'rounds';

/** What a child has said about a row, from the last fork that said it. */
export interface Facts {
  readonly opened: Opened;
  readonly prepared: Prepared;
}

/** All that is known of one row. */
export interface Row {
  readonly planned: PlannedCase;
  readonly entry: Entry;
  readonly samples: Sample[];
  facts?: Facts;
  failure?: Failure;
  slow: boolean;
  /** Largest error over the forks. */
  maxRelErr?: number;
  /** What a reader should know although the row is fine. */
  warnings: Set<string>;
  /** The row as an earlier run wrote it; its facts hold where this run has none. */
  recorded?: Summary;
}

/** Where in the run a figure was taken. */
export interface Place {
  readonly fork: number;
  readonly round: number;
  readonly slot: number;
}

const keyOf = (caseName: string, armName: string): string => `${caseName}\n${armName}`;

export class Ledger {
  readonly runId: string;
  readonly plan: Plan;
  readonly rows: readonly Row[];
  #byKey = new Map<string, Row>();
  #sink: Sink;

  constructor(runId: string, plan: Plan, sink: Sink) {
    this.runId = runId;
    this.plan = plan;
    this.#sink = sink;
    this.rows = plan.cases.flatMap((planned) =>
      planned.entries.map((entry) => ({ planned, entry, samples: [], slow: false, warnings: new Set<string>() })),
    );
    for (const row of this.rows) this.#byKey.set(keyOf(row.planned.case.name, row.entry.arm.name), row);
  }

  row(planned: PlannedCase, entry: Entry): Row {
    return this.#byKey.get(keyOf(planned.case.name, entry.arm.name))!;
  }

  /** Takes over what an earlier run has measured. Rows of other plans are left alone; those without figures are tried again. */
  restore(samples: readonly Sample[], summaries: readonly Summary[]): void {
    for (const sample of samples) this.#byKey.get(keyOf(sample.case, sample.arm))?.samples.push(sample);
    for (const summary of summaries) {
      const row = this.#byKey.get(keyOf(summary.case, summary.arm));
      if (!row) continue;
      row.recorded = summary;
      row.slow = summary.status === 'slow';
      row.maxRelErr = summary.max_rel_err;
    }
  }

  /** True where a fork has nothing left to measure of a row. */
  isDone(row: Row, fork: number): boolean {
    return row.samples.some((sample) => sample.fork === fork && sample.metric === ROUNDS);
  }

  /** The round that comes next in a fork of a case, after all that were recorded. */
  nextRound(planned: PlannedCase, fork: number): number {
    const rounds = planned.entries.flatMap((entry) =>
      this.row(planned, entry)
        .samples.filter((sample) => sample.fork === fork)
        .map(({ round }) => round),
    );
    return rounds.reduce((next, round) => Math.max(next, round + 1), 0);
  }

  /** A case was made ready in a fork. */
  ready(row: Row, facts: Facts, place: Place): void {
    row.facts = facts;
    const { maxRelErr, coldNs } = facts.prepared;
    if (maxRelErr !== undefined) row.maxRelErr = Math.max(row.maxRelErr ?? 0, maxRelErr);
    // A reference arm is made ready once for each group; only the first time is cold.
    if (!row.samples.some(({ fork, metric }) => fork === place.fork && metric === COLD))
      this.figures(row, place, [{ metric: COLD, unit: 'ns', value: coldNs }], 1);
  }

  /** A row has failed: it keeps its samples, but not its figures. */
  failed(row: Row, { status, reason }: Failure): void {
    // Compilers explain themselves over several lines; a cell of a table has one.
    row.failure ??= { status, reason: reason.trim().replaceAll(/\s*\n\s*/g, ' | ') };
  }

  /** Figures of one sample of `iterations` calls, with the noise of their round. */
  figures(row: Row, place: Place, figures: readonly Figure[], iterations: number, noise?: Noise): void {
    for (const { metric, unit, value } of figures) {
      const sample: Sample = {
        run_id: this.runId,
        suite: row.planned.suite ?? this.plan.suite.name,
        case: row.planned.case.name,
        arm: row.entry.arm.name,
        device: row.entry.arm.device,
        kernel: row.entry.arm.kernel,
        dtype: row.planned.dtype,
        threads: row.entry.arm.threads,
        ...place,
        metric,
        unit,
        value,
        iterations,
        canary: noise?.canary,
        steal_pct: noise?.stealPct,
        dropped: noise?.contamination !== undefined,
        reason: noise?.contamination,
      };
      row.samples.push(sample);
      this.#sink.sample(sample);
    }
  }

  /** A fork is done with a row. */
  done(row: Row, place: Place, rounds: number): void {
    this.figures(row, place, [{ metric: ROUNDS, unit: '1', value: rounds }], 1);
  }
}
