// `bench compare A B`: two results folders side by side. They were not measured together, so rows may differ, but never have regressed.

import { createHash } from 'node:crypto';
import { type Earlier, folderSink, readFolder } from '../../../reports/folder.ts';
import { render } from '../../../reports/formats.ts';
import type { RunDocument } from '../../../reports/schema.ts';
import { terminalStyle } from '../../../reports/table.ts';
import { COMPARISON_VERSION, type Compared, type Comparison, countsOf, overall, type Revision } from '../../comparison/document.ts';
import { TERMS } from '../../comparison/estimate.ts';
import { armOfSide } from '../../comparison/evidence.ts';
import { unpairedRatio } from '../../comparison/unpaired.ts';
import type { Sample, Summary } from '../../record.ts';
import { median } from '../../statistics.ts';
import { UsageError } from '../../suite.ts';
import { EXIT, type ExitCode } from '../exit.ts';

export interface CompareFlags {
  readonly margin: number;
  readonly format: 'table' | 'csv' | 'json' | 'markdown';
  /** What to do where the machines differ. */
  readonly foreign: 'mark' | 'refuse';
  readonly out?: string;
}

/** Prints the comparison. Exit code 0 whatever it says; throws a UsageError for folders that cannot be read or have nothing in common. */
export function compareFolders(a: string, b: string, flags: CompareFlags): ExitCode {
  const [base, head] = [readFolder(a), readFolder(b)];
  const comparison = comparisonOf({ ref: a, ...base }, { ref: b, ...head }, flags);
  const run = { ...head.run, command: ['compare', a, b] };
  if (flags.out !== undefined) writeFolder(flags.out, run, base, head, comparison);
  if (flags.format === 'json') process.stdout.write(`${JSON.stringify(comparison, null, 2)}\n`);
  else process.stdout.write(render(flags.format, { run, summaries: [], samples: [], comparison }, terminalStyle(process.stdout)));
  return EXIT.passed;
}

/** The comparison as a results folder: both sides of every row that was compared, with their samples, under the names that a gate gives them. */
function writeFolder(dir: string, run: RunDocument, base: Earlier, head: Earlier, comparison: Comparison): void {
  const keyOf = ({ suite, case: name, arm }: Pick<Summary, 'suite' | 'case' | 'arm'>) => JSON.stringify([suite, name, arm]);
  const compared = new Set(comparison.rows.map(keyOf));
  const folder = folderSink(dir);
  folder.run(run);
  for (const [side, of] of [
    ['base', base],
    ['head', head],
  ] as const) {
    const named = <T extends Pick<Summary, 'suite' | 'case' | 'arm'>>(all: readonly T[]): T[] =>
      all.filter((one) => compared.has(keyOf(one))).map((one) => ({ ...one, arm: armOfSide(side, one.arm) }));
    for (const sample of named(of.samples)) folder.sample(sample);
    for (const summary of named(of.summaries)) folder.summary(summary);
  }
  folder.comparison(comparison);
  folder.finish(['html']);
  folder.close();
  console.error(`results: ${dir}`);
}

function comparisonOf(base: Side, head: Side, { margin, foreign }: CompareFlags): Comparison {
  const [here, there] = [base.run.environment, head.run.environment];
  const sameMachine = here.fingerprint === there.fingerprint;
  const difference = sameMachine ? undefined : differing(here, there);
  if (difference && foreign === 'refuse')
    throw new UsageError(
      `${head.ref} was measured in another environment than ${base.ref} (${difference}); measure both on one machine, or give --foreign mark`,
    );
  const rows = head.summaries.flatMap((row): Compared[] => {
    const other = base.summaries.find((one) => one.suite === row.suite && one.case === row.case && one.arm === row.arm);
    return other ? [compareRow(other, base.samples, row, head.samples, margin, sameMachine)] : [];
  });
  if (rows.length === 0) throw new UsageError(`${base.ref} and ${head.ref} have no case and arm in common; there is nothing to compare`);
  const onlyOne = base.summaries.length + head.summaries.length - 2 * rows.length;
  const warnings = [
    ...(difference ? [`the environments differ (${difference}): what differs may be the machine`] : []),
    ...(onlyOne > 0 ? [`${onlyOne} rows are in one of the folders only`] : []),
  ];
  return {
    comparisonVersion: COMPARISON_VERSION,
    kind: 'compare',
    run_id: head.run.run_id,
    time_utc: head.run.started_utc,
    base: revisionOf(base),
    head: revisionOf(head),
    terms: { ...TERMS, margin },
    seed: 1,
    rows,
    overall: overall(rows, 1),
    counts: countsOf(rows),
    warnings,
  };
}

/** A folder that was read. */
type Side = Required<Earlier> & { readonly ref: string };

const revisionOf = ({ ref, run: { environment } }: Side): Revision => ({
  ref,
  sha: environment.git_revision,
  dirty: environment.git_dirty,
});

/** The first things that differ between two environments. */
function differing(here: Readonly<Record<string, unknown>>, there: Readonly<Record<string, unknown>>): string {
  const names = ['cpu', 'cores', 'memory_bytes', 'os', 'node', 'v8', 'node_flags', 'governor', 'turbo'];
  const found = names.filter((name) => JSON.stringify(here[name]) !== JSON.stringify(there[name]));
  return found.map((name) => `${name}: ${String(here[name])}, ${String(there[name])}`).join('; ') || 'fingerprints';
}

/** Median times of the clean samples of each fork. */
function forksOf({ case: name, arm }: Summary, samples: readonly Sample[]): number[] {
  const forks = new Map<number, number[]>();
  for (const sample of samples)
    if (sample.case === name && sample.arm === arm && sample.metric === 'time' && !sample.dropped)
      forks.set(sample.fork, [...(forks.get(sample.fork) ?? []), sample.value]);
  return [...forks.values()].map(median);
}

/** A seed of the row's own, so that its interval does not depend on which other rows there are. */
const seedOf = (text: string): number => createHash('sha256').update(text).digest().readUInt32LE(0);

function compareRow(
  before: Summary,
  beforeSamples: readonly Sample[],
  after: Summary,
  afterSamples: readonly Sample[],
  margin: number,
  sameMachine: boolean,
): Compared {
  const identity = { suite: after.suite, case: after.case, arm: after.arm, arm_base: before.arm, arm_head: after.arm } as const;
  const [base, head] = [forksOf(before, beforeSamples), forksOf(after, afterSamples)];
  const rest = { metric: 'time', unit: 'ns', base: before.median_ns, head: after.median_ns, logs: [] } as const;
  const pairs = Math.min(base.length, head.length);
  if (pairs === 0) {
    const failed = [before, after].find(({ status }) => status !== 'ok' && status !== 'slow');
    const reason = `${failed?.status ?? 'no samples'}${failed?.reason ? `: ${failed.reason}` : ''}`;
    return { ...identity, ...rest, verdict: 'invalid', code: 'failed', reason, pairs };
  }
  const { ratio, low, high } = unpairedRatio(base, head, TERMS.confidence, seedOf(`${after.case}\n${after.arm}`));
  const known = { ...identity, ...rest, ratio, ci_low: low, ci_high: high, pairs };
  if (low === undefined || high === undefined)
    return {
      ...known,
      verdict: 'inconclusive',
      code: 'too-few-pairs',
      reason: `unpaired; an interval needs three forks on both sides, not ${base.length} and ${head.length}`,
    };
  const code = sameMachine ? 'unpaired' : 'other-environment';
  if (low > 1 + margin || high < 1 / (1 + margin))
    return { ...known, verdict: 'differs', code, reason: 'unpaired: the machine may be why' };
  if (high < 1 + margin && low > 1 / (1 + margin)) return { ...known, verdict: 'same', code, reason: 'unpaired' };
  return { ...known, verdict: 'inconclusive', code, reason: 'unpaired; the interval reaches across the margin' };
}
