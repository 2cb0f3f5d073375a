// A training from the first step to the end of its recipe: load, copy, step, evaluate, log, each with its time; curves go to the log as they grow.

import type { log } from '../../framework/index.ts';
import { type Category, clockNs, MAIN_THREAD, tracing } from '../../kernels/span.ts';
import { hostBatch, type Images } from './images.ts';
import type { Learner } from './learner.ts';
import { type Recipe, rateOf } from './recipes.ts';

/** Where the time of a training goes. `step` is forward, backward and update, with the wait for the loss. */
export const PHASES = ['load', 'copy', 'step', 'evaluate', 'log'] as const;
export type Phase = (typeof PHASES)[number];

export interface TrainingOptions {
  readonly learner: Learner;
  readonly images: Images;
  readonly recipe: Recipe;
  /** Ends after the first epoch with this accuracy; at the end of the recipe if absent. */
  readonly until?: number;
  readonly log?: log.Log;
  /** Asked after each epoch for what else goes to the log. */
  weights?(): Promise<ReadonlyMap<string, Float32Array>>;
}

export interface Outcome {
  /** Of each step. */
  readonly losses: Float64Array;
  /** Of each epoch, on the test images. */
  readonly accuracies: readonly number[];
  readonly testLosses: readonly number[];
  /** Of the last epoch, the mean over its steps. */
  readonly loss: number;
  readonly seconds: Readonly<Record<Phase, number>>;
  /** From the first batch to the end, what no phase has included. */
  readonly totalSeconds: number;
  /** When the accuracy first was the recipe's target; undefined where it never was. */
  readonly targetSeconds?: number;
}

const SPANS: Readonly<Record<Exclude<Phase, 'copy'>, Category>> = { load: 'load', step: 'step', evaluate: 'step', log: 'wait' };

/** Attributes time to phases, and to spans of a trace where one is wanted. */
class Stopwatch {
  readonly seconds: Record<Phase, number> = { load: 0, copy: 0, step: 0, evaluate: 0, log: 0 };
  readonly #recorder = tracing();

  async time<T>(phase: Exclude<Phase, 'copy'>, work: () => T | Promise<T>): Promise<T> {
    const [began, startNs] = [performance.now(), this.#recorder?.admits() ? clockNs() : undefined];
    const result = await work();
    this.seconds[phase] += (performance.now() - began) / 1e3;
    if (startNs !== undefined) this.#recorder!.span(MAIN_THREAD, phase, SPANS[phase], startNs, clockNs());
    return result;
  }

  /** Moves what copying took out of the phase that it happened in. */
  copied(phase: Phase, ms: number): void {
    this.seconds[phase] -= ms / 1e3;
    this.seconds.copy += ms / 1e3;
  }
}

/** Throws an Error for a loss that is no number: a training that went astray. */
export async function train({ learner, images, recipe, until, log, weights }: TrainingOptions): Promise<Outcome> {
  const watch = new Stopwatch();
  const perEpoch = images.train.length;
  const rate = rateOf(recipe, perEpoch * recipe.epochs);
  const losses = new Float64Array(perEpoch * recipe.epochs);
  const [accuracies, testLosses]: number[][] = [[], []];
  const began = performance.now();
  let [step, loss] = [0, 0];
  let targetSeconds: number | undefined;
  for (let epoch = 0; epoch < recipe.epochs; epoch++) {
    const before = step;
    const batches = images.train.read(epoch)[Symbol.asyncIterator]();
    for (;;) {
      const { value: batch, done } = await watch.time('load', () => batches.next());
      if (done) break;
      losses[step] = await watch.time('step', () => learner.step(hostBatch(batch)));
      watch.copied('step', learner.copiedMs());
      if (!Number.isFinite(losses[step])) throw new Error(`the loss of step ${step} is ${losses[step]}: the training went astray`);
      await watch.time('log', () => {
        log?.scalar('train/loss', losses[step], step);
        log?.scalar('train/rate', rate(step), step);
      });
      step++;
    }
    loss = losses.subarray(before, step).reduce((sum, each) => sum + each, 0) / (step - before);
    const { accuracy, testLoss } = await watch.time('evaluate', () => evaluate(learner, images));
    watch.copied('evaluate', learner.copiedMs());
    accuracies.push(accuracy);
    testLosses.push(testLoss);
    const elapsed = (performance.now() - began) / 1e3;
    if (accuracy >= recipe.target) targetSeconds ??= elapsed;
    await watch.time('log', async () => {
      if (!log) return;
      log.scalar('test/accuracy', accuracy, step);
      log.scalar('test/loss', testLoss, step);
      log.scalar('speed/images per second', (step * recipe.batch) / elapsed, step);
      for (const [phase, seconds] of Object.entries(watch.seconds)) log.scalar(`seconds/${phase}`, seconds, step);
      for (const [path, values] of (await weights?.()) ?? []) log.histogram(path.replaceAll('.', '/'), values, step);
    });
    if (until !== undefined && accuracy >= until) break;
  }
  const totalSeconds = (performance.now() - began) / 1e3;
  return { losses: losses.subarray(0, step), accuracies, testLosses, loss, seconds: watch.seconds, totalSeconds, targetSeconds };
}

async function evaluate(learner: Learner, { test, testCount }: Images): Promise<{ accuracy: number; testLoss: number }> {
  let [right, loss] = [0, 0];
  for await (const batch of test.read(0)) {
    const found = await learner.evaluate(hostBatch(batch));
    right += found.right;
    loss += found.loss;
  }
  return { accuracy: right / testCount, testLoss: loss / testCount };
}
