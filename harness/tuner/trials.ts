// Trials measure configurations one after another: compiled several at once, then each proven, warmed up, raced beside the leaders, and written to its
// journal before the next is begun.

import type { AnyKernel, Tunables } from '../../kernels/kernel.ts';
import { seededRandom } from '../../kernels/random.ts';
import { ArmFailure, type Failure } from '../protocol.ts';
import { median } from '../statistics.ts';
import { configurationKey, type Journal, secondsOf } from './journal.ts';
import { type Contender, calm, contender, driftOf, isLive, RACE, type RaceRules, race } from './race.ts';
import { type Entry, resultOf } from './result.ts';
import type { Runner } from './runner.ts';
import type { Compiled, Proven } from './stage.ts';
import type { T4Result } from './t4.ts';

export interface Configuration {
  readonly kernel: AnyKernel;
  readonly tunables: Tunables;
}

export interface Measured extends Configuration {
  readonly id: string;
  /** Of a call; undefined of one that failed. */
  readonly seconds?: number;
  readonly result: T4Result;
  /** False where an earlier run or an earlier question has measured it. */
  readonly fresh: boolean;
}

export interface TrialOptions {
  readonly seed: number;
  /** Nanoseconds that a sample spans at least. */
  readonly sampleNs: number;
  readonly rounds?: number;
  readonly signal: AbortSignal;
  /** Told before a configuration is begun, never while a sample is taken. */
  progress(what: string): void;
}

/** Beyond this a call is a sample of its own, and long enough to be one of few. */
const LONG_NS = 50e6;
const LONG_ROUNDS = 3;
/**
 * Leaders that are slower than usual by more than this were disturbed: the race is run again, so many times at most. Where they are faster by more, their own
 * figures were disturbed.
 */
const CALM = 1.08;
const ATTEMPTS = 4;
/** The best takes so many times as long as it does on a machine where nothing can be given up for its time. */
const DISTURBED = 1.5;

export const idOf = ({ kernel, tunables }: Configuration): string => `${kernel.name}(${configurationKey(tunables)})`;

export class Trials {
  /** All that is known, by id. */
  readonly known = new Map<string, Measured>();
  #runner: Runner;
  #journals: ReadonlyMap<AnyKernel, Journal>;
  #options: TrialOptions;
  #random: () => number;
  /** Who runs beside every newcomer: the default and the best, each with the calls that its samples span. */
  #leaders = new Map<string, number>();
  /** Races that the best has been in. */
  #confirmed = 0;
  /** Nanoseconds of leaders, one for each race that they ran in. */
  #seen = new Map<string, number[]>();
  /** Nanoseconds that went into journals. */
  journalNs = 0;

  constructor(runner: Runner, journals: ReadonlyMap<AnyKernel, Journal>, options: TrialOptions) {
    this.#runner = runner;
    this.#journals = journals;
    this.#options = options;
    this.#random = seededRandom(options.seed);
    for (const [kernel, journal] of journals)
      for (const { configuration } of journal.results) this.#recall(kernel, configuration as Tunables);
  }

  /** Takes what a journal says of a configuration for known. */
  #recall(kernel: AnyKernel, tunables: Tunables): Measured | undefined {
    const result = this.#journals.get(kernel)!.find(tunables);
    if (!result) return undefined;
    const measured = { kernel, tunables, id: idOf({ kernel, tunables }), seconds: secondsOf(result), result, fresh: false };
    this.known.set(measured.id, measured);
    return measured;
  }

  /** The fastest so far, of some kernel or of all. */
  best(kernel?: AnyKernel): Measured | undefined {
    let best: Measured | undefined;
    for (const one of this.known.values())
      if (
        one.seconds !== undefined &&
        (kernel === undefined || one.kernel === kernel) &&
        one.seconds < (best?.seconds ?? Number.POSITIVE_INFINITY)
      )
        best = one;
    return best;
  }

  /** Whether the best's time was seen in more than one race. */
  get isConfirmed(): boolean {
    return this.#confirmed > 1;
  }

  /** Configurations of a kernel that are known. */
  count(kernel: AnyKernel): number {
    let count = 0;
    for (const one of this.known.values()) if (one.kernel === kernel) count++;
    return count;
  }

  /** Measures what is not known yet. Ends early where the signal is given; what is missing then is absent. `searchNs` is what finding each has cost. */
  async measure(wanted: readonly Configuration[], searchNs = 0): Promise<Measured[]> {
    const measured = new Map<string, Measured>();
    const missing = new Map<string, Configuration>();
    for (const one of wanted) {
      const known = this.known.get(idOf(one));
      if (known) measured.set(known.id, { ...known, fresh: false });
      else missing.set(idOf(one), one);
    }
    if (missing.size > 0 && !this.#options.signal.aborted) {
      this.#options.progress(`compiling ${missing.size}`);
      const compiled = await this.#runner.compile(
        [...missing].map(([id, { kernel, tunables }]) => ({ id, kernel: kernel.name, tunables })),
      );
      for (const one of compiled) {
        if (this.#options.signal.aborted) break;
        const fresh = await this.#measureOne(missing.get(one.id)!, one, searchNs / missing.size);
        if (fresh) measured.set(fresh.id, fresh);
      }
    }
    return wanted.flatMap((one) => measured.get(idOf(one)) ?? []);
  }

  async #measureOne(configuration: Configuration, compiled: Compiled, searchNs: number): Promise<Measured | undefined> {
    const { id } = compiled;
    const { signal, progress } = this.#options;
    if (compiled.failure) return this.#enter(configuration, { compiled, searchNs, failure: compiled.failure, step: 'compile' });
    progress(id);
    const began = performance.now();
    const busyBefore = this.#busyNs;
    let proven: Proven | undefined;
    try {
      proven = await this.#runner.prove(id);
      const times = await this.#race(id);
      if (signal.aborted) return undefined;
      const benchmarkNs = (performance.now() - began) * 1e6 - proven.validationNs;
      const frameworkNs = (performance.now() - began) * 1e6 - (this.#busyNs - busyBefore);
      const measured = this.#enter(configuration, { compiled, proven, searchNs, benchmarkNs, frameworkNs, ...times });
      await this.#lead(measured);
      return measured;
    } catch (error) {
      if (!(error instanceof ArmFailure)) throw error;
      // After an interruption a process may be gone because we ended it: that is no failure of the candidate.
      if (signal.aborted) return undefined;
      return this.#enter(configuration, { compiled, proven, searchNs, failure: error, step: 'run' });
    }
  }

  get #busyNs(): number {
    const { start, compile, prove, time } = this.#runner.spent;
    return start + compile + prove + time;
  }

  /** Races a newcomer beside the leaders. Throws its failure. */
  async #race(id: string): Promise<Pick<Entry, 'times' | 'drift' | 'disturbed' | 'out'>> {
    const { sampleNs, signal } = this.#options;
    const bestNs = (this.best()?.seconds ?? Number.POSITIVE_INFINITY) * 1e9;
    const limitNs = RACE.firstLimit * bestNs;
    let { iterations, callNs } = await this.#runner.warm(id, sampleNs, limitNs);
    for (let again = 1; callNs > limitNs && again < ATTEMPTS && (await this.#isDisturbed()); again++)
      ({ iterations, callNs } = await this.#runner.warm(id, sampleNs, limitNs));
    // Warming up has shown what a sample would.
    if (callNs > limitNs) return { times: [callNs], drift: 1, out: 'first sample' };
    const rules: RaceRules = { ...RACE, rounds: callNs > LONG_NS ? LONG_ROUNDS : (this.#options.rounds ?? RACE.rounds) };
    for (let attempt = 1; ; attempt++) {
      const { newcomer, drift } = await this.#raceOnce(id, iterations, rules);
      if (drift <= CALM || attempt === ATTEMPTS || signal.aborted) {
        this.#confirmed++;
        // What slows the leaders down so much is no drift of a clock: it need not have hit the newcomer as much, and must not make it look fast.
        return { times: newcomer.times, drift: Math.min(drift, CALM), disturbed: drift > CALM, out: newcomer.out };
      }
    }
  }

  /** Whether the machine is slow just now: where a newcomer seems hopeless, the best says if it is the newcomer. */
  async #isDisturbed(): Promise<boolean> {
    const id = this.best()?.id;
    const calls = id === undefined ? undefined : this.#leaders.get(id);
    if (id === undefined || calls === undefined) return false;
    const [taken] = await this.#runner.time([{ id, iterations: calls }]);
    if (typeof taken === 'number') return taken > DISTURBED * this.known.get(id)!.seconds! * 1e9;
    this.disqualify(id, taken);
    return false;
  }

  async #raceOnce(id: string, iterations: number, rules: RaceRules): Promise<{ newcomer: Contender; drift: number }> {
    const { signal } = this.#options;
    const newcomer = contender(id);
    const calls = new Map([...this.#leaders, [id, iterations]]);
    const leaders = [...this.#leaders.keys()].filter((leader) => leader !== id).map(contender);
    const takeRound = (ids: readonly string[]) => this.#runner.time(ids.map((one) => ({ id: one, iterations: calls.get(one)! })));
    await race([newcomer], leaders, rules, { takeRound, random: this.#random, ends: () => signal.aborted });
    if (newcomer.failure) throw new ArmFailure(newcomer.failure.status, newcomer.failure.reason);
    for (const { failure, id: leader } of leaders) if (failure) this.disqualify(leader, failure);
    for (const one of leaders.filter(isLive)) this.#see(one);
    return {
      newcomer,
      drift: Math.max(
        1 / CALM,
        driftOf(leaders, (leader) => this.#usualNs(leader)),
      ),
    };
  }

  /**
   * What a leader takes: the median over its races, its own as a newcomer among them; the least until there are three, since what was measured first may have
   * been disturbed throughout.
   */
  #usualNs(id: string): number | undefined {
    const own = this.known.get(id)?.result.measurements.find(({ name }) => name === 'time')?.value;
    if (own === undefined) return undefined;
    const all = [own * 1e6, ...(this.#seen.get(id) ?? [])];
    return all.length < 3 ? Math.min(...all) : median(all);
  }

  /** A best that was best by luck is found out in the races that it leads: its time is then what it takes there. */
  #see({ id, times }: Contender): void {
    const known = this.known.get(id);
    if (known?.seconds === undefined || times.length === 0) return;
    this.#seen.set(id, [...(this.#seen.get(id) ?? []), calm(times)]);
    this.known.set(id, { ...known, seconds: this.#usualNs(id)! / 1e9 });
  }

  /** Keeps the default and the best on the stage; others leave it. */
  async #lead(measured: Measured): Promise<void> {
    const best = this.best()!;
    const [anchor] = this.#leaders.keys();
    if (best.id === measured.id) this.#confirmed = 1;
    const leaders = new Set([anchor ?? measured.id, best.id]);
    const leaving = [...this.#leaders.keys(), measured.id].filter((id) => !leaders.has(id));
    if (leaders.has(measured.id) && !this.#leaders.has(measured.id)) {
      const calls = Math.max(1, Math.ceil(this.#options.sampleNs / (measured.seconds! * 1e9)));
      this.#leaders.set(measured.id, calls);
    }
    for (const id of leaving) this.#leaders.delete(id);
    await this.#runner.drop(leaving);
    if (!this.#leaders.has(best.id)) await this.seat([best]);
  }

  /** Puts configurations that are known on the stage, for others to run beside. */
  async seat(configurations: readonly Configuration[]): Promise<void> {
    const known = configurations.map(idOf).filter((id) => this.known.get(id)?.seconds !== undefined && !this.#leaders.has(id));
    const orders = known.map((id) => this.known.get(id)!).map(({ id, kernel, tunables }) => ({ id, kernel: kernel.name, tunables }));
    if (orders.length === 0) return;
    for (const { id, failure } of await this.#runner.compile(orders)) {
      if (failure) this.disqualify(id, failure);
      else this.#leaders.set(id, (await this.#runner.warm(id, this.#options.sampleNs, Number.POSITIVE_INFINITY)).iterations);
    }
  }

  /** Enters the failure of a configuration that had been right: it can no longer win. */
  disqualify(id: string, failure: Failure): void {
    const { kernel, tunables } = this.known.get(id)!;
    this.#leaders.delete(id);
    this.#enter({ kernel, tunables }, { failure, step: 'run' });
  }

  /** Writes what a configuration came to. */
  #enter(configuration: Configuration, entry: Entry): Measured {
    const began = performance.now();
    const result = resultOf(configuration.tunables, entry);
    this.#journals.get(configuration.kernel)!.append(result);
    const measured = { ...configuration, id: idOf(configuration), seconds: secondsOf(result), result, fresh: true };
    this.known.set(measured.id, measured);
    this.journalNs += (performance.now() - began) * 1e6;
    return measured;
  }
}
