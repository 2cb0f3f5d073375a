// `bench ci`: two revisions checked out, measured in pairs of fresh processes, judged, and an exit code that is 1 for a confirmed regression and for nothing else.

import { cacheFolder } from '../../../framework/cache-folder.ts';
import { type FolderSink, folderSink } from '../../../reports/folder.ts';
import { type Format, render } from '../../../reports/formats.ts';
import type { Results, RunDocument } from '../../../reports/schema.ts';
import { terminalStyle } from '../../../reports/table.ts';
import type { Revision } from '../../comparison/document.ts';
import { TERMS, type Terms } from '../../comparison/estimate.ts';
import { benchmarkOf, gate, impedimentsOf } from '../../gate.ts';
import { Ledger } from '../../ledger.ts';
import { UsageError } from '../../suite.ts';
import { summarize } from '../../summary.ts';
import { beginDocument } from '../document.ts';
import { EXIT, type ExitCode, exitCodeOf, gravest, report } from '../exit.ts';
import { tellGitHub } from '../github.ts';
import { Interrupt } from '../interrupt.ts';
import { ARM_MODULE, newestFolder, newFolder } from '../places.ts';
import { progressOf } from '../progress.ts';
import { checkFormats } from '../run-plan.ts';
import { judgeFolder } from './analyze.ts';
import { type Checkout, type CheckoutOptions, checkOut, commitOf, isDirty, projectWithin, repositoryOf, treeAsItIs } from './checkout.ts';
import type { CiFlags } from './ci-options.ts';
import { type GateDocument, gateOf } from './document.ts';
import { codesOf } from './exit.ts';
import { type PlannedGate, planGate, type Sides } from './gate-plan.ts';

/** Runs the gate and returns the gravest code that applies. Throws a UsageError for what cannot be compared. */
export async function ci(flags: CiFlags, command: readonly string[]): Promise<ExitCode> {
  const repository = repositoryOf(process.cwd());
  checkFormats(flags.format);
  using interrupt = new Interrupt();
  const { signal } = interrupt;
  try {
    const options = { project: projectWithin(repository, process.cwd()), cache: cacheFolder(), signal };
    using base = await checkOut(repository, flags.base, { ...options, option: '--base' });
    using head = await checkOutHead(repository, flags.head, { ...options, option: '--head' });
    // Awaited here: the checkouts are removed when this block is left.
    return await compare({ base, head }, repository, flags, command, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    console.error('interrupted before anything was measured');
    return EXIT.interrupted;
  }
}

/** The head: a revision like the base, or `.` for the tree as it is. A name that leaves out changes of the tree is refused. */
async function checkOutHead(repository: string, ref: string, options: CheckoutOptions): Promise<Checkout> {
  if (ref === '.') return treeAsItIs(repository);
  const isHere = commitOf(repository, ref, '--head') === commitOf(repository, 'HEAD', '--head');
  if (!isHere)
    throw new UsageError(`--head: ${ref} is not what is checked out; its own harness must drive the comparison, so check it out first`);
  if (isDirty(repository))
    throw new UsageError(
      `the working tree has changes that ${ref} lacks; commit or stash them, or give --head . to measure the tree as it is`,
    );
  return checkOut(repository, ref, options);
}

const termsOf = (flags: CiFlags): Terms => ({ ...TERMS, margin: flags.margin });

async function compare(
  sides: Sides,
  repository: string,
  flags: CiFlags,
  command: readonly string[],
  signal: AbortSignal,
): Promise<ExitCode> {
  const planned = await planGate(flags, sides, repository);
  signal.throwIfAborted();
  const dir = flags.out ?? (flags.resume ? newestFolder('ci') : newFolder('ci', new Date()));
  const run = new GateRun(planned, sides, folderSink(dir, { resume: flags.resume }), flags, command);
  return run.measure(signal);
}

class GateRun {
  #ledger: Ledger;
  #folder: FolderSink;
  #flags: CiFlags;
  #document: RunDocument;
  #gate: GateDocument;
  /** Absent until all was measured. */
  #results?: Results;

  constructor({ plan, probes, warnings }: PlannedGate, sides: Sides, folder: FolderSink, flags: CiFlags, command: readonly string[]) {
    this.#folder = folder;
    this.#flags = flags;
    const started = beginDocument(folder, probes, { command, seed: flags.seed });
    const earlier = folder.earlier.run;
    const before = earlier && gateOf(earlier, `--resume: ${folder.dir}`);
    if (before) checkSameGate(before, sides, termsOf(flags));
    this.#gate = {
      base: revisionOf(sides.base),
      head: revisionOf(sides.head),
      terms: termsOf(flags),
      budget: flags.budget,
      benchmarks: plan.cases.map((one) => benchmarkOf(plan, one)),
      impediments: [],
      pair_seconds: before?.pair_seconds,
      warnings,
    };
    this.#document = { ...started, gate: this.#gate };
    this.#ledger = new Ledger(this.#document.run_id, plan, { sample: folder.sample, summary: folder.summary });
    if (flags.resume) this.#ledger.restore(folder.earlier.samples, folder.earlier.summaries);
    folder.run(this.#document);
  }

  async measure(signal: AbortSignal): Promise<ExitCode> {
    const { plan } = this.#ledger;
    const progress = progressOf({ ...plan, forks: Infinity }, process.stderr);
    const { seed, verbose = false, budget } = this.#flags;
    const codes: ExitCode[] = [];
    try {
      const hooks = { entry: ARM_MODULE, seed, verbose, signal, progress: progress.show, measured: () => undefined };
      const spent = await gate(this.#ledger, { terms: this.#gate.terms, budget }, hooks);
      progress.clear();
      const ended = spent.exhausted && !signal.aborted ? [`the budget of ${budget} s ended before everything was decided`] : [];
      const warnings = [...this.#gate.warnings, ...ended];
      this.#finish({ pair_seconds: spent.pairSeconds ?? this.#gate.pair_seconds, warnings }, signal.aborted);
    } catch (error) {
      progress.clear();
      report(error, verbose);
      codes.push(exitCodeOf(error));
    }
    if (signal.aborted) codes.push(EXIT.interrupted);
    return this.#tell(codes);
  }

  /** Both sides of every benchmark as rows of their own; intervals take a while, so only at the end. */
  #writeRows(): void {
    for (const { planned, entry } of this.#ledger.rows) {
      const summary = summarize(this.#ledger, this.#ledger.row(planned, entry), { seed: this.#flags.seed });
      if (summary) this.#folder.summary(summary);
    }
  }

  #finish(spent: Pick<GateDocument, 'pair_seconds' | 'warnings'>, interrupted: boolean): void {
    this.#writeRows();
    this.#gate = { ...this.#gate, ...spent, impediments: impedimentsOf(this.#ledger) };
    const ended_utc = interrupted ? undefined : new Date().toISOString();
    this.#document = { ...this.#document, gate: this.#gate, ended_utc };
    this.#folder.run(this.#document);
    this.#folder.close();
    this.#results = judgeFolder(this.#folder.dir, this.#flags.format as Format[]);
  }

  #tell(codes: readonly ExitCode[]): ExitCode {
    const formats = this.#flags.format as Format[];
    const results = this.#results;
    this.#folder.close();
    if (results) process.stdout.write(render(formats[0], results, terminalStyle(process.stdout)));
    console.error(`results: ${this.#folder.dir}`);
    if (results) tellGitHub(formats, results);
    const code = gravest([...codes, ...codesOf(results?.comparison?.rows ?? [], this.#flags)]);
    if (code === EXIT.interrupted)
      console.error(`interrupted: what was measured is kept; go on with the same command and --resume --out ${this.#folder.dir}`);
    return code;
  }
}

/** Throws a UsageError where a run that goes on would mix pairs of other revisions, or judge by other terms. */
function checkSameGate(before: GateDocument, sides: Sides, terms: Terms): void {
  for (const side of ['base', 'head'] as const)
    if (before[side].sha !== sides[side].sha)
      throw new UsageError(
        `--resume: the run began with ${side} ${before[side].ref} at ${before[side].sha?.slice(0, 12)}, which is now ${sides[side].sha?.slice(0, 12)}; start a new one`,
      );
  if (before.terms.margin !== terms.margin)
    throw new UsageError(`--resume: the run began with --margin ${before.terms.margin}, not ${terms.margin}; give the same`);
}

const revisionOf = ({ ref, sha, dirty }: Checkout): Revision => ({ ref, sha, dirty });
