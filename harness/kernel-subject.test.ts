import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { kernelsFor } from '../kernels/catalog.ts';
import { openCpu } from '../kernels/cpu/device.ts';
import { DeviceError } from '../kernels/device.ts';
import type { AnyKernel } from '../kernels/kernel.ts';
import { type MatmulProblem, matmul, matmulOperands } from '../kernels/problem.ts';
import { kernelSubject } from './kernel-subject.ts';
import { ArmFailure } from './protocol.ts';

const naive = kernelsFor('matmul', 'cpu').find(({ name }) => name === 'naive')!;
const device = await openCpu({ threads: 1 });
test.after(() => device.close());

const problem = matmul({ m: 9, n: 7, k: 5, epilogue: { bias: true, relu: false } });
const order = { name: 'test', problem, readback: false, seed: 1 };

/** The naive kernel, planned for another problem than it is given. */
const planning = (change: (problem: MatmulProblem) => MatmulProblem): AnyKernel => ({
  ...naive,
  plan: (problem, tunables, traits) => naive.plan(change(problem as MatmulProblem), tunables, traits),
});

const failureOf = async (work: Promise<unknown>): Promise<ArmFailure> => {
  const outcome = await work.then(
    () => undefined,
    (error) => error,
  );
  assert.instance(outcome, ArmFailure);
  return outcome as ArmFailure;
};

test('a right kernel is verified, costed and measured, and leaves nothing behind', async () => {
  const before = device.memory().liveBytes;
  const subject = await kernelSubject(device, naive, order);
  const { prepared } = subject;
  assert.ok(prepared.verified && prepared.maxRelErr! <= 9 * 2 ** -23 && prepared.coldNs > 0);
  assert.is(prepared.cost!.flops, 2 * 9 * 7 * 5);
  assert.ok(prepared.peakBytes! >= 4 * Object.values(matmulOperands(problem)).reduce((a, b) => a + b));
  assert.ok((await subject.batch(3)) > 0);
  await subject.close();
  assert.is(device.memory().liveBytes, before);
});

test('with readback a call ends with its result on the host', async () => {
  const subject = await kernelSubject(device, naive, { ...order, readback: true });
  const reads = device.memory().reads;
  await subject.batch(3);
  assert.is(device.memory().reads, reads + 3);
  assert.is(subject.prepared.bytesD2h, 4 * 9 * 7);
  await subject.close();
});

test('tunables that do not launch give way to the next best, with a word on what failed', async () => {
  const before = device.memory().liveBytes;
  const blocked = kernelsFor('matmul', 'cpu').find(({ name }) => name === 'blocked')!;
  const refusing: AnyKernel = {
    ...blocked,
    generate(given, tunables, traits) {
      if (tunables.ROWS !== 8) throw new DeviceError(`no code for ROWS=${tunables.ROWS}`);
      return blocked.generate(given, tunables, traits);
    },
  };
  const [best, next, last] = [4, 16, 8].map((ROWS) => ({ tunables: { KB: 64, NB: 512, ROWS }, source: `rows ${ROWS}` }));
  const subject = await kernelSubject(device, refusing, { ...order, tunables: best.tunables, fallbacks: [next, last] });
  assert.equal([subject.prepared.tunables, subject.prepared.tuneSource], [last.tunables, 'rows 8']);
  assert.match(subject.prepared.warning!, /"ROWS":4\} did not launch: no code for ROWS=4; .*"ROWS":16\} did not launch/);
  await subject.close();
  const hopeless = kernelSubject(device, refusing, { ...order, tunables: best.tunables, fallbacks: [next] });
  assert.match(await hopeless.then(String, ({ message }) => message), /no code for ROWS=16/);
  assert.is(device.memory().liveBytes, before);
});

test('a kernel that leaves out a step is wrong, not fast', async () => {
  const before = device.memory().liveBytes;
  const failure = await failureOf(
    kernelSubject(
      device,
      planning((given) => ({ ...given, k: given.k - 1 })),
      order,
    ),
  );
  assert.is(failure.status, 'wrong');
  assert.match(failure.reason, /element \d+ of C is .*, expected .*, off by .* of its scale/);
  assert.is(device.memory().liveBytes, before);
});

test('a kernel that writes past its result is wrong', async () => {
  const failure = await failureOf(
    kernelSubject(
      device,
      planning((given) => ({ ...given, m: given.m + 1 })),
      order,
    ),
  );
  assert.is(failure.status, 'wrong');
  assert.match(failure.reason, /wrote after the result, outside of its 252 bytes/);
});

test('a kernel that refuses is skipped with its reason', async () => {
  const failure = await failureOf(kernelSubject(device, naive, { ...order, problem: matmul({ m: 2, n: 2, k: 2, dtype: 'f16' }) }));
  assert.equal([failure.status, failure.reason], ['skipped', 'it stores f32, not f16']);
});

test.run();
