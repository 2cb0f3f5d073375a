// `bench history DIR...`: many runs over time, the level of each case and arm, and where it changed. Each environment has series of its own.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { tableCsv } from '../../../reports/csv.ts';
import { readRows } from '../../../reports/folder.ts';
import { duration } from '../../../reports/format.ts';
import { terminalStyle } from '../../../reports/table.ts';
import { type PastRun, type Series, seriesOf } from '../../history/series.ts';
import { UsageError } from '../../suite.ts';
import { columns } from '../columns.ts';
import { EXIT, type ExitCode } from '../exit.ts';

export interface HistoryFlags {
  readonly format: 'table' | 'csv' | 'json';
  readonly magnitude: number;
}

/** Raised by one when a reader of the old JSON would misread the new. */
const HISTORY_VERSION = 1;

const COLUMNS = [
  'suite',
  'case',
  'arm',
  'environment',
  'run_id',
  'time_utc',
  'revision',
  'median_ns',
  'ci_low_ns',
  'ci_high_ns',
  'change',
  'p',
];

/** Prints the history of folders of runs, or of folders that hold them. Throws a UsageError for what cannot be read. */
export function history(folders: readonly string[], { format, magnitude }: HistoryFlags): ExitCode {
  const runs = folders.flatMap(runFolders).map(readPast);
  const series = seriesOf(distinct(runs), magnitude);
  if (series.length === 0) throw new UsageError(`there are no figures in ${folders.join(', ')}`);
  if (format === 'json') process.stdout.write(`${JSON.stringify({ historyVersion: HISTORY_VERSION, magnitude, series }, null, 2)}\n`);
  else if (format === 'csv') process.stdout.write(tableCsv(rowsOf(series), COLUMNS));
  else process.stdout.write(historyTable(series));
  return EXIT.passed;
}

/** The folder itself where it is of a run, else the runs in it. */
function runFolders(folder: string): string[] {
  if (!existsSync(folder)) throw new UsageError(`there is no folder ${folder}`);
  if (existsSync(join(folder, 'run.json'))) return [folder];
  const within = readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .filter((path) => existsSync(join(path, 'run.json')));
  if (within.length === 0) throw new UsageError(`there is no run in ${folder}: neither it nor a folder in it has a run.json`);
  return within;
}

function readPast(folder: string): PastRun {
  const { run, summaries } = readRows(folder);
  const { run_id, started_utc, environment } = run;
  const { fingerprint, git_revision, cpu, cores, node } = environment;
  return {
    run_id,
    time_utc: started_utc,
    revision: git_revision,
    fingerprint,
    place: `${cpu}, ${cores} cores, Node ${node}`,
    summaries,
  };
}

/** A folder that is named twice counts once. */
const distinct = (runs: readonly PastRun[]): PastRun[] => [...new Map(runs.map((run) => [`${run.run_id} ${run.time_utc}`, run])).values()];

const rowsOf = (all: readonly Series[]): object[] =>
  all.flatMap(({ points, changes, ...series }) =>
    points.map((point, i) => {
      const change = changes.find(({ index }) => index === i);
      return { ...series, ...point, change: change?.ratio, p: change?.p };
    }),
  );

const percent = (ratio: number): string => `${ratio >= 1 ? '+' : ''}${((ratio - 1) * 100).toFixed(1)} %`;

function historyTable(all: readonly Series[]): string {
  const places = [...new Map(all.map(({ environment, place }) => [environment, place]))];
  const rows = all.map(({ case: name, arm, environment, points, changes }) => [
    name,
    arm,
    environment.slice(0, 8),
    String(points.length),
    points[0].time_utc.slice(0, 10),
    duration(points[0].median_ns),
    duration(points[points.length - 1].median_ns),
    changes.map(({ index, ratio }) => `${percent(ratio)} at ${placeOf(points[index])}`).join('; '),
  ]);
  const changed = all.filter(({ changes }) => changes.length > 0).length;
  return [
    columns([['case', 'arm', 'place', 'runs', 'since', 'first', 'last', 'changes of level'], ...rows], terminalStyle(process.stdout)),
    '',
    ...places.map(([environment, place]) => `${environment.slice(0, 8)}: ${place}`),
    '',
    `= ${changed} of ${all.length} series changed their level`,
    '',
  ].join('\n');
}

const placeOf = ({ time_utc, revision }: Series['points'][number]): string =>
  `${time_utc.slice(0, 16).replace('T', ' ')}${revision ? ` (${revision.slice(0, 9)})` : ''}`;
