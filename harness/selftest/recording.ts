// What a selftest has measured, as lines of JSON: who and where first, then one line for each whole run of the suite. Verdicts are not in it: they follow from it.
//
//   {"selftestVersion":1,"fingerprint":..,"seed":..,"terms":..,"benchmarks":[..]}
//   {"kind":"overhead","taskNs":10012,"share":0.002,"emptyNs":3}
//   {"kind":"clean","trial":0,"seed":1,"seconds":92,"pairSeconds":0.29,"rows":[{"name":..,"first":[ln head/base of each pair],"second":[],"disturbed":0.02}]}

import type { Terms } from '../comparison/estimate.ts';
import type { Measured } from '../comparison/evidence.ts';
import type { Evidence, ReasonCode } from '../comparison/verdict.ts';
import { UsageError } from '../suite.ts';
import type { Overhead } from './overhead.ts';

export const SELFTEST_VERSION = 1;

export interface SelftestHeader {
  readonly selftestVersion: number;
  readonly started_utc: string;
  readonly fingerprint: string;
  readonly cpu: string;
  readonly node: string;
  readonly revision?: string;
  readonly seed: number;
  readonly terms: Terms;
  /** Seconds for each run of the suite. */
  readonly budget: number;
  readonly benchmarks: readonly string[];
}

/** `clean`: both sides as they are. `slowed`: the head of some makes extra calls. `hogged`: other processes compute while the head does. */
export type TrialKind = 'clean' | 'slowed' | 'hogged';

export interface TrialRow extends Pick<Evidence, 'name' | 'first' | 'second' | 'disturbed'> {
  readonly invalid?: { readonly code: string; readonly detail: string };
}

/** One whole run of the suite, or of a part of it. */
export interface Trial {
  readonly kind: TrialKind;
  /** Counts from 0 within its kind. */
  readonly trial: number;
  readonly seed: number;
  readonly seconds: number;
  /** Mean seconds of a pair of processes for one benchmark. */
  readonly pairSeconds?: number;
  /** Whether the budget ended with benchmarks undecided. */
  readonly exhausted: boolean;
  /** Of slowed ones: the share of extra calls. */
  readonly extraCalls?: number;
  readonly rows: readonly TrialRow[];
}

/** Seven digits of a log ratio are far below its scatter, and half the file. */
const rounded = (logs: readonly number[]): number[] => logs.map((value) => Math.round(value * 1e7) / 1e7);

export const trialRows = (measured: readonly Measured[]): TrialRow[] =>
  measured.map(({ evidence: { name, first, second, disturbed, invalid } }) => ({
    name,
    first: rounded(first),
    second: rounded(second),
    disturbed: Math.round(disturbed * 1e4) / 1e4,
    ...(invalid && { invalid }),
  }));

/** A trial's rows as what verdicts are given on. */
export const evidenceOf = ({ rows, pairSeconds }: Trial): Evidence[] =>
  rows.map(({ invalid, ...row }) => ({
    ...row,
    pairSeconds,
    invalid: invalid && { code: invalid.code as ReasonCode, detail: invalid.detail },
  }));

/** The kind of the line that tells what measuring itself adds. */
export const OVERHEAD = 'overhead';

export interface Recording {
  readonly header: SelftestHeader;
  /** Absent where it was not measured. */
  readonly overhead?: Overhead;
  readonly trials: readonly Trial[];
}

/** Reads the lines that are whole; one that its writer never finished is left out. Throws a UsageError for anything else than a recording. */
export function readRecording(text: string, path: string): Recording {
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  const values = lines.flatMap((line, i) => (line === '' ? [] : [parsed(line, i + 1, path)]));
  const [header, ...rest] = values as [SelftestHeader | undefined, ...(Trial | ({ kind: typeof OVERHEAD } & Overhead))[]];
  if (header?.selftestVersion !== SELFTEST_VERSION)
    throw new UsageError(
      `${path}: no recording of bench selftest that this version reads (selftestVersion ${header?.selftestVersion}, expected ${SELFTEST_VERSION})`,
    );
  let overhead: Overhead | undefined;
  const trials: Trial[] = [];
  rest.forEach((line, i) => {
    if (line.kind === OVERHEAD && isNumbers([line.taskNs, line.share, line.emptyNs])) overhead = line;
    else if (line.kind !== OVERHEAD && isTrial(line)) trials.push(line);
    else throw new UsageError(`${path}: line ${i + 2} is no run of a suite; was the file edited?`);
  });
  return { header, overhead, trials };
}

/** Several recordings as one: those of a short suite beside those of a long one. Verdicts go by the terms of the first. */
export const together = (recordings: readonly Recording[]): Recording => ({
  header: { ...recordings[0].header, benchmarks: [...new Set(recordings.flatMap(({ header }) => header.benchmarks))] },
  overhead: recordings.find(({ overhead }) => overhead)?.overhead,
  trials: recordings.flatMap(({ trials }) => trials),
});

const isNumbers = (list: unknown): boolean => Array.isArray(list) && list.every((value) => Number.isFinite(value));
const isRow = ({ name, first, second, disturbed }: TrialRow): boolean =>
  typeof name === 'string' && isNumbers(first) && isNumbers(second) && Number.isFinite(disturbed);

const isTrial = ({ kind, rows }: Trial): boolean =>
  ['clean', 'slowed', 'hogged'].includes(kind) && Array.isArray(rows) && rows.every(isRow);

function parsed(line: string, number: number, path: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new UsageError(`${path}: line ${number} is not JSON; was the file edited?`);
  }
}
