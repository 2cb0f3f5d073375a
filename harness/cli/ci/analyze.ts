// `bench analyze`: every verdict again, from run.json and samples.csv alone, and every file that was written from them.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { comparisonTable } from '../../../reports/comparison-table.ts';
import { folderSink } from '../../../reports/folder.ts';
import type { Format } from '../../../reports/formats.ts';
import { terminalStyle } from '../../../reports/table.ts';
import type { Comparison } from '../../comparison/document.ts';
import { UsageError } from '../../suite.ts';
import type { ExitCode } from '../exit.ts';
import { gravest } from '../exit.ts';
import { comparisonOf, gateOf } from './document.ts';
import { codesOf, type GatePolicy } from './exit.ts';

export interface AnalyzeFlags extends GatePolicy {
  readonly format: string[];
}

/** Judges what a folder of `bench ci` holds and writes all files that follow from it; the end of a gate, too, so that both write the same bytes. */
export function judgeFolder(dir: string, formats: readonly Format[]): Comparison {
  const folder = folderSink(dir, { resume: true });
  const run = folder.earlier.run!;
  const comparison = comparisonOf(run, gateOf(run, join(dir, 'run.json')), folder.earlier.samples);
  folder.comparison(comparison);
  folder.finish(formats);
  folder.close();
  return comparison;
}

/** Judges a folder of `bench ci` again and rewrites its files. Says whether comparison.csv came out as it was. */
export function analyze(dir: string, flags: AnalyzeFlags): ExitCode {
  if (!existsSync(join(dir, 'run.json'))) throw new UsageError(`there is no run in ${dir}: it has no run.json`);
  const written = join(dir, 'comparison.csv');
  const before = existsSync(written) ? readFileSync(written, 'utf8') : undefined;
  const comparison = judgeFolder(dir, flags.format as Format[]);
  process.stdout.write(comparisonTable(comparison, terminalStyle(process.stdout)));
  if (before !== undefined) {
    const same = before === readFileSync(written, 'utf8');
    console.error(same ? `${written}: the same bytes as before` : `${written}: differs from what stood there; it has been rewritten`);
  }
  return gravest(codesOf(comparison.rows, flags));
}
