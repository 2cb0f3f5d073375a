// The gate: two revisions, benchmark by benchmark, in pairs of fresh processes, until each is decided or the budget ends.
//
// First stage: forks over all open benchmarks; at planned counts of pairs each is flagged, found equivalent, given up, or goes on. Second stage: fresh forks over the
// flagged ones only. What was measured says everything (harness/comparison): the loop keeps no state that the samples do not have.

import { seededRandom, shuffled } from '../kernels/random.ts';
import { confirmingPairs, isClearEarly } from './comparison/confirmation.ts';
import type { Terms } from './comparison/estimate.ts';
import { type Benchmark, benchmarkName, gather, type Impediment, type Measured, SECOND_STAGE, sideOf } from './comparison/evidence.ts';
import { LOOKS, MOST_PAIRS } from './comparison/looks.ts';
import { type Flagged, isFlagged, type Screened, screen } from './comparison/screening.ts';
import type { Evidence } from './comparison/verdict.ts';
import type { Ledger, Row } from './ledger.ts';
import type { Plan, PlannedCase } from './plan.ts';
import { Fork, type RunHooks } from './run.ts';
import { ABSENT } from './serve.ts';

export interface GateOptions {
  readonly terms: Terms;
  /** Seconds for both stages, from the start of the first. */
  readonly budget: number;
}

/** Share of the budget that is kept for the second stage while the first goes on. */
export const SECOND_SHARE = 0.2;

/** The benchmark that a planned case of a gate is: its two arms are the two sides. */
export function benchmarkOf(plan: Plan, planned: PlannedCase): Benchmark {
  return { suite: planned.suite ?? plan.suite.name, case: planned.case.name, arm: sideOf(planned.entries[0].arm.name)!.arm };
}

/** What stands in the way of judging a benchmark: an arm that failed, gave wrong numbers, or is not there. */
export function impedimentsOf(ledger: Ledger): Impediment[] {
  return ledger.plan.cases.flatMap((planned): Impediment[] => {
    const rows = planned.entries.map((entry) => ledger.row(planned, entry));
    const failed = rows.find(({ failure, entry }) => failure ?? entry.refusal);
    return failed ? [{ ...benchmarkOf(ledger.plan, planned), ...impedimentOf(failed) }] : [];
  });
}

function impedimentOf({ failure, entry }: Row): Pick<Impediment, 'code' | 'detail'> {
  const { side } = sideOf(entry.arm.name)!;
  const reason = failure?.reason ?? entry.refusal!;
  if (reason.startsWith(ABSENT))
    return side === 'base'
      ? { code: 'head-only', detail: 'the base does not have it' }
      : { code: 'base-only', detail: 'the head does not have it' };
  return { code: failure?.status === 'wrong' ? 'wrong' : 'failed', detail: `${side}: ${reason}` };
}

/** What the gate spent. */
export interface Spent {
  /** Mean seconds of a pair of processes for one benchmark, everything included; undefined where nothing was measured. */
  readonly pairSeconds?: number;
  /** Whether it ended because of the budget, with benchmarks undecided. */
  readonly exhausted: boolean;
}

/** Measures until all is decided, the budget is spent, or the signal is given. Resumes what the ledger has. */
export async function gate(ledger: Ledger, options: GateOptions, hooks: RunHooks): Promise<Spent> {
  const stages = new Stages(ledger, options, hooks);
  const first = await stages.first();
  const second = await stages.second();
  return { pairSeconds: stages.pairSeconds, exhausted: !(first && second) };
}

class Stages {
  #ledger: Ledger;
  #options: GateOptions;
  #hooks: RunHooks;
  #began = performance.now();
  /** Time and pairs of all passes so far. */
  #seconds = 0;
  #pairs = 0;

  constructor(ledger: Ledger, options: GateOptions, hooks: RunHooks) {
    this.#ledger = ledger;
    this.#options = options;
    this.#hooks = hooks;
  }

  /** Both stages tell whether they could do all that they had to. */
  async first(): Promise<boolean> {
    let open = this.#stillOpen(this.#ledger.plan.cases);
    for (let fork = 0; fork < MOST_PAIRS && open.length > 0; fork++) {
      if (this.#hooks.signal.aborted || !(await this.#pass(fork, open, 1 - SECOND_SHARE))) return false;
      // Between looks nothing is decided.
      const due = open.filter((planned) => LOOKS.includes(this.#evidence(planned).first.length) || this.#impeded(planned));
      const left = new Set(this.#stillOpen(due));
      open = open.filter((planned) => !due.includes(planned) || left.has(planned));
    }
    return true;
  }

  #stillOpen = (cases: readonly PlannedCase[]): PlannedCase[] =>
    [...this.#screened(cases)].flatMap(([one, { state }]) => (state === 'open' ? [one] : []));

  async second(): Promise<boolean> {
    const { terms } = this.#options;
    const flagged = [...this.#screened(this.#ledger.plan.cases)].filter((one): one is [PlannedCase, Flagged] => isFlagged(one[1]));
    const wanted = new Map(flagged.map(([planned, { at }]) => [planned, confirmingPairs(at, terms, flagged.length)]));
    for (let pair = 0; pair < MOST_PAIRS && !this.#hooks.signal.aborted; pair++) {
      for (const [planned, { state }] of flagged)
        if (isClearEarly(this.#evidence(planned).second, state, flagged.length, terms)) wanted.delete(planned);
      const lacking = [...wanted.keys()].filter((planned) => pair < wanted.get(planned)! && !this.#impeded(planned));
      if (lacking.length === 0) return true;
      if (!(await this.#pass(SECOND_STAGE + pair, lacking, 1))) return false;
    }
    return !this.#hooks.signal.aborted;
  }

  /** One fork over the benchmarks, in an order of its own. False where it would not end within that share of the budget. */
  async #pass(fork: number, open: readonly PlannedCase[], share: number): Promise<boolean> {
    const left = this.#options.budget * share - (performance.now() - this.#began) / 1e3;
    if (left < open.length * (this.pairSeconds ?? 0)) return false;
    const lacking = open.filter((planned) => planned.entries.some((entry) => !this.#ledger.isDone(this.#ledger.row(planned, entry), fork)));
    // A run that goes on finds passes that it has made before.
    if (lacking.length === 0) return true;
    const began = performance.now();
    const random = seededRandom(this.#hooks.seed + Math.imul(fork + 1, 0x85ebca6b));
    {
      await using session = new Fork(this.#ledger, this.#hooks, fork);
      for (const planned of shuffled(open, random)) {
        if (this.#hooks.signal.aborted) break;
        await session.measure(planned, shuffled(planned.entries, random));
      }
    }
    this.#seconds += (performance.now() - began) / 1e3;
    this.#pairs += lacking.length;
    return true;
  }

  get pairSeconds(): number | undefined {
    return this.#pairs === 0 ? undefined : this.#seconds / this.#pairs;
  }

  #impeded(planned: PlannedCase): boolean {
    return planned.entries.some((entry) => (this.#ledger.row(planned, entry).failure ?? entry.refusal) !== undefined);
  }

  /** Where each benchmark stands after the first stage so far. */
  #screened(cases: readonly PlannedCase[]): Map<PlannedCase, Screened> {
    const { plan } = this.#ledger;
    const { terms } = this.#options;
    const found = new Map<PlannedCase, Screened>();
    for (const planned of cases) {
      if (this.#impeded(planned)) continue;
      found.set(planned, screen(this.#evidence(planned).first, terms, this.#hooks.seed + plan.cases.indexOf(planned)));
    }
    return found;
  }

  #evidence(planned: PlannedCase): Evidence {
    const samples = planned.entries.flatMap((entry) => this.#ledger.row(planned, entry).samples);
    return gather([benchmarkOf(this.#ledger.plan, planned)], samples, [])[0].evidence;
  }
}

/** All that a gate has measured, in the order of its plan; what verdicts are computed from. */
export function measuredBy(ledger: Ledger, pairSeconds?: number): Measured[] {
  const benchmarks = ledger.plan.cases.map((planned) => benchmarkOf(ledger.plan, planned));
  const samples = ledger.rows.flatMap((row) => row.samples);
  return gather(benchmarks, samples, impedimentsOf(ledger), pairSeconds);
}

/** Names must be unique over all suites of a gate, or their samples would mix. */
export const repeatedBenchmark = (plan: Plan): string | undefined => {
  const names = plan.cases.map((planned) => benchmarkName(benchmarkOf(plan, planned)));
  return names.find((name, i) => names.indexOf(name) !== i);
};
