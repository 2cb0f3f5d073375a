// `bench analyze`: every verdict again, from run.json and samples.csv alone, and every file that was written from them.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { folderSink } from '../../../reports/folder.ts';
import { type Format, render } from '../../../reports/formats.ts';
import type { Results } from '../../../reports/schema.ts';
import { terminalStyle } from '../../../reports/table.ts';
import { UsageError } from '../../suite.ts';
import type { ExitCode } from '../exit.ts';
import { gravest } from '../exit.ts';
import { tellGitHub } from '../github.ts';
import { checkFormats } from '../run-plan.ts';
import { comparisonOf, gateOf } from './document.ts';
import { codesOf, type GatePolicy } from './exit.ts';

export interface AnalyzeFlags extends GatePolicy {
  readonly format: string[];
}

/** Judges what a folder of `bench ci` holds and writes all files that follow from it; the end of a gate, too, so that both write the same bytes. */
export function judgeFolder(dir: string, formats: readonly Format[]): Results {
  const folder = folderSink(dir, { resume: true });
  const run = folder.earlier.run!;
  folder.comparison(comparisonOf(run, gateOf(run, join(dir, 'run.json')), folder.earlier.samples));
  folder.finish(formats);
  folder.close();
  return folder.results();
}

/** Judges a folder of `bench ci` again and rewrites its files. Says whether comparison.csv came out as it was. */
export function analyze(dir: string, flags: AnalyzeFlags): ExitCode {
  checkFormats(flags.format);
  if (!existsSync(join(dir, 'run.json'))) throw new UsageError(`there is no run in ${dir}: it has no run.json`);
  const written = join(dir, 'comparison.csv');
  const before = existsSync(written) ? readFileSync(written, 'utf8') : undefined;
  const formats = flags.format as Format[];
  const results = judgeFolder(dir, formats);
  process.stdout.write(render(formats[0], results, terminalStyle(process.stdout)));
  tellGitHub(formats, results);
  if (before !== undefined) {
    const same = before === readFileSync(written, 'utf8');
    console.error(same ? `${written}: the same bytes as before` : `${written}: differs from what stood there; it has been rewritten`);
  }
  return gravest(codesOf(results.comparison!.rows, flags));
}
