// The results folder: where a run puts what it measures, as it measures it. After a crash, a full disk or Ctrl-C the files hold all that came before.
//
//   run.json      rewritten whenever the run says more about itself      samples.csv   appended, one row as each sample is taken
//   summary.csv   rewritten as each row is completed                     results.json and what --format names   at the end
//
// `run.json`, `samples.csv` and `summary.csv` are enough to go on from: reading them back is here too.

import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Comparison } from '../harness/comparison/document.ts';
import { CsvError, wholeLength } from '../harness/csv.ts';
import type { Sample, Sink, Summary } from '../harness/record.ts';
import { UsageError } from '../harness/suite.ts';
import { comparisonCsv, readSamples, readSummaries, samplesCsv, summaryCsv } from './csv.ts';
import { type Appender, cutTornRecord, openAppender, replaceFile, WriteError } from './file.ts';
import { type Format, filesOf } from './formats.ts';
import { DocumentError, readRun, runJson } from './json.ts';
import type { Results, RunDocument } from './schema.ts';

/** What an earlier run left in a folder. */
export interface Earlier {
  readonly run?: RunDocument;
  readonly summaries: readonly Summary[];
  readonly samples: readonly Sample[];
}

export interface FolderSink extends Sink {
  readonly dir: string;
  /** What stood in the folder when it was opened to go on; empty lists otherwise. */
  readonly earlier: Earlier;
  /** Writes `run.json`; call it before the first sample, and again when the run has ended. Throws a WriteError. */
  run(document: RunDocument): void;
  /** Appends a row to `samples.csv`. Throws a WriteError; the file then ends with the row before. */
  sample(sample: Sample): void;
  /** Puts a row into `summary.csv`; it replaces a row of the same suite, case and arm. Throws a WriteError. */
  summary(summary: Summary): void;
  /** Keeps what the suite says of its rows, for `results` and the files of `finish`. */
  verdict(lines: readonly string[]): void;
  /** Keeps a comparison, for `results` and the files of `finish`; `comparison.csv` is among them. */
  comparison(comparison: Comparison): void;
  /** All there is now: what stood there and what came. */
  results(): Results;
  /** Writes the files of `formats` (and `results.json` in any case) and returns the paths of all files of the folder. Throws a WriteError. */
  finish(formats?: readonly Format[]): string[];
  close(): void;
}

const rowKey = ({ suite, case: name, arm }: Pick<Summary, 'suite' | 'case' | 'arm'>): string => JSON.stringify([suite, name, arm]);

/** What a reader makes of a file's text; of a file that is not there, of an empty one. What is wrong with it is the user's to know, with its path and what to do. */
function readFile<T>(
  path: string,
  read: (text: string) => T,
  remedy: string,
  text = existsSync(path) ? readFileSync(path, 'utf8') : '',
): T {
  try {
    return read(text);
  } catch (error) {
    if (error instanceof CsvError || error instanceof DocumentError) throw new UsageError(`${path}: ${error.message}; ${remedy}`);
    throw error;
  }
}

const GO_ON = '--resume needs the files of an earlier run as it wrote them';
const AS_WRITTEN =
  'a folder is read as its run wrote it. If that was cut short, go on with it by --resume; if it is of a newer version, read it with that';

function openEarlier(dir: string): Earlier {
  const [run, samples, summary] = ['run.json', 'samples.csv', 'summary.csv'].map((name) => join(dir, name));
  return {
    run: existsSync(run) ? readFile(run, readRun, GO_ON) : undefined,
    samples: readFile(samples, readSamples, GO_ON, cutTornRecord(samples)),
    summaries: readFile(summary, readSummaries, GO_ON, cutTornRecord(summary)),
  };
}

/** A reader that takes no table whose last row is cut: a number may be cut to another. */
const whole =
  <T>(read: (text: string) => T) =>
  (text: string): T => {
    const rows = read(text);
    if (wholeLength(text) < text.length) throw new CsvError(text.split('\n').length, 'the row is cut');
    return rows;
  };

/** The document of a run and its rows, from a folder that is only read: its run may still go on. Throws a UsageError for what is missing, damaged or of another version. */
export function readRows(dir: string): { run: RunDocument; summaries: Summary[] } {
  if (!existsSync(dir)) throw new UsageError(`there is no folder ${dir}`);
  const run = join(dir, 'run.json');
  if (!existsSync(run)) throw new UsageError(`there is no run in ${dir}: it has no run.json`);
  return { run: readFile(run, readRun, AS_WRITTEN), summaries: readFile(join(dir, 'summary.csv'), whole(readSummaries), AS_WRITTEN) };
}

/** All of a folder, only read. Throws a UsageError, as `readRows` does. */
export const readFolder = (dir: string): Required<Earlier> => ({
  ...readRows(dir),
  samples: readFile(join(dir, 'samples.csv'), whole(readSamples), AS_WRITTEN),
});

/**
 * Opens a results folder and creates it where it is missing.
 *
 * Throws a UsageError where the folder has files already and `resume` is not set, a WriteError where it cannot be made.
 */
export function folderSink(dir: string, { resume = false }: { resume?: boolean } = {}): FolderSink {
  if (!resume && existsSync(dir) && readdirSync(dir).length > 0)
    throw new UsageError(`--out: the folder ${dir} is not empty; give another, or --resume to add what is missing`);
  try {
    mkdirSync(dir, { recursive: true });
  } catch (error) {
    throw new WriteError(dir, error as NodeJS.ErrnoException);
  }
  const earlier = openEarlier(dir);
  const samples = [...earlier.samples];
  const rows = new Map(earlier.summaries.map((row) => [rowKey(row), row]));
  let document = earlier.run;
  let verdict: readonly string[] = [];
  let comparison: Comparison | undefined;
  let appender: Appender | undefined;

  const results = (): Results => {
    if (!document) throw new Error('folder: run() must be called before results()');
    return { run: document, samples, summaries: [...rows.values()], verdict, comparison };
  };

  return {
    dir,
    earlier,
    run(next) {
      replaceFile(join(dir, 'run.json'), runJson(next));
      document = next;
    },
    sample(sample) {
      const first = appender === undefined && earlier.samples.length === 0;
      appender ??= openAppender(join(dir, 'samples.csv'));
      appender.append(samplesCsv([sample], { header: first }));
      samples.push(sample);
    },
    summary(summary) {
      const next = new Map(rows).set(rowKey(summary), summary);
      replaceFile(join(dir, 'summary.csv'), summaryCsv([...next.values()]));
      rows.set(rowKey(summary), summary);
    },
    verdict(lines) {
      verdict = lines;
    },
    comparison(found) {
      comparison = found;
    },
    results,
    finish(formats = []) {
      // What CSV there is stands there already, or is written below.
      for (const format of new Set<Format>([...formats, 'json']))
        if (format !== 'csv') for (const [file, text] of Object.entries(filesOf(format, results()))) replaceFile(join(dir, file), text);
      if (comparison) replaceFile(join(dir, 'comparison.csv'), comparisonCsv(comparison.rows));
      return readdirSync(dir)
        .sort()
        .map((name) => join(dir, name));
    },
    close() {
      appender?.close();
      appender = undefined;
    },
  };
}
