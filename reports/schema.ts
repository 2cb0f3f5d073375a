// The schema is what `results.json`, `run.json` and the CSV files mean, written once: types, order of columns, units, JSON Schema.
//
// `results.schema.json` is emitted from here (scripts/schema.ts) and a test keeps them equal. The order of the keys is the order of the columns,
// which the contract fixes: change it only together with SCHEMA_VERSION.

import { z } from 'zod';
import type { Compared, Comparison } from '../harness/comparison/document.ts';
import type { Sample, Summary } from '../harness/record.ts';

/** Raised by one when a reader of the old files would misread the new ones. Added columns at the end do not raise it. */
export const SCHEMA_VERSION = 1;

const device = z.enum(['cpu', 'webgpu']);
const time = z.iso.datetime().describe('ISO 8601, UTC');
const nanoseconds = z.number().nonnegative();

const caseName = z.string().describe('path of the case: matmul/512x512x512/nn/f32');
const armName = z.string().describe('ours:KERNEL@DEVICE/THREADS, or the name of a peer');

/** One row of `summary.csv`: what a case and an arm came to. */
export const summarySchema = z.strictObject({
  run_id: z.string(),
  time_utc: time.describe('ISO 8601, UTC: when the row was completed'),
  suite: z.string(),
  case: caseName,
  device,
  adapter: z.string().optional(),
  arm: armName,
  kernel: z.string().optional(),
  tunables: z.string().optional().describe('JSON with sorted keys'),
  tune_source: z.string().optional().describe('where the tunables come from'),
  dtype: z.string(),
  threads: z.int().positive().optional(),
  v8_flags: z.string().optional(),
  status: z.enum(['ok', 'slow', 'skipped', 'failed', 'wrong', 'timeout']),
  reason: z.string().optional().describe('why the status is not ok; for ok, a warning'),
  forks: z.int().nonnegative().optional().describe('fresh processes measured'),
  samples: z.int().nonnegative().optional().describe('samples kept, over all forks'),
  median_ns: nanoseconds.optional().describe('nanoseconds per call: median over forks of the median of each'),
  mad_ns: nanoseconds.optional().describe('median absolute deviation of the samples, unscaled'),
  ci_low_ns: nanoseconds.optional().describe('95 % bootstrap interval of the median, clustered by fork'),
  ci_high_ns: nanoseconds.optional(),
  cold_ns: nanoseconds.optional().describe('from nothing generated to the end of the first call'),
  gflops: z.number().optional().describe('10^9 operations of the direct algorithm a second'),
  gbps: z.number().optional().describe('10^9 bytes a second, each operand counted once'),
  roof_pct: z.number().optional().describe('percent of the measured roof, by operations really executed'),
  bound: z.enum(['compute', 'L1', 'L2', 'L3', 'memory', 'launch']).optional().describe('which roof binds'),
  bytes_h2d: z.number().nonnegative().optional().describe('bytes from host to device per call'),
  bytes_d2h: z.number().nonnegative().optional().describe('bytes from device to host per call'),
  peak_bytes: z.number().nonnegative().optional(),
  max_rel_err: z
    .number()
    .optional()
    .describe('max |C - R| / (|alpha| |A| |B| + |bias|) of matmul and convolution; of other ops max |C - R| / max |R|'),
  verified: z.boolean().optional(),
  extra: z
    .record(z.string(), z.union([z.string(), z.number()]))
    .optional()
    .describe('columns that the suite adds'),
});

/** One row of `samples.csv`, in the order measured. */
export const sampleSchema = z.strictObject({
  run_id: z.string(),
  suite: z.string(),
  case: caseName,
  arm: armName,
  device,
  kernel: z.string().optional(),
  dtype: z.string(),
  threads: z.int().positive().optional(),
  fork: z.int().nonnegative(),
  round: z.int().nonnegative(),
  slot: z.int().nonnegative().describe("place of the arm in the round's random order, from 0"),
  metric: z.string().describe('time, device_time, ...'),
  unit: z.string(),
  value: z.number().describe('per call, in `unit`'),
  iterations: z.int().positive().describe('calls that the sample spans'),
  canary: nanoseconds.optional().describe('nanoseconds of the canary loop in this round'),
  steal_pct: z.number().optional().describe('percent of CPU time that the hypervisor took in this round'),
  dropped: z.boolean(),
  reason: z.string().optional().describe('why the sample is dropped'),
});

const json: z.ZodType<unknown> = z.unknown();

const words = z.record(z.string(), z.string());

/** Where it was measured. */
export const environmentSchema = z.looseObject({
  fingerprint: z.string().describe('hash of all that timings depend on'),
  cpu: z.string(),
  cores: z.int().describe('logical processors that the process may use'),
  caches: z.record(z.string(), z.number()).describe('bytes by level: L1d, L2, L3'),
  memory_bytes: z.number(),
  os: z.string(),
  arch: z.string(),
  node: z.string(),
  v8: z.string(),
  node_flags: z.string().describe("flags on Node's command line"),
  governor: z.string().optional().describe("cpufreq's governor"),
  turbo: z.boolean().optional(),
  load: z.array(z.number()).readonly().describe('load means over 1, 5 and 15 minutes before the run'),
  git_revision: z.string().optional(),
  git_dirty: z.boolean().optional().describe('whether tracked files differed from that revision'),
  adapters: words.describe('what each device called itself, by kind'),
  features: words.describe('features of each device'),
});

/** `run.json`: enough, with the samples, to repeat every verdict. */
export const runSchema = z.looseObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  run_id: z.string(),
  command: z.array(z.string()).describe('arguments of `bench`, as given'),
  seed: z.int(),
  started_utc: time,
  ended_utc: time.optional().describe('absent while the run goes on, and where it was interrupted'),
  plan: json.optional().describe('cases, arms, forks and seconds that were planned'),
  versions: words.optional().describe('packages and their versions'),
  environment: environmentSchema,
  roofs: json.optional().describe('the measured roofs that figures are divided by'),
});

export const revisionSchema = z.strictObject({
  ref: z.string().describe('what the user called it: a branch, a folder'),
  sha: z.string().optional(),
  dirty: z.boolean().optional().describe('whether tracked files differed from that revision'),
});

/** One row of `comparison.csv`; what a CSV file has no room for comes last. */
export const comparedSchema = z.strictObject({
  suite: z.string(),
  case: caseName,
  arm: z.string().describe('the arm, whichever side'),
  arm_base: z.string(),
  arm_head: z.string(),
  metric: z.literal('time'),
  unit: z.literal('ns'),
  base: nanoseconds
    .optional()
    .describe('nanoseconds of a call of the base: the fastest round of each pair, median over pairs; of unpaired results its median'),
  head: nanoseconds.optional(),
  ratio: z.number().optional().describe('head / base: above 1 the head is slower'),
  ci_low: z.number().optional().describe('95 % interval of the ratio'),
  ci_high: z.number().optional(),
  p_adjusted: z.number().optional().describe('p of the second stage, over all flagged benchmarks (Holm)'),
  smallest_detectable: z.number().optional().describe('smallest change, as a share, that so many pairs would have found'),
  verdict: z.enum(['regressed', 'improved', 'equivalent', 'inconclusive', 'invalid', 'differs', 'same']),
  reason: z.string(),
  pairs: z.int().nonnegative().describe('pairs of fresh processes'),
  code: z.string().describe('why the verdict is what it is, as a word'),
  deviation: z.number().optional().describe('robust standard deviation of the log ratios of pairs: their median distance, scaled'),
  logs: z.array(z.number()).readonly().describe('ln(head / base) of each pair'),
});

/** What `bench ci` and `bench compare` find. */
export const comparisonSchema = z.strictObject({
  comparisonVersion: z.int(),
  kind: z.enum(['ci', 'compare']),
  run_id: z.string(),
  time_utc: time,
  base: revisionSchema,
  head: revisionSchema,
  terms: z.strictObject({
    margin: z.number().describe('change that is tolerated, as a share'),
    screenAlpha: z.number(),
    confirmAlpha: z.number(),
    equivalenceAlpha: z.number(),
    confidence: z.number(),
    power: z.number(),
  }),
  seed: z.int(),
  rows: z.array(comparedSchema).readonly(),
  overall: z
    .strictObject({
      ratio: z.number().describe('geometric mean of the ratios'),
      low: z.number().optional(),
      high: z.number().optional(),
      median_shift: z.number().describe('median of the ratios: far from 1 it speaks of the machine'),
      rows: z.int(),
    })
    .optional(),
  counts: z.record(z.string(), z.int()).describe('rows by verdict'),
  warnings: z.array(z.string()).readonly(),
});

/** `results.json`: all of a run in one document. */
export const resultsSchema = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  run: runSchema,
  summaries: z.array(summarySchema),
  samples: z.array(sampleSchema),
  verdict: z.array(z.string()).optional().describe('what the suite says of its rows: sentences with the number behind each'),
  comparison: comparisonSchema.optional().describe('of two revisions or two results'),
});

/** The JSON Schema (draft 2020-12) of `results.json`, for readers in other languages. */
export const resultsJsonSchema = (): object => ({
  title: 'tilebench results',
  ...z.toJSONSchema(resultsSchema),
});

export type RunDocument = z.infer<typeof runSchema>;
export type EnvironmentDocument = z.infer<typeof environmentSchema>;

/** All of a run, as the writers take it. */
export interface Results {
  readonly run: RunDocument;
  readonly summaries: readonly Summary[];
  readonly samples: readonly Sample[];
  /** What the suite says of its rows: sentences with the number behind each. */
  readonly verdict?: readonly string[];
  readonly comparison?: Comparison;
}

// The records and the schema say the same, or this file does not compile.
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
const same: [
  Same<Readonly<z.infer<typeof summarySchema>>, Summary>,
  Same<Readonly<z.infer<typeof sampleSchema>>, Sample>,
  Same<Omit<z.infer<typeof comparedSchema>, 'code'>, Omit<Compared, 'code'>>,
] = [true, true, true];
void same;
