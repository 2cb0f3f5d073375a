import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { functionSubject } from './function-subject.ts';
import type { Work } from './suite.ts';

/** Work that counts what it is asked for. */
function counted(more: Partial<Work> = {}): { work: Work; calls: string[] } {
  const calls: string[] = [];
  const note = (name: string) => () => void calls.push(name);
  const work = { run: note('run'), ...more };
  return { work, calls };
}

const subjectOf = (work: Work) => functionSubject({ name: 'arm', make: () => work });

test('queued work is waited for once a batch', async () => {
  const { work, calls } = counted();
  const subject = await subjectOf({ ...work, settle: async () => void calls.push('settle') });
  assert.ok(subject.asynchronous);
  assert.equal(calls.splice(0), ['run', 'settle']);
  assert.ok((await subject.batch(3)) >= 0);
  assert.equal(calls, ['run', 'run', 'run', 'settle']);
});

test('calls with promises of their own follow one another, and what they queued is waited for at the end', async () => {
  const { work, calls } = counted();
  async function run(): Promise<void> {
    calls.push('begun');
    await new Promise((resolve) => setTimeout(resolve));
    calls.push('ended');
  }
  const subject = await subjectOf({ ...work, run, settle: async () => void calls.push('settle') });
  assert.equal(calls.splice(0), ['begun', 'ended', 'settle']);
  await subject.batch(2);
  assert.equal(calls, ['begun', 'ended', 'begun', 'ended', 'settle']);
  let isMade = false;
  const breaking = async () => {
    if (isMade) throw new Error('no such tensor');
    isMade = true;
  };
  const broken = await subjectOf({ run: breaking, settle: async () => undefined });
  const outcome = Promise.resolve(broken.batch(2)).then(
    () => 'measured',
    (error: Error) => error.message,
  );
  assert.is(await outcome, 'no such tensor');
});

test('work that is reset is waited for call by call', async () => {
  const { work, calls } = counted();
  const subject = await subjectOf({ ...work, settle: async () => void calls.push('settle'), reset: () => void calls.push('reset') });
  calls.splice(0);
  await subject.batch(2);
  assert.equal(calls, ['run', 'settle', 'reset', 'run', 'settle', 'reset']);
});

test('work that is done once says how long its only call took, without what made it', async () => {
  const { work, calls } = counted();
  const slow = () => new Promise<Work>((resolve) => setTimeout(() => resolve(work), 30));
  const subject = await functionSubject({ name: 'arm', make: slow }, true);
  assert.equal(calls, ['run']);
  assert.ok(subject.onlyNs! >= 0 && subject.onlyNs! < subject.prepared.coldNs - 25e6);
  assert.is((await subjectOf(work)).onlyNs, undefined);
});

test('work that returns is timed as it returns', async () => {
  const { work, calls } = counted();
  const subject = await subjectOf(work);
  assert.not.ok(subject.asynchronous);
  assert.type(subject.batch(4), 'number');
  assert.is(calls.length, 5);
});

test('work is brought to its steady state before each batch, and asked for figures after it', async () => {
  const { work, calls } = counted();
  const figures = () => [{ metric: 'wait', unit: 'ms', value: calls.length }];
  const subject = await subjectOf({ ...work, leastCalls: 2, steady: async (count) => void calls.push(`steady ${count}`), figures });
  assert.ok(subject.asynchronous);
  assert.is(subject.leastIterations, 2);
  calls.splice(0);
  await subject.batch(2);
  assert.equal(calls, ['steady 2', 'run', 'run']);
  assert.equal(await subject.figures!(2), [{ metric: 'wait', unit: 'ms', value: 3 }]);
});

test.run();
