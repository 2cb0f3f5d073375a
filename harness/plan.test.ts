import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { matmul } from '../kernels/problem.ts';
import { parseFilter } from './filter.ts';
import { groupsOf, wasmRefusal } from './memory.ts';
import { type DeviceState, makePlan, type PlanOptions, predict } from './plan.ts';
import { type Case, type Suite, UsageError } from './suite.ts';

const suite: Suite = { name: 'test', question: 'Is the plan right?', cases: () => [] };
const features = (...more: string[]) => new Set(['simd', 'relaxed-simd', 'threads', ...more]);
const limits = { threads: 2, l1Bytes: 32768, l2Bytes: 2 ** 20, l3Bytes: 2 ** 25 };
const cpu = { features: features('revectorize'), limits };

const square = (n: number): Case => ({ name: `matmul/${n}`, problem: matmul({ m: n, n, k: n }) });

const plan = (cases: Case[], more: Partial<PlanOptions> = {}) =>
  makePlan({
    suite,
    suiteSource: 'test',
    request: { devices: ['cpu'], quick: false, seed: 1, threads: [1], options: {} },
    cases,
    devices: new Map([['cpu', cpu]]),
    threads: [1],
    peers: [],
    seconds: 1,
    forks: 3,
    timeout: 60,
    memoryBytes: 2 ** 30,
    ...more,
  });
const arms = (cases: Case[], more?: Partial<PlanOptions>) =>
  plan(cases, more).cases.map(({ entries }) => entries.map(({ arm }) => arm.name));

test('every kernel is an arm at every thread count, and the headline a second one under default flags', () => {
  const [names] = arms([square(64)], { threads: [1, 2] });
  for (const threads of [1, 2]) {
    assert.ok(names.includes(`ours:naive@cpu/${threads}`));
    assert.is(names.filter((name) => name.endsWith(`@cpu/${threads}/default-flags`)).length, 1);
  }
});

test('where flags bring nothing there is no second arm', () => {
  const plain = new Map([['cpu', { features: features(), limits }] as const]);
  assert.not.ok(arms([square(64)], { devices: plain })[0].some((name) => name.endsWith('/default-flags')));
});

test('a kernel that cannot do the problem is an entry with its reason, and in no group', () => {
  const [{ entries, groups }] = plan([square(64)]).cases;
  const gemv = entries.find(({ arm }) => arm.kernel === 'gemv')!;
  assert.match(gemv.refusal!, /at most 8/);
  assert.not.ok(groups.flat().includes(gemv));
});

test('a device that is missing refuses all of its kernels with its reason', () => {
  const request = { devices: ['cpu', 'webgpu'] as const, quick: false, seed: 1, threads: [1], options: {} };
  const devices = new Map<'cpu' | 'webgpu', DeviceState>([
    ['cpu', cpu],
    ['webgpu', { missing: 'there is no adapter' }],
  ]);
  const [{ entries }] = plan([square(64)], { request, devices }).cases;
  const refused = entries.filter(({ arm }) => arm.device === 'webgpu');
  assert.ok(refused.length > 0);
  for (const { refusal } of refused) assert.is(refusal, 'there is no adapter');
});

test('arms that do not fit in memory together run in groups that share the reference arm', () => {
  const all = plan([square(512)], { threads: [1, 2] }).cases[0].groups;
  assert.is(all.length, 1);
  const bytes = Math.max(...all[0].map((entry) => entry.bytes));
  const { groups } = plan([square(512)], { threads: [1, 2], memoryBytes: 3 * bytes, baseline: 'ours:naive@cpu/1' }).cases[0];
  assert.ok(groups.length > 1);
  for (const group of groups) {
    assert.is(group[0].arm.name, 'ours:naive@cpu/1');
    assert.ok(group.length > 1);
    assert.ok(group.reduce((sum, entry) => sum + entry.bytes, 0) <= 3 * bytes);
  }
  assert.is(new Set(groups.flat()).size, all[0].length);
});

test('an arm that does not fit beside the reference is measured alone', () => {
  const entry = (name: string, bytes: number) => ({ arm: { name, kind: 'function', device: 'cpu', flags: 'default' } as const, bytes });
  const groups = groupsOf([entry('reference', 40), entry('small', 50), entry('large', 90), entry('other', 60)], 100);
  assert.equal(
    groups.map((group) => group.map(({ arm }) => arm.name)),
    [['reference', 'small'], ['reference', 'other'], ['large']],
  );
});

test('what a WebAssembly memory cannot hold is refused with both numbers', () => {
  const large = matmul({ m: 30000, n: 20000, k: 5000 });
  assert.match(wasmRefusal(large, 2 ** 30)!, /it needs 4\d\d\d MiB, more than the 4096 MiB of a WebAssembly memory/);
  assert.is(wasmRefusal(matmul({ m: 8, n: 8, k: 8 }), 0), undefined);
});

test('what does not fit alone is refused with both numbers', () => {
  const { refusal } = plan([square(512)], { memoryBytes: 2 ** 20, kernels: ['naive'] }).cases[0].entries[0];
  assert.match(refusal!, /it needs 6 MiB with its operands, more than the 1 MiB that are free/);
});

test('a filter leaves out rows that it decides, keeps those it cannot, and the baseline', () => {
  const filtered = (text: string, baseline?: string) => arms([square(64)], { filter: parseFilter(text), baseline })[0];
  assert.equal(filtered('kernel==naive'), ['ours:naive@cpu/1']);
  assert.ok(filtered('gflops>10').length > 1);
  assert.equal(filtered('kernel==naive', 'ours:direct@cpu/1'), ['ours:naive@cpu/1', 'ours:direct@cpu/1']);
});

test('nothing to measure, a case listed twice and an unknown baseline are told', () => {
  assert.throws(
    () => plan([square(8)], { filter: parseFilter('kernel==none') }),
    (error: Error) => error instanceof UsageError && /nothing is left/.test(error.message),
  );
  assert.throws(() => plan([square(8), square(8)]), /matmul\/8 is listed twice/);
  assert.throws(() => plan([square(8)], { baseline: 'nobody' }), /there is no arm 'nobody' in this run; there are ours:naive/);
});

test('a peer is named with its threads only where there are several', () => {
  const peers = [{ name: 'blas', device: 'cpu' as const, threaded: true, refuses: () => undefined }];
  assert.ok(arms([square(8)], { peers })[0].includes('blas'));
  const [names] = arms([square(8)], { peers, threads: [1, 2] });
  assert.ok(names.includes('blas@cpu/1') && names.includes('blas@cpu/2'));
});

test('the prediction grows with cases, forks and seconds', () => {
  const one = predict(plan([square(64)]));
  assert.ok(one.seconds > 3 && one.bytes > 3 * 4 * 64 * 64);
  assert.ok(predict(plan([square(64), square(128)])).seconds > one.seconds);
  assert.ok(predict(plan([square(64)], { forks: 6 })).seconds > 1.9 * one.seconds);
  const once = (forks: number) => predict(plan([{ ...square(64), once: { seconds: 70, timeout: 600 } }], { forks })).seconds;
  assert.ok(once(1) > 70 && once(6) - once(1) < 70, 'what is done once is done in one fork');
});

test('functions on a device that is missing are refused with its reason, and say their threads', () => {
  const make = () => ({ run: () => undefined });
  const request = { devices: ['cpu', 'webgpu'] as const, quick: false, seed: 1, threads: [2], options: {} };
  const devices = new Map<'cpu' | 'webgpu', DeviceState>([['webgpu', { missing: 'there is no adapter' }]]);
  const functions = [
    { name: 'here', device: 'cpu' as const, threads: 2, make },
    { name: 'there', device: 'webgpu' as const, make },
  ];
  const [{ entries }] = plan([{ name: 'functions', arms: functions }], { request, devices }).cases;
  assert.equal(
    entries.map(({ arm, refusal }) => [arm.name, arm.threads, refusal]),
    [
      ['here', 2, undefined],
      ['there', undefined, 'there is no adapter'],
    ],
  );
});

test('a function that a device is too small for is refused with its reason', () => {
  const made = {
    name: 'large',
    make: () => ({ run: () => undefined }),
    refuses: ({ limits }: { limits: Readonly<Record<string, number>> }) =>
      limits.threads < 4 ? `${limits.threads} of 4 threads` : undefined,
  };
  const [refused] = plan([{ name: 'one', arms: [made] }]).cases[0].entries;
  assert.is(refused.refusal, '2 of 4 threads');
  const [able] = plan([{ name: 'one', arms: [made] }], { devices: new Map([['cpu', { ...cpu, limits: { ...limits, threads: 4 } }]]) })
    .cases[0].entries;
  assert.is(able.refusal, undefined);
});

test.run();
