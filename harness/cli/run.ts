// `bench run`: from flags to a plan, from the plan to a session in a results folder, and from its end to an exit code.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { folderSink } from '../../reports/folder.ts';
import type { RunDocument } from '../../reports/schema.ts';
import type { Plan } from '../plan.ts';
import { type SuiteOption, UsageError } from '../suite.ts';
import { beginDocument } from './document.ts';
import { dryRun } from './dry-run.ts';
import { EXIT, type ExitCode, gravest } from './exit.ts';
import { newestFolder, newFolder } from './places.ts';
import type { RunFlags } from './run-options.ts';
import { checkFlags, type Planned, planSuite } from './run-plan.ts';
import { Session } from './session.ts';
import { type LoadedSuite, loadSuite } from './suites.ts';
import { TraceFile } from './trace-file.ts';
import { tuneFirst } from './tune-first.ts';

/** Runs suites one after another. Returns the gravest of their codes. */
export async function runSuites(
  names: readonly string[],
  flags: RunFlags,
  options: readonly SuiteOption[],
  command: readonly string[],
): Promise<ExitCode> {
  checkFlags(flags);
  useDataFolder(flags.dataDir);
  if (flags.resume && flags.dryRun) throw new UsageError('--resume and --dry-run exclude each other');
  const suites = await Promise.all(names.map(loadSuite));
  const trace = flags.trace === undefined || flags.dryRun ? undefined : new TraceFile(flags.trace);
  const codes: ExitCode[] = [];
  for (const loaded of suites) {
    const planned = await planSuite(loaded, flags, options);
    if (flags.dryRun) process.stdout.write(dryRun(planned.plan));
    else {
      const dir = folderOf(loaded, flags, suites.length > 1);
      const tuned = await tuneFirst(planned, flags, dir, command);
      // What was learnt is in the table by now.
      if (tuned === undefined) codes.push(await runSuite(planned, flags, dir, command, trace));
      else if (tuned !== EXIT.passed) codes.push(tuned);
      else codes.push(await runSuite(await planSuite(loaded, flags, options), flags, dir, command, trace));
    }
    if (codes.at(-1) === EXIT.interrupted) break;
  }
  return gravest(codes);
}

/** Arms are children, which inherit it. */
function useDataFolder(folder: string | undefined): void {
  if (folder === undefined) return;
  if (!existsSync(folder)) throw new UsageError(`--data-dir: there is no folder ${folder}`);
  process.env.TILEBENCH_DATA = resolve(folder);
}

/** Where a suite's results go; several suites share `--out` as folders in it. */
function folderOf({ suite }: LoadedSuite, { out, resume }: RunFlags, several: boolean): string {
  const dir = out === undefined ? undefined : several ? join(out, suite.name) : out;
  if (!resume) return dir ?? newFolder(suite.name, new Date());
  if (dir !== undefined && !existsSync(join(dir, 'run.json'))) throw new UsageError(`--resume: there is no run in ${dir} to go on with`);
  return dir ?? newestFolder(suite.name);
}

function runSuite(planned: Planned, flags: RunFlags, dir: string, command: readonly string[], trace?: TraceFile): Promise<ExitCode> {
  const folder = folderSink(dir, { resume: flags.resume });
  const started = beginDocument(folder, planned.probes, { command, seed: flags.seed });
  const document: RunDocument = { ...started, plan: planDocument(planned.plan) };
  return new Session(document, planned, folder, flags, trace).measure();
}

const planDocument = ({ seconds, forks, timeout, baseline, request, cases }: Plan) => ({
  seconds,
  forks,
  timeout,
  baseline,
  request,
  cases: cases.map(({ case: one, entries }) => ({
    name: one.name,
    problem: one.problem,
    arms: entries.map(({ arm, refusal }) => ({ name: arm.name, refusal })),
  })),
});
