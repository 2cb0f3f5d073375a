// The runner is the parent's side of tuning: it has candidates compiled, proven and timed in a child process, and replaces the child that one of them has
// hung, crashed or may have damaged. Those that live on are compiled again in the new one.

import type { Arm } from '../arm.ts';
import { Child } from '../child.ts';
import { ArmFailure, type Failure, type Opened, type Verb, type Verbs } from '../protocol.ts';
import type { CandidateOrder, Compiled, Proven, SampleOrder, StageOrder, Warmed } from './stage.ts';

export interface RunnerOptions {
  readonly arm: Arm;
  /** The module that children run. */
  readonly entry: string;
  readonly order: StageOrder;
  /** Seconds that one step of a candidate may take before its process is killed. */
  readonly patience: number;
  readonly verbose: boolean;
  /** Features that the device must have when it is opened, sorted: those that spaces and journals are of. */
  readonly features: readonly string[];
}

/** Seconds that opening a device and writing the operands may take. */
const OPENING_S = 60;
/** What a device can do is probed by timing, which a busy machine may spoil: so often it is opened again until it says the same. */
const OPENINGS = 4;

/** Nanoseconds spent with what. */
export interface Spent {
  start: number;
  compile: number;
  prove: number;
  time: number;
}

export class Runner implements AsyncDisposable {
  #options: RunnerOptions;
  #child?: Child;
  #opened?: Opened;
  #live = new Map<string, CandidateOrder>();
  /** Nanoseconds of a call when it was warmed up, by id. */
  #callNs = new Map<string, number>();
  /** Where the time goes that is not the tuner's own. */
  readonly spent: Spent = { start: 0, compile: 0, prove: 0, time: 0 };

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Opens the child where there is none. Rejects with an ArmFailure where the device cannot be opened. */
  async open(): Promise<Opened> {
    if (this.#child?.alive) return this.#opened!;
    const began = performance.now();
    try {
      const { child, opened } = await this.#openAlike();
      this.#child = child;
      this.#opened = opened;
      await child.ask('stage', this.#options.order, OPENING_S);
      if (this.#live.size > 0) await child.ask('compile', { candidates: [...this.#live.values()] }, this.#options.patience);
    } finally {
      this.spent.start += (performance.now() - began) * 1e6;
    }
    return this.#opened;
  }

  async #openAlike(): Promise<{ child: Child; opened: Opened }> {
    const { arm, entry, verbose } = this.#options;
    const wanted = this.#options.features.join();
    for (let times = 1; ; times++) {
      const found = await Child.open(arm, { entry, timeout: OPENING_S, verbose });
      const features = [...found.opened.features].sort().join();
      if (features === wanted) return found;
      await found.child.close();
      if (times === OPENINGS)
        throw new ArmFailure(
          'failed',
          `the device has the features ${features} now, ${wanted} before; what it can do is timed, and something disturbed that: go on with --resume when the machine is quieter`,
        );
    }
  }

  async #ask<V extends Verb>(
    verb: V,
    ask: Verbs[V]['ask'],
    what: keyof Spent,
    patience = this.#options.patience,
  ): Promise<Verbs[V]['answer']> {
    await this.open();
    const began = performance.now();
    try {
      return await this.#child!.ask(verb, ask, patience);
    } finally {
      this.spent[what] += (performance.now() - began) * 1e6;
    }
  }

  /** Compiles candidates together. Where one of them takes the child along, each is tried by itself, so that only that one fails. */
  async compile(candidates: readonly CandidateOrder[]): Promise<Compiled[]> {
    const known = (found: Compiled[]) => {
      for (const { id, failure } of found) if (!failure) this.#live.set(id, candidates.find((one) => one.id === id)!);
      return found;
    };
    try {
      return known(await this.#ask('compile', { candidates }, 'compile'));
    } catch (error) {
      if (!(error instanceof ArmFailure)) throw error;
      this.#replace();
      if (candidates.length === 1) return [{ id: candidates[0].id, compileNs: 0, failure: { status: error.status, reason: error.reason } }];
      const found: Compiled[] = [];
      for (const one of candidates) found.push(...(await this.compile([one])));
      return found;
    }
  }

  /** Runs a candidate on all its proofs. Rejects with an ArmFailure; whatever it has damaged, its process is gone. */
  prove(id: string): Promise<Proven> {
    return this.#guard(id, () => this.#ask('prove', { id }, 'prove'));
  }

  async warm(id: string, sampleNs: number, limitNs: number): Promise<Warmed> {
    const warmed = await this.#guard(id, () => this.#ask('warm', { id, sampleNs, limitNs }, 'time'));
    this.#callNs.set(id, warmed.callNs);
    return warmed;
  }

  /**
   * Nanoseconds of a call of each, sampled in this order, or its failure. Where one of them takes the child along, each is tried by itself, so that only that one
   * fails. What the question took beside the work counts as the tuner's own.
   */
  async time(samples: readonly SampleOrder[]): Promise<(number | Failure)[]> {
    const before = this.spent.time;
    // Patience is for what hangs: samples of long calls take what they take.
    const expectedNs = samples.reduce((sum, { id, iterations }) => sum + iterations * (this.#callNs.get(id) ?? 0), 0);
    try {
      const { ns, spentNs } = await this.#ask('time', { samples }, 'time', this.#options.patience + expectedNs / 1e9);
      this.spent.time = before + spentNs;
      return [...ns];
    } catch (error) {
      if (!(error instanceof ArmFailure)) throw error;
      this.#replace();
      if (samples.length === 1) {
        this.#live.delete(samples[0].id);
        return [{ status: error.status, reason: error.reason }];
      }
      const found: (number | Failure)[] = [];
      for (const one of samples) found.push(...(await this.time([one])));
      return found;
    }
  }

  async #guard<T>(id: string, step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      if (error instanceof ArmFailure) {
        this.#live.delete(id);
        this.#replace();
      }
      throw error;
    }
  }

  /** Forgets candidates and their memory. */
  async drop(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.#live.delete(id);
    if (ids.length > 0 && this.#child?.alive) await this.#ask('drop', { ids }, 'compile');
  }

  /** Ends the child; the next question starts another. */
  #replace(): void {
    this.#child?.kill();
    this.#child = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child?.close();
    this.#child = undefined;
  }
}
