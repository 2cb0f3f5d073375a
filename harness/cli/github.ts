// What `--format github` does besides its file: the step summary goes where the runner collects it, and annotations go to standard error, where it reads them too,
// so that standard output stays what the first format says.

import { appendFileSync, existsSync, statSync } from 'node:fs';
import { annotations } from '../../reports/annotations.ts';
import { WriteError } from '../../reports/file.ts';
import type { Format } from '../../reports/formats.ts';
import type { Results } from '../../reports/schema.ts';
import { SUMMARY_BYTES, stepSummary } from '../../reports/step-summary.ts';

/** Bytes below which a summary says nothing that the one before it did not. */
const LEAST = 4096;

/** Tells GitHub Actions of the results, where that format is asked for. Throws a WriteError where its summary cannot be written. */
export function tellGitHub(formats: readonly Format[], results: Results, env: NodeJS.ProcessEnv = process.env): void {
  if (!formats.includes('github')) return;
  for (const line of annotations(results)) console.error(line);
  const path = env.GITHUB_STEP_SUMMARY;
  if (!path) return;
  try {
    // Suites and commands of one step share its room.
    const room = SUMMARY_BYTES - (existsSync(path) ? statSync(path).size : 0);
    if (room >= LEAST) appendFileSync(path, stepSummary(results, room));
    else console.error('bench: the step summary is full; this part of it is in step-summary.md of the results folder');
  } catch (error) {
    throw new WriteError(path, error as NodeJS.ErrnoException);
  }
}
