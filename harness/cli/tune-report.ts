// `bench tune report DIR`: what tunings in a folder found, from their journals and, where they were finished, their summaries. A page, charts, and a table.

import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Tunables } from '../../kernels/kernel.ts';
import { svgFile } from '../../reports/charts/svg.ts';
import { readSummaries } from '../../reports/csv.ts';
import { replaceFile } from '../../reports/file.ts';
import {
  chartsOf,
  type DecisionRecord,
  gainsChart,
  type SearchRecord,
  summaryOf,
  TUNING_COLUMNS,
  type TuningRecord,
  type TuningReport,
  tuningPage,
  tuningRows,
} from '../../reports/tuning.ts';
import { CsvError } from '../csv.ts';
import type { Summary } from '../record.ts';
import { UsageError } from '../suite.ts';
import { type Journalled, readJournal, secondsOf } from '../tuner/journal.ts';
import { EXIT, type ExitCode } from './exit.ts';

/** Writes `report.html` and its charts into the folder and prints the table. Throws a UsageError where there is nothing to report. */
export function tuneReport(dir: string): ExitCode {
  const report = reportOf(dir);
  const folder = join(dir, 'charts');
  mkdirSync(folder, { recursive: true });
  const gains = gainsChart(report);
  const charts = [...(gains ? [gains] : []), ...report.tunings.flatMap(chartsOf)];
  for (const { file, chart } of charts) replaceFile(join(folder, file), svgFile(chart));
  const page = join(dir, 'report.html');
  replaceFile(page, tuningPage(report));
  process.stdout.write(`${tableText(report)}\n${summaryOf(report)}\n`);
  console.error(`report: ${page}\ncharts: ${charts.length} SVG files in ${folder}`);
  return EXIT.passed;
}

/** What the folder holds. Throws a UsageError that says what is wrong with it. */
export function reportOf(dir: string): TuningReport {
  if (!existsSync(dir) || !statSync(dir).isDirectory())
    throw new UsageError(`${dir}: there is no such folder; give the one that bench tune wrote`);
  const paths = readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.jsonl(\.gz)?$/.test(name))
    .sort();
  if (paths.length === 0) throw new UsageError(`${dir}: there is no journal (*.jsonl) in it; give the folder that bench tune wrote`);
  const journals = paths.map((name) => readJournal(join(dir, name)));
  for (const { cut } of journals) if (cut !== undefined) console.error(`bench: ${cut}`);
  const decisions = decisionsIn(dir);
  const byProblem = Map.groupBy(journals, ({ header }) => `${header.name}@${placeName(header)}`);
  const tunings = [...byProblem].map(
    ([name, ofProblem]): TuningRecord => ({ name, searches: ofProblem.map(searchOf), decision: decisions.get(name) }),
  );
  const first = journals[0].header;
  const { name = '', runtime = '', driver = '', features = [] } = first.machine;
  const facts = {
    device: name,
    runtime,
    driver,
    features: features.join(' '),
    begun: first.started_utc,
    journals: String(journals.length),
  };
  const given = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== ''));
  return {
    title: `Tuning ${[...new Set(journals.map(({ header }) => header.op))].join(', ')} on ${name || first.machine.kind}`,
    facts: given,
    tunings,
  };
}

const placeName = ({ machine: { kind, threads } }: Journalled['header']): string => (kind === 'cpu' ? `cpu/${threads}` : kind);

const searchOf = ({ header, results }: Journalled): SearchRecord => ({
  kernel: header.kernel,
  space: header.space.tunables,
  evaluations: results.map((result) => {
    const seconds = secondsOf(result);
    const reason = typeof result.x?.reason === 'string' ? `: ${result.x.reason}` : '';
    return {
      tunables: result.configuration as Tunables,
      ...(seconds === undefined ? { failure: `${result.invalidity}${reason}` } : { ns: seconds * 1e9 }),
    };
  }),
});

/** What finished tunings decided, by case: from the rows of default and winner. */
function decisionsIn(dir: string): Map<string, DecisionRecord> {
  const path = join(dir, 'summary.csv');
  if (!existsSync(path)) return new Map();
  let summaries: readonly Summary[];
  try {
    summaries = readSummaries(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof CsvError) throw new UsageError(`${path}: ${error.message}; the report needs the files as bench tune wrote them`);
    throw error;
  }
  const cases = Map.groupBy(summaries, (row) => row.case);
  const decided = [...cases].flatMap(([name, rows]) => {
    const [tuned, usual] = ['tuned', 'default'].map((arm) => rows.find((row) => row.arm === arm && row.status === 'ok'));
    return tuned ? [[name, decisionOf(tuned, usual)] as const] : [];
  });
  return new Map(decided);
}

function decisionOf(tuned: Summary, usual: Summary | undefined): DecisionRecord {
  const number = (name: string): number | undefined => (typeof tuned.extra?.[name] === 'number' ? tuned.extra[name] : undefined);
  const value = number('ratio');
  const [low, high] = [number('ratio_low'), number('ratio_high')];
  return {
    kernel: tuned.kernel ?? '',
    tunables: Object.entries(JSON.parse(tuned.tunables ?? '{}') as Tunables)
      .map(([knob, set]) => `${knob}=${set}`)
      .join(' '),
    ns: tuned.median_ns!,
    defaultKernel: usual?.kernel,
    defaultNs: usual?.median_ns,
    ratio: value === undefined ? undefined : { value, ...(low !== undefined && high !== undefined && { low, high }) },
    seconds: number('tune_s'),
    spaceSize: number('space_size'),
  };
}

function tableText(report: TuningReport): string {
  const rows = [TUNING_COLUMNS, ...tuningRows(report)];
  const widths = TUNING_COLUMNS.map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
