// The sampler turns a subject into samples: how many calls one spans, how long to warm up, and the figures of each.
//
// Batches run through tinybench, which is told their duration; it sorts what it keeps, so samples go on in the order measured.

import { Bench } from 'tinybench';
import type { Calibrated, Figure } from './protocol.ts';
import { median } from './statistics.ts';
import type { Subject } from './subject.ts';

/** Warm-up ends when the later half of this many batches is not faster than the earlier by more than STEADY: no tier is left to climb. */
const STEADY_BATCHES = 6;
const STEADY = 0.02;
/** Warm-up never ends earlier, or where the arm's share is small not before half of it: V8 swaps in optimised code from another thread, after a while. */
const LEAST_WARM_UP_NS = 30e6;
/**
 * Warm-up goes on while the process is preempted, until it was not for this long, up to a limit: threads that were woken on one processor push each other off it until
 * the system moves one of them, which takes it tens of milliseconds, and every sample before that is up to twice as long.
 */
const SETTLED_NS = 8e6;
const LONGEST_SETTLING_NS = 120e6;
/** Largest batch: a sample of an empty function still ends. */
const MOST_ITERATIONS = 2 ** 26;

export class Sampler {
  #subject: Subject;
  #bench = new Bench({ iterations: 1, time: 0, warmup: false, retainSamples: true, throws: true });
  #iterations = 1;
  #lastNs = 0;

  constructor(subject: Subject) {
    this.#subject = subject;
    const overridden = (ns: number) => {
      this.#lastNs = ns;
      return { overriddenDuration: ns / 1e6, overriddenIterationCost: (ns * this.#iterations) / 1e6 };
    };
    const batch = () => {
      const ns = subject.batch(this.#iterations);
      return typeof ns === 'number' ? overridden(ns) : ns.then(overridden);
    };
    this.#bench.add('batch', batch, { async: subject.asynchronous });
  }

  /** Nanoseconds per call of one batch. */
  async #measure(iterations: number): Promise<number> {
    this.#iterations = iterations;
    this.#bench.reset();
    if (this.#subject.asynchronous) await this.#bench.run();
    else this.#bench.runSync();
    return this.#lastNs;
  }

  /** Finds how many calls a sample of `sampleNs` spans and warms up until steady, for as long as the arm's `shareNs` at most. */
  async calibrate(shareNs: number, sampleNs: number): Promise<Calibrated> {
    const { onlyNs } = this.#subject;
    if (onlyNs !== undefined) return { iterations: 1, callNs: onlyNs, slow: true, steady: true };
    const least = this.#subject.leastIterations ?? 1;
    let callNs = await this.#measure(least);
    let spent = callNs * least;
    if (spent > shareNs) return { iterations: least, callNs, slow: true, steady: true, figures: await this.#subject.figures?.(least) };
    let iterations = least;
    // Doubling first: the earliest calls run unoptimised code and would promise too few. Warm-up needs several batches, so they are short.
    while (callNs * iterations < sampleNs / STEADY_BATCHES && iterations < MOST_ITERATIONS) {
      iterations *= 2;
      callNs = await this.#measure(iterations);
      spent += callNs * iterations;
    }
    const warmUpNs = Math.min(LEAST_WARM_UP_NS, shareNs / 2);
    const recent: number[] = [];
    const preemption = new Preemption(spent);
    while (
      (spent < shareNs && (spent < warmUpNs || recent.length < STEADY_BATCHES || isImproving(recent))) ||
      (spent < LONGEST_SETTLING_NS && !preemption.isOver(spent))
    ) {
      callNs = await this.#measure(iterations);
      spent += callNs * iterations;
      recent.push(callNs);
      if (recent.length > STEADY_BATCHES) recent.shift();
    }
    const wanted = Math.max(least, Math.ceil(sampleNs / Math.max(callNs, 1e-3)));
    return { iterations: Math.min(wanted, MOST_ITERATIONS), callNs, slow: false, steady: !isImproving(recent) };
  }

  /** One sample: wall time per call, and what else the subject measures. */
  async sample(iterations: number): Promise<Figure[]> {
    const time: Figure = { metric: 'time', unit: 'ns', value: await this.#measure(iterations) };
    return [time, ...((await this.#subject.figures?.(iterations)) ?? [])];
  }
}

/** Whether the threads of this process have been pushed off their processors lately, by each other or by others. */
class Preemption {
  #switches = process.resourceUsage().involuntaryContextSwitches;
  #lastNs: number;

  constructor(nowNs: number) {
    this.#lastNs = nowNs;
  }

  /** Asked again and again, with how much time was spent at work. True once it has not happened for a while. */
  isOver(nowNs: number): boolean {
    const switches = process.resourceUsage().involuntaryContextSwitches;
    if (switches > this.#switches) this.#lastNs = nowNs;
    this.#switches = switches;
    return nowNs - this.#lastNs >= SETTLED_NS;
  }
}

/** True where the later half of the batches is faster than the earlier by more than what counts as steady. */
function isImproving(recent: readonly number[]): boolean {
  const half = Math.floor(recent.length / 2);
  return half > 0 && median(recent.slice(-half)) < median(recent.slice(0, half)) * (1 - STEADY);
}
