// A record is one result with its units: what a case and an arm came to. Field names are the contract's column names.

import type { DeviceKind } from '../kernels/kernel.ts';

export type Status = 'ok' | 'slow' | 'skipped' | 'failed' | 'wrong' | 'timeout';
export type Bound = 'compute' | 'L1' | 'L2' | 'L3' | 'memory' | 'launch';

/** One row of `summary.csv`. Undefined fields are written empty. */
export interface Summary {
  readonly run_id: string;
  /** ISO 8601, UTC: when the row was completed. */
  readonly time_utc: string;
  readonly suite: string;
  readonly case: string;
  readonly device: DeviceKind;
  readonly adapter?: string;
  readonly arm: string;
  readonly kernel?: string;
  /** JSON with sorted keys. */
  readonly tunables?: string;
  readonly tune_source?: string;
  readonly dtype: string;
  readonly threads?: number;
  readonly v8_flags?: string;
  readonly status: Status;
  /** Why the status is not ok; for ok, what a reader should know (a warning). */
  readonly reason?: string;
  readonly forks?: number;
  readonly samples?: number;
  /** Nanoseconds per call: median over forks of each fork's median. */
  readonly median_ns?: number;
  /** Median absolute deviation of the samples around the median, unscaled. */
  readonly mad_ns?: number;
  /** 95 % bootstrap interval of the median, clustered by fork; absent with one fork. */
  readonly ci_low_ns?: number;
  readonly ci_high_ns?: number;
  /** Nanoseconds from nothing generated to the end of the first call: generation, compilation, first dispatch. */
  readonly cold_ns?: number;
  readonly gflops?: number;
  readonly gbps?: number;
  readonly roof_pct?: number;
  readonly bound?: Bound;
  readonly bytes_h2d?: number;
  readonly bytes_d2h?: number;
  readonly peak_bytes?: number;
  /** Of matmul and convolution over the scale of each element, of other ops over the largest result. */
  readonly max_rel_err?: number;
  readonly verified?: boolean;
  /** Columns that a suite adds, written after the contract's. */
  readonly extra?: Readonly<Record<string, string | number>>;
}

/** One row of `samples.csv`: one sample, in the order measured. */
export interface Sample {
  readonly run_id: string;
  readonly suite: string;
  readonly case: string;
  readonly arm: string;
  readonly device: DeviceKind;
  readonly kernel?: string;
  readonly dtype: string;
  readonly threads?: number;
  readonly fork: number;
  readonly round: number;
  /** Place of the arm in the round's random order, from 0. */
  readonly slot: number;
  /** `time`; suites and devices add others (`device_time`). */
  readonly metric: string;
  readonly unit: string;
  readonly value: number;
  /** Calls that the sample spans; `value` is per call. */
  readonly iterations: number;
  /** Nanoseconds of the canary loop in this round: a fixed piece of work that no code under test can change. */
  readonly canary?: number;
  readonly steal_pct?: number;
  readonly dropped: boolean;
  readonly reason?: string;
}

/** Where a run puts what it measures. Writers live in `reports/` and are passed in. */
export interface Sink {
  sample(sample: Sample): void;
  summary(summary: Summary): void;
}
