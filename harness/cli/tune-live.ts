// `bench tune OP`: from flags to a plan, each of its problems tuned in turn into the journals and files of one folder, and from its end to an exit code.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AnyKernel } from '../../kernels/kernel.ts';
import type { TunedEntry } from '../../kernels/tuned/entry.ts';
import { EMPTY_TABLE } from '../../kernels/tuned/table.ts';
import { type FolderSink, folderSink } from '../../reports/folder.ts';
import { render } from '../../reports/formats.ts';
import type { RunDocument } from '../../reports/schema.ts';
import { terminalStyle } from '../../reports/table.ts';
import type { Arm } from '../arm.ts';
import { UsageError } from '../suite.ts';
import { Journal } from '../tuner/journal.ts';
import { LockError } from '../tuner/lock.ts';
import { caseName, entriesOf, samplesOf, summariesOf } from '../tuner/outcome.ts';
import { proofsBeside } from '../tuner/proofs.ts';
import type { RunnerOptions } from '../tuner/runner.ts';
import { strategyOf } from '../tuner/strategies/catalog.ts';
import type { Strategy } from '../tuner/strategy.ts';
import { storeEntries } from '../tuner/table-store.ts';
import { type Outcome, tune } from '../tuner/tune.ts';
import { beginDocument } from './document.ts';
import { EXIT, type ExitCode, exitCodeOf, gravest, report } from './exit.ts';
import { Interrupt } from './interrupt.ts';
import { ARM_MODULE, newestFolder, newFolder } from './places.ts';
import { type LineProgress, lineProgress } from './progress.ts';
import { formatsOf } from './run-plan.ts';
import type { TuneFlags } from './tune-options.ts';
import { journalName, type PlannedTuning, planTuning, type TunePlan } from './tune-plan.ts';
import { roofOf } from './tune-roof.ts';
import { tableOf } from './tuned-source.ts';

export async function tuneLive(target: string, flags: TuneFlags, command: readonly string[]): Promise<ExitCode> {
  strategyOf(flags.strategy);
  const plan = await planTuning(target, flags);
  return runTunings(plan, folderOf(plan, flags), flags, command);
}

/** Tunes what is planned into a folder. `silent` leaves the results out of standard output: they are not what was asked for. */
export async function runTunings(
  plan: TunePlan,
  dir: string,
  flags: TuneFlags,
  command: readonly string[],
  { silent = false }: { silent?: boolean } = {},
): Promise<ExitCode> {
  const folder = folderSink(dir, { resume: flags.resume });
  return new TuneSession(plan, folder, flags, strategyOf(flags.strategy), command, silent).run();
}

function folderOf({ target }: TunePlan, { out, resume }: TuneFlags): string {
  const name = `tune-${target.name}`;
  if (!resume) return out ?? newFolder(name, new Date());
  if (out !== undefined && !existsSync(join(out, 'run.json'))) throw new UsageError(`--resume: there is no tuning in ${out} to go on with`);
  return out ?? newestFolder(name);
}

/** What of the flags must be equal for a problem that is done to stay done. */
const effortOf = ({ budget, strategy, set, where, kernels, samples }: TuneFlags) => ({ budget, strategy, set, where, kernels, samples });

class TuneSession {
  #plan: TunePlan;
  #folder: FolderSink;
  #flags: TuneFlags;
  #strategy: Strategy;
  #document: RunDocument;
  /** The effort with which cases were finished, by case, in this run and those that it goes on with. */
  #done: Record<string, unknown>;
  #silent: boolean;
  #outcomes: Outcome[] = [];

  constructor(plan: TunePlan, folder: FolderSink, flags: TuneFlags, strategy: Strategy, command: readonly string[], silent: boolean) {
    this.#silent = silent;
    this.#plan = plan;
    this.#folder = folder;
    this.#flags = flags;
    this.#strategy = strategy;
    const started = beginDocument(folder, plan.probes, { command, seed: flags.seed });
    const earlier = folder.earlier.run;
    this.#done = { ...(earlier?.done as Record<string, unknown> | undefined) };
    this.#document = {
      ...started,
      plan: {
        cases: plan.tunings.map(({ name, problem, place, spaces }) => ({
          name,
          problem,
          place: place.name,
          kernels: [...spaces.keys()].map((kernel) => kernel.name),
        })),
      },
    };
    this.#write();
  }

  #write(ended_utc?: string): void {
    this.#folder.run({ ...this.#document, done: this.#done, ended_utc });
  }

  async run(): Promise<ExitCode> {
    using interrupt = new Interrupt();
    const progress = lineProgress(process.stderr);
    const codes: ExitCode[] = [];
    try {
      await this.#tuneAll(interrupt.signal, progress);
      progress.clear();
      this.#write(interrupt.signal.aborted ? undefined : new Date().toISOString());
      this.#folder.finish(formatsOf(this.#flags));
    } catch (error) {
      progress.clear();
      report(error, this.#flags.verbose ?? false);
      codes.push(error instanceof LockError ? EXIT.usage : exitCodeOf(error));
    }
    if (interrupt.signal.aborted) codes.push(EXIT.interrupted);
    if (this.#outcomes.some(({ decision, interrupted }) => !interrupted && (!decision?.base || !decision))) codes.push(EXIT.failed);
    const code = gravest(codes);
    // Refused before anything was measured: what the folder held before is not what was asked for.
    if (code !== EXIT.usage || this.#outcomes.length > 0) this.#tell(code);
    this.#folder.close();
    return code;
  }

  async #tuneAll(signal: AbortSignal, progress: LineProgress): Promise<void> {
    for (const [i, planned] of this.#plan.tunings.entries()) {
      if (signal.aborted) return;
      const title = `${i + 1}/${this.#plan.tunings.length} ${planned.name} on ${planned.place.name}`;
      const done = `${planned.name}@${planned.place.name}`;
      if (JSON.stringify(this.#done[done]) === JSON.stringify(effortOf(this.#flags))) continue;
      const outcome = await this.#tuneOne(planned, signal, (what) => progress.show(title, what));
      this.#outcomes.push(outcome);
      progress.clear();
      this.#keep(planned, outcome);
      if (outcome.decision) this.#done[done] = effortOf(this.#flags);
      this.#write();
    }
  }

  async #tuneOne(planned: PlannedTuning, signal: AbortSignal, progress: (what: string) => void): Promise<Outcome> {
    const { place, name, problem, constants, spaces } = planned;
    const { device, threads, traits } = place;
    const { seed, timeout, verbose = false, samples: rounds, budget, set = {} } = this.#flags;
    const roof = this.#flags.roof ? await this.#roofOf(planned, signal) : undefined;
    const table = this.#flags.warm ? tableOf({ tune: 'cache' }) : EMPTY_TABLE;
    using journals = new Journals(planned, this.#folder.dir, this.#flags.resume ?? false);
    const arm: Arm = { name: `tuner@${place.name}`, kind: 'kernel', device, threads, flags: 'tuned' };
    const order = { problem, proofs: proofsBeside(problem), constants, seed, module: this.#plan.target.own?.url };
    const features = [...traits.features].sort();
    const runner: RunnerOptions = { arm, entry: ARM_MODULE, order, patience: timeout, verbose, features };
    return await tune(
      { name, problem, constants, device, threads, traits, kernels: spaces, journals: journals.byKernel, roof, table },
      { runner, strategy: this.#strategy, strategyOptions: set, budget, seed, rounds, signal, progress },
    );
  }

  #roofOf({ place: { device, threads, traits, opened } }: PlannedTuning, signal: AbortSignal) {
    const place = { device, threads, traits, entry: ARM_MODULE, thorough: false, signal };
    const measuring = (name: string) => console.error(`measuring the roof of ${name}`);
    return roofOf(place, opened.adapter, this.#document.environment.fingerprint, measuring);
  }

  #keep({ place }: PlannedTuning, outcome: Outcome): void {
    const { run_id } = this.#document;
    const context = {
      run_id,
      suite: `tune-${this.#plan.target.name}`,
      seed: this.#flags.seed,
      adapter: place.opened.adapter,
      v8_flags: place.opened.v8Flags,
    };
    for (const sample of samplesOf(outcome, context)) this.#folder.sample(sample);
    for (const summary of summariesOf(outcome, context)) this.#folder.summary(summary);
    const entries = entriesOf(outcome, place.machine);
    if (entries.length > 0) this.#store(entries);
    console.error(told(outcome));
  }

  /** Into a table in the folder, to look at and to share, and into the user's own, which choices are made from. */
  #store(entries: readonly TunedEntry[]): void {
    storeEntries(entries, join(this.#folder.dir, 'tuned'));
    if (this.#flags.save) storeEntries(entries);
  }

  #tell(code: ExitCode): void {
    if (!this.#silent) process.stdout.write(render(formatsOf(this.#flags)[0], this.#folder.results(), terminalStyle(process.stdout)));
    console.error(`results: ${this.#folder.dir}`);
    if (code === EXIT.interrupted)
      console.error(`interrupted: what was measured is kept; go on with the same command and --resume --out ${this.#folder.dir}`);
  }
}

/** The journals of a problem's kernels, open together. */
class Journals implements Disposable {
  readonly byKernel = new Map<AnyKernel, Journal>();

  constructor(planned: PlannedTuning, dir: string, resume: boolean) {
    try {
      for (const [kernel, header] of planned.headers) {
        const journal = new Journal(join(dir, journalName(planned, kernel)), header, { resume });
        this.byKernel.set(kernel, journal);
        if (journal.cut !== undefined) console.error(`bench: ${journal.cut}`);
      }
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    for (const journal of this.byKernel.values()) journal[Symbol.dispose]();
  }
}

/** An outcome in a line: what was found, how sure that is, what it cost, and which rule ended each search. */
function told(outcome: Outcome): string {
  const { decision, searches, seconds, ownPct } = outcome;
  const evaluations = searches.reduce((sum, one) => sum + one.evaluations, 0);
  const failures = searches.reduce((sum, one) => sum + one.failures, 0);
  const cost = `${evaluations} evaluations${failures > 0 ? `, ${failures} of them failed` : ''}, ${seconds.toFixed(1)} s, ${ownPct.toFixed(1)} % of it the tuner's own`;
  if (!decision) return `${caseName(outcome)}: ${outcome.interrupted ? 'interrupted' : 'nothing was right'}; ${cost}`;
  const { winner, ratio, base } = decision;
  const knobs = Object.entries(winner.tunables).map(([knob, value]) => `${knob}=${value}`);
  const interval = ratio?.low === undefined ? '' : ` (${ratio.low.toFixed(3)} to ${ratio.high!.toFixed(3)})`;
  const gain = !base
    ? 'the default failed'
    : winner.id === base.id
      ? 'the default stays'
      : `${ratio!.ratio.toFixed(3)}${interval} times the default`;
  const endings = searches
    .filter(({ ending }) => ending !== 'chosen by its default')
    .map(({ kernel, ending }) => `${kernel.name}: ${ending}`);
  return `${caseName(outcome)}: ${[winner.kernel.name, ...knobs].join(' ')}: ${gain}; ${cost}; ended by ${endings.join(', ')}`;
}
