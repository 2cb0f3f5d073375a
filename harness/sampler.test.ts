import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Sampler } from './sampler.ts';
import type { Subject } from './subject.ts';

/** A subject that takes no time and says how much it took: each batch `callNs` of its number. */
function pretending(callNs: (batch: number) => number, asynchronous = false): Subject & { asked: number[] } {
  const asked: number[] = [];
  return {
    asked,
    prepared: { coldNs: 0, verified: true },
    asynchronous,
    batch(iterations) {
      asked.push(iterations);
      const ns = callNs(asked.length - 1);
      return asynchronous ? Promise.resolve(ns) : ns;
    },
    close: () => undefined,
  };
}

test('short calls are batched until a sample is as long as wanted', async () => {
  for (const asynchronous of [false, true]) {
    const calibrated = await new Sampler(pretending(() => 1000, asynchronous)).calibrate(100e6, 20e6);
    assert.equal(calibrated, { iterations: 20_000, callNs: 1000, slow: false, steady: true });
  }
});

test('work that is done once is not called again', async () => {
  const subject = { ...pretending(() => 1), onlyNs: 5 };
  assert.equal(await new Sampler(subject).calibrate(100e6, 20e6), { iterations: 1, callNs: 5, slow: true, steady: true });
  assert.equal(subject.asked, []);
});

test('a call beyond the share is measured once', async () => {
  const subject = pretending(() => 3e9);
  assert.equal(await new Sampler(subject).calibrate(100e6, 20e6), {
    iterations: 1,
    callNs: 3e9,
    slow: true,
    steady: true,
    figures: undefined,
  });
  assert.equal(subject.asked, [1]);
});

test('a sample spans the fewest calls that mean something; where those exceed the share, they are the only sample', async () => {
  const subject = { ...pretending(() => 5e6), leastIterations: 8 };
  assert.is((await new Sampler(subject).calibrate(1e9, 20e6)).iterations, 8);
  assert.is(Math.min(...subject.asked), 8);
  const figures = [{ metric: 'wait', unit: 'ms', value: 3 }];
  const slow = { ...pretending(() => 5e6), leastIterations: 8, figures: async () => figures };
  assert.equal(await new Sampler(slow).calibrate(30e6, 20e6), { iterations: 8, callNs: 5e6, slow: true, steady: true, figures });
});

test('warm-up goes on while calls get faster, and iterations fit the warm call', async () => {
  const subject = pretending((batch) => Math.max(1e6, 10e6 * 0.8 ** batch));
  const calibrated = await new Sampler(subject).calibrate(1e9, 20e6);
  assert.is(calibrated.callNs, 1e6);
  assert.is(calibrated.iterations, 20);
  assert.ok(calibrated.steady);
});

test('a warm-up that ends before calls are steady says so', async () => {
  const calibrated = await new Sampler(pretending((batch) => 10e6 * 0.9 ** batch)).calibrate(60e6, 20e6);
  assert.not.ok(calibrated.steady);
  assert.not.ok(calibrated.slow);
});

test('samples come in the order measured, with what the subject measures beside', async () => {
  const times = [5, 3, 9, 1];
  const subject: Subject = {
    ...pretending((batch) => times[batch]),
    figures: async () => [{ metric: 'device_time', unit: 'ns', value: 2 }],
  };
  const sampler = new Sampler(subject);
  const seen: number[] = [];
  for (const _ of times) {
    const [time, device] = await sampler.sample(7);
    seen.push(time.value);
    assert.equal(device, { metric: 'device_time', unit: 'ns', value: 2 });
  }
  assert.equal(seen, times);
});

test('an error of the work is the error of the sample', async () => {
  const subject: Subject = {
    ...pretending(() => 1),
    batch() {
      throw new Error('no such table');
    },
  };
  let message = '';
  await new Sampler(subject).sample(1).catch((error: Error) => {
    message = error.message;
  });
  assert.is(message, 'no such table');
});

test.run();
