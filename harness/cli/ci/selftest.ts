// `bench selftest`: what to expect of `bench ci` on this machine. Runs of the gate suite with both sides alike, with a slowdown of known size, and beside a CPU hog that
// favours one side; then one table of what was asked beside what was measured.

import { terminalStyle } from '../../../reports/table.ts';
import type { Arm } from '../../arm.ts';
import { TERMS, type Terms } from '../../comparison/estimate.ts';
import { sideOf } from '../../comparison/evidence.ts';
import { lookAround } from '../../environment.ts';
import { benchmarkOf, gate, measuredBy } from '../../gate.ts';
import { Ledger } from '../../ledger.ts';
import type { Entry, Plan, PlannedCase } from '../../plan.ts';
import { type Finding, findingsOf } from '../../selftest/findings.ts';
import { Hog } from '../../selftest/hog.ts';
import { measureOverhead } from '../../selftest/overhead.ts';
import {
  type Recording,
  SELFTEST_VERSION,
  type SelftestHeader,
  type Trial,
  type TrialKind,
  together,
  trialRows,
} from '../../selftest/recording.ts';
import { columns } from '../columns.ts';
import { EXIT, type ExitCode, exitCodeOf, gravest, report } from '../exit.ts';
import { Interrupt } from '../interrupt.ts';
import { ARM_MODULE, newestFolder, newFolder } from '../places.ts';
import { lineProgress } from '../progress.ts';
import type { Checkout } from './checkout.ts';
import { planGate } from './gate-plan.ts';
import { openSelftest, readSelftest, type SelftestFolder } from './selftest-folder.ts';
import type { SelftestFlags } from './selftest-options.ts';

/** 1 extra call in 20. */
const EXTRA_CALLS = 0.05;
/** Benchmarks of a run with a slowdown or a hog: so many, spread over the suite. */
const SOME = 5;
/** Beside a hog nothing is decided, so such a run takes as long as it may. */
const HOGGED_BUDGET = 30;
/** Nanoseconds of the task that the overhead of measuring is told for. */
const TASK_NS = 10e3;

/** Measures what the recording lacks, prints the table; of a recording that was given only the table. 0 where all that was asked is met, 4 where something is not, 3 where a benchmark failed. */
export async function selftest(flags: SelftestFlags): Promise<ExitCode> {
  if (flags.from !== undefined) {
    const recording = together(flags.from.map(readSelftest));
    return tell(recording, findingsOf(recording));
  }
  const here: Checkout = { ref: '.', root: process.cwd(), [Symbol.dispose]: () => undefined };
  const { plan, probes } = await planGate({ ...flags, suites: ['gate'] }, { base: here, head: here }, here.root);
  const terms: Terms = { ...TERMS, margin: flags.margin };
  const { environment } = lookAround(probes);
  const header: SelftestHeader = {
    selftestVersion: SELFTEST_VERSION,
    started_utc: new Date().toISOString(),
    fingerprint: environment.fingerprint,
    cpu: environment.cpu,
    node: environment.node,
    revision: environment.git_revision,
    seed: flags.seed,
    terms,
    budget: flags.budget,
    benchmarks: plan.cases.map((one) => nameOf(plan, one)),
  };
  using folder = openSelftest(
    flags.out ?? (flags.resume ? newestFolder('selftest') : newFolder('selftest', new Date())),
    header,
    flags.resume,
  );
  // Awaited here: the folder is closed when this function is left.
  return await new Selftest(plan, folder, flags).run();
}

const nameOf = (plan: Plan, planned: PlannedCase): string => {
  const { case: name, arm } = benchmarkOf(plan, planned);
  return `${name} ${arm}`;
};

class Selftest {
  #plan: Plan;
  #folder: SelftestFolder;
  #flags: SelftestFlags;
  #progress = lineProgress(process.stderr);

  constructor(plan: Plan, folder: SelftestFolder, flags: SelftestFlags) {
    this.#plan = plan;
    this.#folder = folder;
    this.#flags = flags;
  }

  async run(): Promise<ExitCode> {
    using interrupt = new Interrupt();
    const codes: ExitCode[] = [];
    try {
      await this.#measure(interrupt.signal);
      const { recording, dir } = this.#folder;
      if (this.#lacking() > 0)
        console.error(`${this.#lacking()} runs are not made yet; go on with the same command and --resume --out ${dir}`);
      else {
        const findings = findingsOf(recording);
        this.#folder.finish(findings);
        codes.push(tell(recording, findings));
      }
    } catch (error) {
      this.#progress.clear();
      report(error, this.#flags.verbose ?? false);
      codes.push(exitCodeOf(error));
    }
    console.error(`results: ${this.#folder.dir}`);
    if (interrupt.signal.aborted) {
      codes.push(EXIT.interrupted);
      console.error(`interrupted: finished runs are kept; go on with the same command and --resume --out ${this.#folder.dir}`);
    }
    return gravest(codes);
  }

  /** The short kinds first, then clean runs for as long as is allowed. */
  async #measure(signal: AbortSignal): Promise<void> {
    const { suites, slowed, hogged, hours = Infinity } = this.#flags;
    const began = performance.now();
    if (!this.#folder.recording.overhead) this.#folder.addOverhead(await measureOverhead(TASK_NS));
    const wanted = { hogged, slowed, clean: suites } as const;
    for (const kind of ['hogged', 'slowed', 'clean'] as const)
      for (let trial = this.#done(kind); trial < wanted[kind]; trial++) {
        if (signal.aborted || performance.now() - began > hours * 3600e3) return;
        const measured = await this.#trial(kind, trial, wanted[kind], signal);
        // What was broken off is no run: a replicate is a whole one.
        if (!signal.aborted) this.#folder.add(measured);
      }
  }

  /** Runs that are still to be made. */
  #lacking(): number {
    const { suites, slowed, hogged } = this.#flags;
    return Object.entries({ hogged, slowed, clean: suites }).reduce(
      (sum, [kind, count]) => sum + Math.max(0, count - this.#done(kind as TrialKind)),
      0,
    );
  }

  #done = (kind: TrialKind): number => this.#folder.recording.trials.filter((trial) => trial.kind === kind).length;

  async #trial(kind: TrialKind, trial: number, of: number, signal: AbortSignal): Promise<Trial> {
    const { verbose = false, budget } = this.#flags;
    const { terms, seed: start } = this.#folder.recording.header;
    // Every run has an order and data of its own.
    const seed = (start + Math.imul(trial + 1, 0x9e3779b1) + { clean: 0, slowed: 1, hogged: 2 }[kind]) >>> 0;
    const plan = planOf(this.#plan, kind);
    const ledger = new Ledger(`${kind}-${trial}`, plan, { sample: () => undefined, summary: () => undefined });
    using hog = kind === 'hogged' ? new Hog(1) : undefined;
    const began = performance.now();
    const spent = await gate(
      ledger,
      { terms, budget: kind === 'hogged' ? Math.min(budget, HOGGED_BUDGET) : budget },
      {
        entry: ARM_MODULE,
        seed,
        verbose,
        signal,
        progress: (fork, planned, what) =>
          this.#progress.show(`${kind} run ${trial + 1}/${of}, fork ${fork + 1}`, `${planned.case.name} ${what}`),
        measured: () => undefined,
        beside: hog && ((arm) => (sideOf(arm.name)?.side === 'head' ? hog.run() : undefined)),
      },
    );
    this.#progress.clear();
    return {
      kind,
      trial,
      seed,
      seconds: Math.round((performance.now() - began) / 10) / 100,
      pairSeconds: spent.pairSeconds && Math.round(spent.pairSeconds * 1e4) / 1e4,
      exhausted: spent.exhausted,
      ...(kind === 'slowed' && { extraCalls: EXTRA_CALLS }),
      rows: trialRows(measuredBy(ledger)),
    };
  }
}

/** Prints what a recording says. 4 where something that was asked is not met, 3 where a benchmark failed. */
function tell({ trials }: Recording, findings: readonly Finding[]): ExitCode {
  const mark = (met?: boolean) => (met === undefined ? '' : met ? 'met' : 'NOT MET');
  const lines = findings.map(({ what, asked, measured, met }) => [what, asked, measured, mark(met)]);
  process.stdout.write(columns([['what', 'asked', 'measured', ''], ...lines], terminalStyle(process.stdout)));
  const broken = trials.flatMap(({ rows }) => rows.filter(({ invalid }) => invalid));
  for (const { name, invalid } of new Map(broken.map((row) => [row.name, row])).values())
    console.error(`bench: ${name}: ${invalid!.code}: ${invalid!.detail}`);
  return gravest([
    EXIT.passed,
    ...(findings.some(({ met }) => met === false) ? [EXIT.invalid] : []),
    ...(broken.length > 0 ? [EXIT.failed] : []),
  ]);
}

/** The plan of a kind of run: all benchmarks, or some of them, with heads that make extra calls. */
function planOf(plan: Plan, kind: TrialKind): Plan {
  if (kind === 'clean') return plan;
  const step = Math.max(1, Math.ceil(plan.cases.length / SOME));
  const some = plan.cases.filter((_, i) => i % step === 0);
  if (kind === 'hogged') return { ...plan, cases: some };
  const slowed = (arm: Arm): Arm => (sideOf(arm.name)?.side === 'head' ? { ...arm, extraCalls: EXTRA_CALLS } : arm);
  const cases = some.map((planned): PlannedCase => {
    const entries = planned.entries.map((entry): Entry => ({ ...entry, arm: slowed(entry.arm) }));
    return { ...planned, entries, groups: [entries] };
  });
  return { ...plan, cases };
}
