// A session is one suite being measured into one folder: the roofs first, then the run, and rows written as they are completed.
//
// Whatever ends it, Ctrl-C or a full disk, what was measured before is in the files.

import type { FolderSink } from '../../reports/folder.ts';
import { render } from '../../reports/formats.ts';
import type { RunDocument } from '../../reports/schema.ts';
import { terminalStyle } from '../../reports/table.ts';
import { Ledger, type Row } from '../ledger.ts';
import type { PlannedCase } from '../plan.ts';
import type { Failure } from '../protocol.ts';
import type { Summary } from '../record.ts';
import { beatsRoof, Roofs } from '../roofs.ts';
import { run } from '../run.ts';
import { isMeasured, summarize } from '../summary.ts';
import { verdictOf } from '../verdict.ts';
import { EXIT, type ExitCode, exitCodeOf, gravest, report } from './exit.ts';
import { tellGitHub } from './github.ts';
import { Interrupt } from './interrupt.ts';
import { ARM_MODULE } from './places.ts';
import { type Progress, progressOf } from './progress.ts';
import type { RunFlags } from './run-options.ts';
import { formatsOf, type Planned } from './run-plan.ts';
import type { TraceFile } from './trace-file.ts';

export class Session {
  #document: RunDocument;
  #planned: Planned;
  #folder: FolderSink;
  #flags: RunFlags;
  #ledger: Ledger;
  #trace?: TraceFile;
  /** Absent where the user does not want any, and before they are looked for. */
  #roofs?: Roofs;
  #summaries = new Map<Row, { samples: number; failure?: Failure; summary?: Summary }>();

  /** Writes the document and takes over what the folder holds of an earlier run. */
  constructor(document: RunDocument, planned: Planned, folder: FolderSink, flags: RunFlags, trace?: TraceFile) {
    this.#document = document;
    this.#planned = planned;
    this.#folder = folder;
    this.#flags = flags;
    this.#trace = trace;
    const sink = {
      sample: (sample: Parameters<FolderSink['sample']>[0]) => {
        folder.sample(sample);
        trace?.recorder.sample(sample);
      },
      summary: folder.summary,
    };
    this.#ledger = new Ledger(document.run_id, planned.plan, sink);
    if (flags.resume) this.#ledger.restore(folder.earlier.samples, folder.earlier.summaries);
    folder.run(document);
  }

  /** Measures what is missing, writes the files, and tells the results. */
  async measure(): Promise<ExitCode> {
    using interrupt = new Interrupt();
    const progress = progressOf(this.#ledger.plan, process.stderr);
    const codes: ExitCode[] = [];
    try {
      await this.#measureAll(interrupt.signal, progress);
      this.#finish(interrupt.signal.aborted);
    } catch (error) {
      progress.clear();
      report(error, this.#flags.verbose ?? false);
      codes.push(exitCodeOf(error));
    }
    if (interrupt.signal.aborted) codes.push(EXIT.interrupted);
    const code = gravest([...codes, ...this.#codesOfRows()]);
    this.#tell(code);
    this.#folder.close();
    return code;
  }

  async #measureAll(signal: AbortSignal, progress: Progress): Promise<void> {
    const { seed, verbose = false } = this.#flags;
    await this.#prepareRoofs(signal);
    const measured = (planned: PlannedCase) => this.#writeRows(planned);
    const trace = this.#trace?.recorder.arm;
    await run(this.#ledger, {
      entry: ARM_MODULE,
      seed,
      folder: this.#folder.dir,
      verbose,
      signal,
      progress: progress.show,
      measured,
      trace,
    });
    progress.clear();
    await this.#reviewRoofs();
  }

  /** Writes all that is known at the end. */
  #finish(interrupted: boolean): void {
    this.#writeRows();
    this.#judge();
    const ended_utc = interrupted ? undefined : new Date().toISOString();
    this.#folder.run({ ...this.#document, roofs: this.#roofs?.known(), ended_utc });
    this.#folder.finish(formatsOf(this.#flags));
    this.#trace?.write();
  }

  /** Has the suite say what its rows mean. */
  #judge(): void {
    const { suite, request } = this.#ledger.plan;
    const { lines, failure } = verdictOf(suite, this.#rows(), request);
    this.#folder.verdict(lines);
    if (!failure) return;
    console.error(`bench: the suite ${suite.name} has no verdict: ${failure.message}; the rows are kept`);
    if (this.#flags.verbose) console.error(failure.stack);
  }

  async #prepareRoofs(signal: AbortSignal): Promise<void> {
    if (!this.#flags.roof) return;
    const measuring = (place: string) => console.error(`measuring the roof of ${place}`);
    const { fingerprint } = this.#document.environment;
    const options = { fingerprint, entry: ARM_MODULE, thorough: !this.#flags.quick, signal, measuring };
    this.#roofs = new Roofs(this.#ledger.plan, this.#planned.probes, options);
    await this.#roofs.prepare();
  }

  async #reviewRoofs(): Promise<void> {
    const beaten = () => {
      this.#summaries.clear();
      return this.#ledger.rows.filter((row) => beatsRoof(this.#summary(row)?.roof_pct));
    };
    const doubtful = (await this.#roofs?.review(beaten)) ?? [];
    if (doubtful.length > 0) this.#summaries.clear();
    for (const place of doubtful)
      console.error(
        `bench: rows beat the roof measured for ${place} by more than 2 %, so it is no roof; they are shown without a share of it`,
      );
  }

  /** A row's summary; intervals take a while, so it is computed again only when the row has changed. */
  #summary(row: Row): Summary | undefined {
    const known = this.#summaries.get(row);
    if (known && known.samples === row.samples.length && known.failure === row.failure) return known.summary;
    const summary = summarize(this.#ledger, row, { seed: this.#flags.seed, rate: this.#roofs?.rate });
    this.#summaries.set(row, { samples: row.samples.length, failure: row.failure, summary });
    return summary;
  }

  /** The rows as they stand, of one case or of all, without those that the filter leaves out. */
  #rows(planned?: PlannedCase): Summary[] {
    const { filter } = this.#planned;
    return this.#ledger.rows
      .filter((row) => planned === undefined || row.planned === planned)
      .map((row) => this.#summary(row))
      .filter((row) => row !== undefined)
      .filter(({ extra, ...row }) => filter?.test({ ...extra, ...row }) ?? filter === undefined);
  }

  #writeRows(planned?: PlannedCase): void {
    for (const row of this.#rows(planned)) this.#folder.summary(row);
  }

  #codesOfRows(): ExitCode[] {
    const statuses = new Set(this.#rows().map(({ status }) => status));
    const codes: ExitCode[] = [];
    if (statuses.has('failed') || statuses.has('wrong') || statuses.has('timeout')) codes.push(EXIT.failed);
    if (![...statuses].some(isMeasured)) codes.push(EXIT.invalid);
    return codes;
  }

  /** The results to standard output, what else there is to say to standard error. */
  #tell(code: ExitCode): void {
    process.stdout.write(render(formatsOf(this.#flags)[0], this.#folder.results(), terminalStyle(process.stdout)));
    console.error(`results: ${this.#folder.dir}`);
    tellGitHub(formatsOf(this.#flags), this.#folder.results());
    if (code === EXIT.interrupted)
      console.error(`interrupted: what was measured is kept; go on with the same command and --resume --out ${this.#folder.dir}`);
  }
}
