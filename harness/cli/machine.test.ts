import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Workplace } from './bench-process.ts';

const place = new Workplace();
test.after(() => place.remove());

test('the doctor looks at machine, devices, roof, peers and timings', async () => {
  const { code, out, err } = await place.bench(['doctor']);
  assert.is(code, 0, err);
  for (const section of ['Machine', 'CPU device', 'WebGPU device', 'Roof', 'Peers', 'Timings'])
    assert.match(out, new RegExp(`^${section}$`, 'm'));
  assert.match(out, /simd: yes/);
  assert.match(out, /they can be trusted now|in doubt: /);
  assert.match(out, /not measured yet/);
});

test('peers are listed with the command that brings those that are missing', async () => {
  const { code, out } = await place.bench(['peers']);
  assert.is(code, 0);
  // The test has a cache of its own, so nothing is installed in it.
  assert.match(out, /onnxruntime-node .*missing: npx bench peers install onnxruntime-node/);
  const wrong = await place.bench(['peers', 'install', 'onnxruntime-nod']);
  assert.is(wrong.code, 2);
  assert.match(wrong.err, /did you mean onnxruntime-node/);
});

test('a peer that is not installed has rows that say so, and the rest is measured', async () => {
  const args = [
    'run',
    'matmul',
    '--device',
    'cpu',
    '--threads',
    '1',
    '--kernels',
    'naive',
    '--shapes',
    '8x8x8',
    '--peers',
    'onnxruntime-node',
  ];
  const { code, err } = await place.bench([...args, '--time', '0.05', '--forks', '1', '--no-roof', '--out', 'missing']);
  assert.is(code, 0, err);
  const row = place.rows('missing', 'summary.csv').find(({ arm }) => arm === 'onnxruntime-node')!;
  assert.is(row.status, 'skipped');
  assert.match(row.reason, /is not installed: .* run: npx bench peers install onnxruntime-node/);
});

test('WebGPU rows are measured on whatever adapter there is, or say why there is none', async () => {
  const args = ['run', 'matmul', '--device', 'cpu,webgpu', '--threads', '1', '--kernels', 'naive', '--shapes', '8x8x8', '--readback'];
  const { code, err } = await place.bench([...args, '--time', '0.1', '--forks', '1', '--no-roof', '--out', 'gpu']);
  assert.is(code, 0, err);
  const rows = place.rows('gpu', 'summary.csv');
  assert.ok(rows.some(({ device, status }) => device === 'cpu' && status === 'ok'));
  const row = rows.find(({ device }) => device === 'webgpu')!;
  if (row.status === 'skipped' && !process.env.CI) return assert.ok(row.reason.length > 0);
  assert.is(row.status, 'ok', row.reason);
  assert.equal([row.verified, row.bytes_d2h], ['true', '256']);
  assert.ok(row.adapter.length > 0);
});

test('the roof is measured once for an environment, and rows are rated by it', async () => {
  const args = [
    'run',
    'matmul',
    '--device',
    'cpu',
    '--threads',
    '1',
    '--kernels',
    'naive',
    '--shapes',
    '32x32x32',
    '--quick',
    '--time',
    '0.05',
  ];
  const first = await place.bench([...args, '--out', 'rated']);
  assert.is(first.code, 0, first.err);
  assert.match(first.err, /measuring the roof of cpu\/1/);
  const [row] = place.rows('rated', 'summary.csv');
  assert.ok(Number(row.roof_pct) > 0 && Number(row.roof_pct) <= 102);
  assert.is(row.bound, 'compute');
  const second = await place.bench([...args, '--out', 'again']);
  assert.is(second.code, 0, second.err);
  assert.not.match(second.err, /measuring the roof/);
});

test.run();
