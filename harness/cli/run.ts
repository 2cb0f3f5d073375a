// `bench run`: from flags to a plan, from the plan to a results folder, and from what happened to an exit code.

import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type FolderSink, folderSink } from '../../reports/folder.ts';
import { render } from '../../reports/formats.ts';
import { type RunDocument, SCHEMA_VERSION } from '../../reports/schema.ts';
import { terminalStyle } from '../../reports/table.ts';
import { type TraceRecorder, traceRecorder } from '../../reports/trace.ts';
import { lookAround } from '../environment.ts';
import { Ledger, type Row } from '../ledger.ts';
import type { Plan, PlannedCase } from '../plan.ts';
import type { Sink, Summary } from '../record.ts';
import { checkResumable } from '../resume.ts';
import { beatsRoof, Roofs } from '../roofs.ts';
import { run } from '../run.ts';
import { type SuiteOption, UsageError } from '../suite.ts';
import { summarize } from '../summary.ts';
import { dryRun } from './dry-run.ts';
import { EXIT, type ExitCode, exitCodeOf, gravest, report } from './exit.ts';
import { Interrupt } from './interrupt.ts';
import { ARM_MODULE, newestFolder, newFolder } from './places.ts';
import { progressOf } from './progress.ts';
import type { RunFlags } from './run-options.ts';
import { checkFlags, filterOf, formatsOf, type Planned, planSuite } from './run-plan.ts';
import { type LoadedSuite, loadSuite } from './suites.ts';

/** Runs suites one after another. Returns the gravest of their codes. */
export async function runSuites(
  names: readonly string[],
  flags: RunFlags,
  options: readonly SuiteOption[],
  command: readonly string[],
): Promise<ExitCode> {
  checkFlags(flags);
  filterOf(flags);
  if (flags.resume && flags.dryRun) throw new UsageError('--resume and --dry-run exclude each other');
  const suites = await Promise.all(names.map(loadSuite));
  const codes: ExitCode[] = [];
  for (const loaded of suites) {
    const planned = await planSuite(loaded, flags, options);
    if (flags.dryRun) process.stdout.write(dryRun(planned.plan));
    else codes.push(await runSuite(planned, flags, folderOf(loaded, flags, suites.length > 1), command));
    if (codes.at(-1) === EXIT.interrupted) break;
  }
  return gravest(codes);
}

/** Where a suite's results go; several suites share `--out` as folders in it. */
function folderOf({ suite }: LoadedSuite, { out, resume }: RunFlags, several: boolean): string {
  if (out !== undefined) return several ? join(out, suite.name) : out;
  return resume ? newestFolder(suite.name) : newFolder(suite.name, new Date());
}

async function runSuite(planned: Planned, flags: RunFlags, dir: string, command: readonly string[]): Promise<ExitCode> {
  const { plan } = planned;
  const folder = folderSink(dir, { resume: flags.resume });
  const place = lookAround(planned.probes);
  const earlier = flags.resume ? folder.earlier : undefined;
  if (earlier?.run) checkResumable(earlier.run, place.environment, flags.seed);
  const document: RunDocument = {
    schemaVersion: SCHEMA_VERSION,
    run_id: earlier?.run?.run_id ?? basename(dir),
    command: [...command],
    seed: flags.seed,
    started_utc: earlier?.run?.started_utc ?? new Date().toISOString(),
    plan: planDocument(plan),
    versions: { ...place.versions },
    environment: { ...place.environment },
  };
  folder.run(document);

  const trace = flags.trace === undefined ? undefined : traceRecorder();
  const ledger = new Ledger(document.run_id, plan, sinkOf(folder, trace));
  if (earlier) ledger.restore(earlier.samples, earlier.summaries);
  const session = new Session(ledger, folder, planned, flags);
  const code = await session.measure(place.environment.fingerprint);
  const ended_utc = code === EXIT.interrupted ? undefined : new Date().toISOString();
  if (code !== EXIT.invalid) folder.run({ ...document, roofs: session.roofs?.known(), ended_utc });
  if (trace) writeFileSync(flags.trace!, trace.json());
  session.tell(code);
  folder.close();
  return code;
}

/** The sink of the run: the folder, and the trace beside it. */
const sinkOf = (folder: FolderSink, trace: TraceRecorder | undefined): Sink => ({
  sample(sample) {
    folder.sample(sample);
    trace?.sample(sample);
  },
  summary: (summary) => folder.summary(summary),
});

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

/** One suite being measured: rows are written as they are completed, and told at the end. */
class Session {
  #ledger: Ledger;
  #folder: FolderSink;
  #planned: Planned;
  #flags: RunFlags;
  /** Absent where the user does not want any, and before they are looked for. */
  roofs?: Roofs;

  constructor(ledger: Ledger, folder: FolderSink, planned: Planned, flags: RunFlags) {
    this.#ledger = ledger;
    this.#folder = folder;
    this.#planned = planned;
    this.#flags = flags;
  }

  /** Measures what is missing and writes the files. A disk that fills ends it with what was written before. */
  async measure(fingerprint: string): Promise<ExitCode> {
    using interrupt = new Interrupt();
    const progress = progressOf(this.#ledger.plan, process.stderr);
    const codes: ExitCode[] = [];
    try {
      const hooks = {
        entry: ARM_MODULE,
        seed: this.#flags.seed,
        signal: interrupt.signal,
        progress: progress.show,
        measured: (planned: PlannedCase) => this.#writeRows(planned),
      };
      await this.#prepareRoofs(fingerprint, interrupt.signal);
      await run(this.#ledger, hooks);
      progress.clear();
      await this.#reviewRoofs();
      this.#writeRows();
      this.#folder.finish(formatsOf(this.#flags));
    } catch (error) {
      codes.push(exitCodeOf(error));
      progress.clear();
      report(error, this.#flags.verbose ?? false);
    }
    progress.clear();
    if (interrupt.signal.aborted) codes.push(EXIT.interrupted);
    return gravest([...codes, ...this.#codesOfRows()]);
  }

  async #prepareRoofs(fingerprint: string, signal: AbortSignal): Promise<void> {
    if (!this.#flags.roof) return;
    const measuring = (place: string) => console.error(`measuring the roof of ${place}`);
    const options = { fingerprint, entry: ARM_MODULE, thorough: !this.#flags.quick, signal, measuring };
    this.roofs = new Roofs(this.#ledger.plan, this.#planned.probes, options);
    await this.roofs.prepare();
  }

  async #reviewRoofs(): Promise<void> {
    const rated = () => this.#ledger.rows.filter((row) => beatsRoof(this.#summary(row)?.roof_pct));
    const doubtful = (await this.roofs?.review(rated)) ?? [];
    for (const place of doubtful)
      console.error(
        `bench: rows beat the roof measured for ${place} by more than 2 %, so it is no roof; they are shown without a share of it`,
      );
  }

  #summary(row: Row): Summary | undefined {
    return summarize(this.#ledger, row, { seed: this.#flags.seed, rate: this.roofs?.rate });
  }

  /** The rows as they stand, of one case or of all, without those that the filter leaves out. */
  #rows(planned?: PlannedCase): Summary[] {
    const rows = this.#ledger.rows.filter((row) => planned === undefined || row.planned === planned);
    const summaries = rows.map((row) => this.#summary(row));
    return summaries
      .filter((row) => row !== undefined)
      .filter(({ extra, ...row }) => this.#planned.filter?.test({ ...extra, ...row }) ?? true);
  }

  #writeRows(planned?: PlannedCase): void {
    for (const row of this.#rows(planned)) this.#folder.summary(row);
  }

  #codesOfRows(): ExitCode[] {
    const rows = this.#rows();
    const codes: ExitCode[] = [];
    if (rows.some(({ status }) => status === 'failed' || status === 'wrong' || status === 'timeout')) codes.push(EXIT.failed);
    if (!rows.some(({ status }) => status === 'ok' || status === 'slow')) codes.push(EXIT.invalid);
    return codes;
  }

  /** The results to standard output, the rest to standard error. */
  tell(code: ExitCode): void {
    process.stdout.write(render(formatsOf(this.#flags)[0], this.#folder.results(), terminalStyle(process.stdout)));
    console.error(`results: ${this.#folder.dir}`);
    if (code === EXIT.interrupted)
      console.error(`interrupted: what was measured is kept; go on with the same command and --resume --out ${this.#folder.dir}`);
  }
}
