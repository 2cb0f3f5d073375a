// The stage is the child's side of tuning: one problem's operands on a device, and the candidates that are compiled, proven and timed over them.
//
// Candidates share the operands of the timed problem, so each proof begins with garbage in the results: what another has left there is no result.

import { kernels, refusal } from '../../kernels/catalog.ts';
import { type Device, DeviceError } from '../../kernels/device.ts';
import type { AnyKernel, Tunables } from '../../kernels/kernel.ts';
import { Launch } from '../../kernels/launch.ts';
import { operandExtents, type Problem, resultNames } from '../../kernels/problem.ts';
import { trial } from '../../kernels/trial.ts';
import { type Expected, expectations } from '../expectations.ts';
import { Operands, seededInputs } from '../operands.ts';
import { compare } from '../oracle.ts';
import { ArmFailure, type Failure } from '../protocol.ts';
import { nowNs } from '../subject.ts';
import { kernelModule } from './kernel-module.ts';

export interface StageOrder {
  readonly problem: Problem;
  /** Small problems that each candidate must get right besides. */
  readonly proofs: readonly Problem[];
  readonly constants: readonly string[];
  readonly seed: number;
  /** URL of the module of a kernel of the user's own. */
  readonly module?: string;
}

export interface CandidateOrder {
  readonly id: string;
  readonly kernel: string;
  readonly tunables: Tunables;
}

/** A candidate that was compiled, or why it was not. */
export interface Compiled {
  readonly id: string;
  readonly compileNs: number;
  readonly failure?: Failure;
}

export interface Proven {
  /** Problems that it got right, the timed one among them. */
  readonly proofs: number;
  readonly maxRelErr?: number;
  readonly validationNs: number;
}

/** A sample to be taken: so many calls of a candidate. */
export interface SampleOrder {
  readonly id: string;
  readonly iterations: number;
}

export interface Warmed {
  /** Calls that a sample spans. */
  readonly iterations: number;
  readonly callNs: number;
  readonly spentNs: number;
}

interface Candidate extends CandidateOrder {
  readonly record: AnyKernel;
  readonly launch: Launch;
}

/** A small problem with its inputs and what should come of them. */
interface Proof {
  readonly problem: Problem;
  readonly inputs: ReturnType<typeof seededInputs>;
  readonly expected: Map<number, readonly Expected[]>;
}

/** Nanoseconds of warm-up that a candidate gets at least, where its calls are shorter; the first in a process warms up the processor and V8 too. */
const WARM_UP_NS = 1e6;
const FIRST_WARM_UP_NS = 150e6;
/** Batches and nanoseconds before a candidate can be given up for its time, and nanoseconds after which it is given up all the same. */
const FEW_BATCHES = 4;
const DOUBT_NS = 25e6;
const PATIENCE_NS = 100e6;
/** Nanoseconds of calls in a row whose last result is checked. */
const IN_A_ROW_NS = 2e6;
/** Nanoseconds of calls before each sample that are not counted. */
const ROUSE_NS = 0.5e6;

export class Stage {
  #device: Device;
  #order: StageOrder;
  #operands: Operands;
  #proofs: Proof[];
  #own: readonly AnyKernel[];
  #candidates = new Map<string, Candidate>();
  #isWarm = false;

  static async open(device: Device, order: StageOrder): Promise<Stage> {
    return new Stage(device, order, order.module === undefined ? [] : [(await kernelModule(order.module)).kernel]);
  }

  private constructor(device: Device, order: StageOrder, own: readonly AnyKernel[]) {
    this.#device = device;
    this.#order = order;
    this.#own = own;
    this.#operands = new Operands(device, order.problem, order.seed, { lasting: true });
    this.#proofs = order.proofs.map((problem) => ({ problem, inputs: seededInputs(problem, order.seed), expected: new Map() }));
  }

  /** Generates and compiles candidates, all at once where the device compiles beside us. */
  async compile(orders: readonly CandidateOrder[]): Promise<Compiled[]> {
    const begun = orders.map((order) => ({ order, began: nowNs(), outcome: this.#generate(order) }));
    return Promise.all(
      begun.map(async ({ order: { id }, began, outcome }): Promise<Compiled> => {
        try {
          if (outcome instanceof Error) throw outcome;
          await outcome.launch.ready;
          this.#candidates.set(id, outcome);
          return { id, compileNs: nowNs() - began };
        } catch (error) {
          if (!(outcome instanceof Error)) outcome.launch.free();
          return { id, compileNs: nowNs() - began, failure: failureOf(error) };
        }
      }),
    );
  }

  #generate(order: CandidateOrder): Candidate | Error {
    const { problem, constants } = this.#order;
    try {
      const record = this.#recordOf(order.kernel);
      const reason = refusal(record, problem, this.#device, order.tunables);
      if (reason !== undefined) throw new ArmFailure('skipped', reason);
      return { ...order, record, launch: new Launch(this.#device, record, problem, order.tunables, { constants }) };
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #recordOf(name: string): AnyKernel {
    const matches = (kernel: AnyKernel) =>
      kernel.name === name && kernel.op === this.#order.problem.op && kernel.device === this.#device.kind;
    const found = this.#own.find(matches) ?? kernels.find(matches);
    if (!found) throw new ArmFailure('failed', `there is no kernel ${name} for ${this.#order.problem.op} on ${this.#device.kind}`);
    return found;
  }

  #candidate(id: string): Candidate {
    const found = this.#candidates.get(id);
    if (!found) throw new ArmFailure('failed', `there is no candidate ${id} on the stage`);
    return found;
  }

  /** Runs a candidate on all proofs. Throws an ArmFailure 'wrong' where it errs. */
  async prove({ id }: { id: string }): Promise<Proven> {
    const began = nowNs();
    const candidate = this.#candidate(id);
    let proofs = 0;
    for (const proof of this.#proofs) if (await this.#proves(candidate, proof)) proofs++;
    const { record, launch } = candidate;
    this.#operands.renew();
    launch.run(this.#operands.buffers);
    await this.#device.sync();
    const accuracy = await this.#operands.check(record.errorFactor);
    if (!this.#changesInputs) await this.#proveAgain(launch, record.errorFactor);
    return { proofs: proofs + 1, maxRelErr: accuracy?.maxRelErr, validationNs: nowNs() - began };
  }

  /** What is computed in place is another problem at the second call. */
  get #changesInputs(): boolean {
    const { problem } = this.#order;
    return problem.op === 'pointwise' && problem.inPlace !== undefined;
  }

  /** Checks the result of calls in a row, as they are timed: with all threads awake, a race shows that a single call may hide. */
  async #proveAgain(launch: Launch, errorFactor?: number): Promise<void> {
    const began = nowNs();
    do launch.run(this.#operands.buffers);
    while (nowNs() - began < IN_A_ROW_NS && this.#device.kind === 'cpu');
    await this.#device.sync();
    await this.#operands.check(errorFactor);
  }

  /** Whether a small problem is within the candidate's limits; if so, it got it right. */
  async #proves({ record, tunables }: Candidate, { problem, inputs, expected }: Proof): Promise<boolean> {
    if (refusal(record, problem, this.#device, tunables) !== undefined) return false;
    const factor = record.errorFactor ?? 1;
    if (!expected.has(factor)) {
      const options = { device: this.#device.kind, seed: this.#order.seed, errorFactor: factor };
      expected.set(factor, [...(expectations(problem, inputs, options) ?? [])]);
    }
    const extents = operandExtents(problem);
    const outputs = resultNames(problem);
    let results: Awaited<ReturnType<typeof trial>>;
    try {
      results = await trial(this.#device, record, problem, { extents, values: inputs, outputs }, tunables);
    } catch (error) {
      if (error instanceof DeviceError || !(error instanceof Error)) throw error;
      throw new ArmFailure('wrong', error.message);
    }
    compare(expected.get(factor)!, results);
    return true;
  }

  /** Finds how many calls span `sampleNs`. A candidate whose calls take longer than `limitNs` when they are warm is not called again. */
  async warm({ id, sampleNs, limitNs }: { id: string; sampleNs: number; limitNs: number }): Promise<Warmed> {
    const { launch } = this.#candidate(id);
    const began = nowNs();
    const leastNs = this.#isWarm ? WARM_UP_NS : FIRST_WARM_UP_NS;
    this.#isWarm = true;
    const spentNs = () => nowNs() - began;
    // The first calls find nothing in the caches, and for some milliseconds the system may run both threads on one core: short calls are slow for long.
    const isHopeless = () => callNs >= limitNs && batches >= FEW_BATCHES && spentNs() >= DOUBT_NS;
    let callNs = await this.#batch(launch, 1);
    let [iterations, batches] = [1, 1];
    while ((callNs * iterations < sampleNs / 4 || spentNs() < leastNs) && !isHopeless() && (callNs < limitNs || spentNs() < PATIENCE_NS)) {
      if (callNs * iterations < sampleNs) iterations *= 2;
      callNs = Math.min(callNs, await this.#batch(launch, iterations));
      batches++;
    }
    return { iterations: Math.max(1, Math.ceil(sampleNs / callNs)), callNs, spentNs: nowNs() - began };
  }

  /** Nanoseconds of a call of each, over a batch, one after another in this order. */
  async time({ samples }: { samples: readonly SampleOrder[] }): Promise<{ ns: number[]; spentNs: number }> {
    const began = nowNs();
    const ns: number[] = [];
    for (const sample of samples) ns.push(await this.#sample(sample));
    return { ns, spentNs: nowNs() - began };
  }

  async #sample({ id, iterations }: SampleOrder): Promise<number> {
    const began = nowNs();
    const { launch } = this.#candidate(id);
    // Since its last sample another candidate's data lie in the caches, and the threads may have gone to sleep.
    while (iterations > 1 && nowNs() - began < ROUSE_NS) await this.#batch(launch, 1);
    return this.#batch(launch, iterations);
  }

  /** By the device's own clock where it has one: on a queue the host's also counts what it takes to fill it. */
  async #batch(launch: Launch, iterations: number): Promise<number> {
    const { buffers } = this.#operands;
    const calls = () => {
      for (let i = 0; i < iterations; i++) launch.run(buffers);
    };
    if (this.#device.features.has('timestamp-query')) return (await this.#device.span(calls)) / iterations;
    const began = nowNs();
    calls();
    if (this.#device.kind !== 'cpu') await this.#device.sync();
    return (nowNs() - began) / iterations;
  }

  drop({ ids }: { ids: readonly string[] }): void {
    for (const id of ids) {
      this.#candidates.get(id)?.launch.free();
      this.#candidates.delete(id);
    }
  }

  close(): void {
    this.drop({ ids: [...this.#candidates.keys()] });
    this.#operands.free();
  }
}

const failureOf = (error: unknown): Failure =>
  error instanceof ArmFailure
    ? { status: error.status, reason: error.reason }
    : { status: 'failed', reason: error instanceof Error ? error.message.split('\n')[0] : String(error) };
