// `bench report DIR`: the page of a results folder, written into it. The folder is only read, whatever state its run is in.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readSamples, readSummaries } from '../../reports/csv.ts';
import { replaceFile } from '../../reports/file.ts';
import { DocumentError, readResults, readRun } from '../../reports/json.ts';
import { outcomeHeadline } from '../../reports/outcomes.ts';
import { resultsPage } from '../../reports/results-page.ts';
import type { Results } from '../../reports/schema.ts';
import { readTrace, TraceError, timelineSection } from '../../reports/sections/timelines.ts';
import { CsvError, wholeLength } from '../csv.ts';
import { UsageError } from '../suite.ts';
import { comparisonOf, gateOf } from './ci/document.ts';
import { EXIT, type ExitCode } from './exit.ts';

export interface ReportFlags {
  readonly open?: boolean;
  readonly trace?: string;
  readonly out?: string;
}

/** Writes `report.html`. Throws a UsageError for a folder that cannot be read, a WriteError where the page cannot be written. */
export function report(dir: string, { open, trace, out = join(dir, 'report.html') }: ReportFlags): ExitCode {
  const results = resultsIn(dir);
  const timelines = trace === undefined ? undefined : timelineSection(reading(trace, readTrace), trace);
  if (trace !== undefined && !timelines)
    console.error(`bench: ${trace}: no process in it did three steps or more, so there is no timeline`);
  replaceFile(out, resultsPage(results, [timelines]));
  process.stdout.write(`${outcomeHeadline(results)}\n`);
  console.error(`report: ${out}`);
  if (open) openInBrowser(out);
  return EXIT.passed;
}

/** Reads a file; what is wrong with it is the user's to know, with its path. */
function reading<T>(path: string, read: (text: string) => T): T {
  if (!existsSync(path)) throw new UsageError(`there is no file ${path}`);
  try {
    return read(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof CsvError || error instanceof DocumentError || error instanceof TraceError)
      throw new UsageError(`${path}: ${error.message}`);
    throw error;
  }
}

/** A row that was never finished is left out: its run was killed, or still goes on. */
const whole = (text: string): string => text.slice(0, wholeLength(text));

/** What a folder holds: results.json, or where its run did not come to that, what the other files say. */
export function resultsIn(dir: string): Results {
  if (!existsSync(dir) || !statSync(dir).isDirectory())
    throw new UsageError(`there is no folder ${dir}; give one that bench run, bench ci or bench compare --out wrote`);
  const [results, run, samples, summary] = ['results.json', 'run.json', 'samples.csv', 'summary.csv'].map((name) => join(dir, name));
  if (existsSync(results)) return reading(results, readResults);
  if (!existsSync(run))
    throw new UsageError(`there are no results in ${dir}: neither results.json nor run.json; a folder of bench tune has bench tune report`);
  const document = reading(run, readRun);
  const optional = <T>(path: string, read: (text: string) => readonly T[]): readonly T[] =>
    existsSync(path) ? reading(path, (text) => read(whole(text))) : [];
  const found = { run: document, samples: optional(samples, readSamples), summaries: optional(summary, readSummaries) };
  return document.gate === undefined ? found : { ...found, comparison: comparisonOf(document, gateOf(document, run), found.samples) };
}

const OPENERS: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

/** Asks the system for its browser; where there is none, the path that was printed serves. */
function openInBrowser(path: string): void {
  const [program, ...args] = OPENERS[process.platform] ?? ['xdg-open'];
  const child = spawn(program, [...args, pathToFileURL(path).href], { stdio: 'ignore', detached: true });
  child.on('error', ({ message }) => console.error(`bench: --open: ${message}; open the file yourself`));
  child.unref();
}
