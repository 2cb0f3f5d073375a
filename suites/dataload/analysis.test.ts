// All of this is in virtual time: no clock decides.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { seededRandom } from '../../kernels/random.ts';
import { bandOf, bottleneckOf, gainsOf, partsOf, stallShare, whatIfs, workOf } from './analysis.ts';
import { forecast, type Setting, STAGES, type StepWork } from './queue.ts';

const close = (found: number, expected: number, what: string) =>
  assert.ok(Math.abs(found - expected) <= 1e-6 * Math.max(1, expected), `${what}: ${found}, expected ${expected}`);

const plenty = { cores: 64, threads: 1 };
const stepOf = (work: StepWork, setting: Setting) => forecast(work, setting).step;

/** The four ways to measure a step, by the model instead of a clock. */
const measured = (work: StepWork, setting: Setting) => ({
  resident: work.compute,
  host: work.copy + work.compute,
  cached: stepOf({ ...work, fetch: 0 }, setting),
  cold: stepOf(work, setting),
});

const randomWork = (random: () => number): StepWork => {
  const part = () => 0.1 + 20 * random() ** 2;
  return { fetch: part(), decode: part(), copy: part(), compute: part() };
};

test('without workers a step is the sum of its parts', () => {
  const random = seededRandom(1);
  for (let i = 0; i < 50; i++) {
    const work = randomWork(random);
    const { step, wait, copy, compute } = forecast(work, { workers: 0, prefetch: 4, cores: 2, threads: 2 });
    close(step, work.fetch + work.decode + work.copy + work.compute, 'step');
    close(wait, work.fetch + work.decode, 'wait');
    close(copy, work.copy, 'copy');
    close(compute, work.compute, 'compute');
  }
});

test('with workers on cores of their own a step is the slower of the two sides; without prefetch they take turns', () => {
  const random = seededRandom(2);
  for (let i = 0; i < 50; i++) {
    const work = randomWork(random);
    const loading = work.fetch + work.decode;
    const training = work.copy + work.compute;
    for (const workers of [1, 2, 3]) {
      const ahead = forecast(work, { workers, prefetch: 8, ...plenty });
      close(ahead.step, Math.max(loading / workers, training), `${workers} workers`);
      close(ahead.step, ahead.wait + ahead.copy + ahead.compute, 'parts of the main thread');
      close(stepOf(work, { workers, prefetch: 0, ...plenty }), loading + training, `${workers} workers without prefetch`);
    }
  }
});

test('threads that compute share the cores', () => {
  // Two threads of compute and a worker that always decodes: three on two cores, each at two thirds of its speed.
  const busy = forecast({ fetch: 0, decode: 30, copy: 0, compute: 10 }, { workers: 1, prefetch: 4, cores: 2, threads: 2 });
  assert.ok(busy.step > 30 && busy.step <= 40, String(busy.step));
  close(busy.compute, 15, 'compute at two thirds of its speed');
  // All cores are taken all the time: 10 ms on both and 20 ms on one are 40 ms of cores.
  const full = forecast({ fetch: 0, decode: 20, copy: 0, compute: 10 }, { workers: 2, prefetch: 8, cores: 2, threads: 2 });
  close(full.step, 20, 'step');
  // Waits take no core.
  const waits = forecast({ fetch: 9, decode: 0, copy: 0, compute: 10 }, { workers: 1, prefetch: 4, cores: 2, threads: 2 });
  close(waits.step, 10, 'step');
  close(waits.compute, 10, 'compute');
});

test('queue occupancy tells which side waits', () => {
  const setting = { workers: 1, prefetch: 4, ...plenty };
  assert.ok(forecast({ fetch: 0, decode: 10, copy: 0, compute: 5 }, setting).ready < 0.01);
  assert.ok(forecast({ fetch: 0, decode: 5, copy: 0, compute: 10 }, setting).ready > 3.9);
});

test('a delay injected into a part is recovered from steps without workers', () => {
  const random = seededRandom(3);
  const setting = { workers: 0, prefetch: 0, cores: 2, threads: 2 };
  for (let i = 0; i < 20; i++) {
    const work = randomWork(random);
    for (const stage of STAGES) {
      const delayed = { ...work, [stage]: work[stage] + 7 };
      const found = workOf(measured(delayed, setting));
      for (const other of STAGES) close(found[other], delayed[other], `${stage} delayed: ${other}`);
    }
  }
});

test('stalls sum to the step; a part that hides behind the step has none', () => {
  const setting = { workers: 1, prefetch: 4, ...plenty };
  const steps = measured({ fetch: 6, decode: 8, copy: 1, compute: 11 }, setting);
  const parts = partsOf(steps);
  close(
    STAGES.reduce((sum, stage) => sum + parts[stage], 0),
    steps.cold,
    'sum',
  );
  close(parts.decode, 0, 'decode hides');
  close(parts.fetch, 2, 'fetch shows by what is left over');
  close(stallShare(steps), 3 / 14, 'share');
  assert.equal(workOf({ resident: 10, host: 9.9, cached: 12 }), { fetch: 0, decode: 2.0999999999999996, copy: 0, compute: 10 });
});

test('bands are those of the input pipeline analyzer', () => {
  assert.equal([0.049, 0.05, 0.2, 0.201].map(bandOf), [
    'not input-bound',
    'moderately input-bound',
    'moderately input-bound',
    'highly input-bound',
  ]);
});

test('the bottleneck is what is worth speeding up, not what is longest', () => {
  const work = { fetch: 2, decode: 18, copy: 1, compute: 12 };
  const on = (workers: number, extra: object = {}) => bottleneckOf(work, { workers, prefetch: 4, ...plenty, ...extra });
  assert.is(on(0), 'decode');
  assert.is(on(1), 'decode');
  assert.is(on(2), 'compute', 'two workers hide it');
  close(gainsOf(work, { workers: 2, prefetch: 4, ...plenty }).decode, 0, 'nothing is gained by decoding faster');
  // On two cores that a step with two threads fills, the work of decoding is never hidden.
  assert.is(bottleneckOf({ fetch: 0, decode: 30, copy: 1, compute: 12 }, { workers: 2, prefetch: 4, cores: 2, threads: 2 }), 'decode');
  assert.is(bottleneckOf({ fetch: 30, decode: 5, copy: 1, compute: 10 }, { workers: 1, prefetch: 4, ...plenty }), 'fetch');
  assert.is(bottleneckOf({ fetch: 1, decode: 2, copy: 9, compute: 4 }, { workers: 1, prefetch: 4, ...plenty }), 'copy');
});

test('what if: twice the workers, all in memory, a step twice as fast', () => {
  const setting = { workers: 1, prefetch: 4, ...plenty };
  const found = whatIfs({ fetch: 10, decode: 14, copy: 1, compute: 9 }, setting);
  assert.equal(
    found.map(({ change }) => change),
    ['workers', 'cached', 'kernel'],
  );
  close(found[0].forecast.step, 12, 'workers');
  close(found[1].forecast.step, 14, 'cached');
  close(found[2].forecast.step, 24, 'kernel');
  assert.is(whatIfs({ fetch: 1, decode: 1, copy: 1, compute: 1 }, { ...setting, workers: 0 })[0].setting.workers, 1);
});

test.run();
