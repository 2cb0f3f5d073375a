// The run: forks, in each of them the cases, in each of them rounds over arms that live in processes of their own, never two at work at once.

import { seededRandom } from '../kernels/random.ts';
import type { Arm } from './arm.ts';
import { type Birth, Child } from './child.ts';
import { type Ledger, type Row, TIME } from './ledger.ts';
import { type Noise, NoiseMonitor } from './noise.ts';
import { balancedOrders } from './order.ts';
import { peerCaseOf } from './peer-exercise.ts';
import type { Entry, PlannedCase } from './plan.ts';
import { ArmFailure, type Calibrated, type CaseOrder, type Figure, type Opened } from './protocol.ts';
import type { ArmEvents } from './span.ts';

/** Nanoseconds that a sample should span, where its share allows: long against interrupts and scheduling. */
const SAMPLE_NS = 20e6;
/** Steps of the device's own clock that a sample should span, where it has one: its error is then below a per cent. */
const QUANTA = 100;
/** Samples that a share should hold at least, so that a median means something. */
const LEAST_SAMPLES = 5;
/** Rounds are repeated for contaminated ones until there were this many times the rounds that were wanted. */
const MOST_ROUNDS = 2;

/** Seconds that opening an arm may take at least: loading a library or a driver is no call. */
const OPENING_S = 60;

export interface RunHooks {
  /** The module that children run. */
  readonly entry: string;
  readonly seed: number;
  /** Where suites put what they write besides rows. */
  readonly folder?: string;
  /** Whether what children print to standard error is shown. */
  readonly verbose: boolean;
  /** Aborted to end after the sample in flight. */
  readonly signal: AbortSignal;
  /** Told what comes next, between samples only. */
  progress(fork: number, planned: PlannedCase, what: string): void;
  /** Where what arms record goes; absent where nobody wants a trace. */
  readonly trace?: (events: ArmEvents) => void;
  /** Called for each sample of an arm; what it returns is disposed of after it. For what the selftest does to one side. */
  readonly beside?: (arm: Arm) => Disposable | undefined;
  /** Told when a fork is done with a case: its rows are as complete as they are by now. */
  measured(planned: PlannedCase): void;
}

/** An arm whose process holds the case: made, called once and checked. */
interface Held {
  readonly row: Row;
  readonly child: Child;
  readonly opened: Opened;
  readonly place: { readonly fork: number; readonly round: number; readonly slot: number };
}

/** An arm that is ready for rounds. */
interface Runner {
  readonly row: Row;
  readonly child: Child;
  readonly calibrated: Calibrated;
}

/** Measures all that the ledger's plan lacks. Returns when it is done or the signal was given; failures of arms are rows, not errors. */
export async function run(ledger: Ledger, hooks: RunHooks): Promise<void> {
  const { plan } = ledger;
  for (let fork = 0; fork < plan.forks; fork++) {
    await using session = new Fork(ledger, hooks, fork);
    for (const planned of plan.cases) {
      for (const group of planned.groups) {
        if (hooks.signal.aborted) return;
        // What is done once is done in the first fork.
        if (fork > 0 && planned.case.once) continue;
        await session.measure(planned, group);
      }
      hooks.measured(planned);
    }
  }
}

/** What a kernel is given: what the plan says, or what an earlier run has begun the row with, whatever tables have learnt since. */
function tunedOf({ entry, recorded }: Row): Pick<CaseOrder, 'tunables' | 'fallbacks'> {
  if (recorded?.tunables !== undefined && entry.tunables !== undefined) return { tunables: JSON.parse(recorded.tunables) };
  return { tunables: entry.tunables, fallbacks: entry.fallbacks };
}

/** One fork: a fresh process for every arm, kept over the cases. */
export class Fork implements AsyncDisposable {
  #ledger: Ledger;
  #hooks: RunHooks;
  #fork: number;
  #monitor = new NoiseMonitor();
  #children = new Map<string, { child: Child; opened: Opened }>();

  constructor(ledger: Ledger, hooks: RunHooks, fork: number) {
    this.#ledger = ledger;
    this.#hooks = hooks;
    this.#fork = fork;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#children.values()].map(({ child }) => child.close()));
  }

  /** Seconds that one question may take: samples and warm-up come on top of what the user allows for a call. */
  get #patience(): number {
    return this.#ledger.plan.timeout + 2 * this.#ledger.plan.seconds;
  }

  /** Measures a group of entries of a case: makes them ready, runs their rounds, releases them. */
  async measure(planned: PlannedCase, group: readonly Entry[]): Promise<void> {
    const rows = group.map((entry) => this.#ledger.row(planned, entry));
    const missing = rows.filter((row) => !this.#ledger.isDone(row, this.#fork));
    if (missing.length === 0) return;
    // The group's reference, which stands first, is measured again beside what is missing: pairs are of the same rounds.
    const paired = this.#ledger.plan.baseline !== undefined || planned.groups.length > 1;
    const due = rows.filter((row, i) => missing.includes(row) || (paired && i === 0));
    const first = this.#ledger.nextRound(planned, this.#fork);
    const runners = await this.#makeReady(due, first);
    const kept = await this.#rounds(planned, runners, first);
    for (const { row, child, calibrated } of runners) {
      await this.#guard(row, child, () => child.ask('release', {}, this.#patience));
      // Slow ones have no rounds to lose: what was seen of them is all there will be.
      const isWhole = !this.#hooks.signal.aborted || calibrated.slow;
      if (isWhole && !row.failure) this.#ledger.done(row, { fork: this.#fork, round: first, slot: 0 }, kept);
    }
  }

  async #makeReady(rows: readonly Row[], round: number): Promise<Runner[]> {
    const shareNs = (this.#ledger.plan.seconds / rows.length) * 1e9;
    // The two sides of a gate start and prepare at once: nothing of that is timed for the verdict, and it is a third of what a pair takes. What is done only once
    // is timed then.
    const sides = rows.every(({ entry, planned }) => entry.arm.revision && !planned.case.once);
    const early = sides ? await Promise.all(rows.map((row, slot) => this.#hold(row, { fork: this.#fork, round, slot }))) : undefined;
    const runners: Runner[] = [];
    for (const [slot, row] of rows.entries()) {
      const held = early ? early[slot] : await this.#hold(row, { fork: this.#fork, round, slot });
      const runner = held && (await this.#warmUp(held, shareNs));
      if (runner) runners.push(runner);
    }
    return runners;
  }

  /** Has the arm's process make the case ready and check it. */
  async #hold(row: Row, place: Held['place']): Promise<Held | undefined> {
    const { entry, planned } = row;
    if (this.#hooks.signal.aborted || row.failure) return undefined;
    this.#hooks.progress(this.#fork, planned, `${entry.arm.name}: preparing`);
    const found = await this.#guard(row, undefined, () => this.#childOf(entry.arm));
    if (!found) return undefined;
    const { child, opened } = found;
    return this.#guard(row, child, async () => {
      const { name, problem, constants, readback = false, once } = planned.case;
      const asked = entry.arm.kind === 'peer' ? peerCaseOf(planned.case) : undefined;
      // Every fork checks results; of the many short ones of a gate the first checks all elements, the others edges and a seeded sample.
      const sampled = entry.arm.revision !== undefined && this.#fork > 0;
      const order = { name, problem, constants, asked, readback, sampled, ...tunedOf(row), seed: this.#hooks.seed };
      const patience = Math.max(this.#patience, once?.timeout ?? 0);
      const prepared = await child.ask('prepare', { case: order }, patience);
      this.#ledger.ready(row, { opened, prepared }, place);
      if (prepared.warning !== undefined) row.warnings.add(prepared.warning);
      return { row, child, opened, place };
    });
  }

  /** Warms the arm up until it is steady, and lets it rest. */
  async #warmUp({ row, child, opened, place }: Held, shareNs: number): Promise<Runner | undefined> {
    if (this.#hooks.signal.aborted) return undefined;
    return this.#guard(row, child, async () => {
      const sampleNs = Math.max(Math.min(SAMPLE_NS, shareNs / LEAST_SAMPLES), QUANTA * (opened.limits.timestampQuantumNs ?? 0));
      const calibrated = await child.ask('calibrate', { shareNs, sampleNs }, this.#patience);
      await this.#trace(row, child);
      if (!calibrated.steady) row.warnings.add('still warming up when sampling began');
      row.slow = calibrated.slow && !row.planned.case.once;
      const { slow, callNs, iterations, figures = [] } = calibrated;
      if (slow) this.#ledger.figures(row, place, [{ metric: TIME, unit: 'ns', value: callNs }, ...figures], iterations);
      this.#monitor.park(child);
      return { row, child, calibrated };
    });
  }

  async #childOf(arm: Arm): Promise<{ child: Child; opened: Opened }> {
    const { suiteSource, request } = this.#ledger.plan;
    const { entry, verbose, folder } = this.#hooks;
    const timeout = Math.max(OPENING_S, this.#patience);
    const birth: Birth = {
      entry,
      suite: suiteSource,
      request: { ...request, folder },
      timeout,
      traced: this.#hooks.trace !== undefined,
      verbose,
    };
    const key = arm.revision?.side ?? arm.name;
    const known = this.#children.get(key);
    if (known?.child.alive && known.child.arm === arm) return known;
    const born = known?.child.alive ? { child: known.child, opened: await known.child.serve(arm, birth) } : await Child.open(arm, birth);
    this.#children.set(key, born);
    return born;
  }

  /** Rounds over the arms that are not slow, as many as the case's seconds hold. Returns how many were clean. */
  async #rounds(planned: PlannedCase, runners: readonly Runner[], first: number): Promise<number> {
    let active = runners.filter(({ calibrated }) => !calibrated.slow);
    const roundNs = active.reduce((sum, { calibrated }) => sum + calibrated.callNs * calibrated.iterations, 0);
    const wanted = Math.max(1, Math.floor((this.#ledger.plan.seconds * 1e9) / roundNs));
    // A seed for each fork and case: the order of one does not depend on how many rounds another took.
    const place = this.#fork * this.#ledger.plan.cases.length + this.#ledger.plan.cases.indexOf(planned);
    const orders = balancedOrders(active, seededRandom(this.#hooks.seed + Math.imul(place, 0x9e3779b1)));
    this.#monitor.watch(active.map(({ child }) => child));
    let clean = 0;
    for (let tried = 0; clean < wanted && tried < wanted * MOST_ROUNDS && active.length > 0; tried++) {
      if (this.#hooks.signal.aborted) break;
      const order = orders.next().value.filter((runner) => active.includes(runner));
      const noise = await this.#round(order, first + tried, `round ${clean + 1} of ${wanted}`);
      if (!noise.contamination) clean++;
      const left = active.filter(({ row }) => !row.failure);
      if (left.length < active.length) this.#monitor.watch(left.map(({ child }) => child));
      active = left;
    }
    return clean;
  }

  /** One round: every arm takes one sample while the others rest. */
  async #round(order: readonly Runner[], round: number, title: string): Promise<Noise> {
    const taken: { runner: Runner; slot: number; figures: Figure[] }[] = [];
    const unrest: (string | undefined)[] = [];
    for (const [slot, runner] of order.entries()) {
      if (this.#hooks.signal.aborted) break;
      const { row, child, calibrated } = runner;
      this.#hooks.progress(this.#fork, row.planned, `${title}: ${row.entry.arm.name}`);
      unrest.push(this.#monitor.wake(child));
      const figures = await this.#guard(row, child, async () => {
        using _ = this.#hooks.beside?.(row.entry.arm);
        const taken = await child.ask('sample', { iterations: calibrated.iterations }, this.#patience);
        await this.#trace(row, child);
        return taken;
      });
      if (figures) taken.push({ runner, slot, figures });
      if (child.alive) this.#monitor.park(child);
    }
    for (const { child } of order) {
      unrest.push(this.#monitor.wake(child));
      if (child.alive) this.#monitor.park(child);
    }
    const noise = this.#monitor.round(unrest.filter((complaint) => complaint !== undefined));
    for (const { runner, slot, figures } of taken)
      this.#ledger.figures(runner.row, { fork: this.#fork, round, slot }, figures, runner.calibrated.iterations, noise);
    return noise;
  }

  /** Has an arm hand over what it has recorded, where a trace is wanted. */
  async #trace({ entry }: Row, child: Child): Promise<void> {
    if (!this.#hooks.trace) return;
    const events = await child.ask('trace', {}, this.#patience);
    this.#hooks.trace({ ...events, arm: entry.arm.name, pid: child.pid, fork: this.#fork });
  }

  /** Runs a step of an arm; its failure becomes the row's, and its process is ended, so that the next case gets a fresh one. */
  async #guard<T>(row: Row, child: Child | undefined, step: () => Promise<T>): Promise<T | undefined> {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof ArmFailure)) throw error;
      if (child) this.#monitor.wake(child);
      // After an interruption a process may be gone because we ended it: that is no failure of the arm.
      if (this.#hooks.signal.aborted) return undefined;
      this.#ledger.failed(row, error);
      if (error.status !== 'skipped') child?.kill();
      return undefined;
    }
  }
}
