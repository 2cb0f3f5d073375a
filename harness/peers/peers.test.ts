// Every peer that is installed computes what the reference says. A peer that is not is passed over with the line that says how to get it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Training } from '../../framework/exact/training.ts';
import { type Conv2dOptions, conv2d, type MatmulProblem, matmul } from '../../kernels/problem.ts';
import { webgpuForTests } from '../../kernels/webgpu/adapter.ts';
import { exerciseOf } from '../peer-exercise.ts';
import { peerNames, peers } from './catalog.ts';
import { notInstalled, placeOf } from './install.ts';
import type { OpenPeer, PeerCase } from './peer.ts';

const epilogue = { bias: true, relu: true };
const PROBLEMS: MatmulProblem[] = [
  matmul({ m: 1, n: 1, k: 1 }),
  matmul({ m: 7, n: 5, k: 3 }),
  matmul({ m: 33, n: 65, k: 129, transposeA: true }),
  matmul({ m: 64, n: 64, k: 64, transposeB: true }),
  matmul({ m: 17, n: 31, k: 13, transposeA: true, transposeB: true, alpha: 0.5 }),
  matmul({ batch: 3, m: 9, n: 10, k: 11 }),
  matmul({ batch: 2, m: 9, n: 10, k: 11, transposeA: true, transposeB: true, epilogue }),
  matmul({ m: 20, n: 30, k: 40, epilogue }),
  matmul({ m: 6, n: 10, k: 14, transposeB: true, epilogue: { bias: true, relu: false } }),
  matmul({ m: 20, n: 30, k: 40, epilogue: { bias: false, relu: true } }),
];

const CONVOLUTIONS: Conv2dOptions[] = [
  { input: [1, 1, 1, 1], filter: [1, 1, 1, 1] },
  { input: [2, 3, 9, 11], filter: [7, 3, 3, 3], padding: 1 },
  { input: [1, 5, 12, 7], filter: [6, 5, 1, 1] },
  { input: [1, 3, 15, 14], filter: [8, 3, 7, 7], stride: 2, padding: 3, epilogue: { bias: true, residual: false, relu: true } },
  { input: [2, 4, 10, 9], filter: [8, 4, 3, 3], padding: 1, epilogue: { bias: true, residual: true, relu: true } },
  { input: [1, 4, 10, 9], filter: [8, 4, 3, 3], padding: 1, epilogue: { bias: false, residual: true, relu: false } },
  { input: [1, 6, 8, 9], filter: [6, 1, 3, 3], groups: 6, padding: 1, stride: 2 },
  { input: [1, 3, 8, 9], filter: [6, 1, 3, 3], groups: 3, padding: 1, epilogue: { bias: true, residual: false, relu: false } },
  { input: [2, 6, 7, 5], filter: [9, 2, 3, 3], groups: 3, padding: 1 },
  { input: [1, 2, 12, 11], filter: [3, 2, 3, 3], dilation: 2, padding: 2 },
  { input: [1, 2, 7, 8], filter: [3, 2, 2, 4], padding: [0, 1, 3, 0], stride: [1, 2] },
];

const linear = (inputs: number, outputs: number, bias: boolean) => ({ kind: 'linear' as const, inputs, outputs, bias });
const TRAININGS: Training[] = [
  {
    example: [9],
    batch: 7,
    layers: [linear(9, 6, false), { kind: 'relu' }, linear(6, 5, true)],
    loss: 'mse',
    rate: 0.3,
    distinct: 7,
  },
  {
    example: [2, 8, 8],
    batch: 5,
    layers: [
      { kind: 'conv2d', inputs: 2, outputs: 3, window: 3, padding: 1 },
      { kind: 'relu' },
      { kind: 'maxPool2d', window: 2 },
      { kind: 'conv2d', inputs: 3, outputs: 4, window: 3, padding: 0 },
      { kind: 'flatten' },
      linear(16, 3, true),
    ],
    loss: 'crossEntropy',
    rate: 0.3,
    distinct: 5,
  },
];

const MODELS = ['alexnet', 'vgg16', 'resnet18', 'resnet50'];

const folder = mkdtempSync(join(tmpdir(), 'tilebench-peers-'));
test.after(() => rmSync(folder, { recursive: true }));

/** A picture as a PPM file, its left half of one colour and its right half of another, so that the mean of whatever is cut from its middle is theirs. */
function picture(name: string, width: number, height: number, left: number, right: number): string {
  const pixels = Buffer.from({ length: width * height * 3 } as ArrayLike<number>).map((_, i) =>
    (i / 3) % width < width / 2 ? left : right,
  );
  writeFileSync(join(folder, name), Buffer.concat([Buffer.from(`P6 ${width} ${height} 255\n`), pixels]));
  return join(folder, name);
}
const pictures = [picture('wide.ppm', 80, 50, 0, 100), picture('high.ppm', 20, 46, 255, 201), picture('square.ppm', 64, 64, 30, 10)];
const loading = { kind: 'loader' as const, files: pictures, batch: 2, shorter: 40, size: 32, means: [50 / 255, 228 / 255] };

/** Narrow nets; convolutions in all passes, with weights that change and weights that do not; training steps. */
const CASES: PeerCase[] = [
  ...MODELS.flatMap((net) =>
    (['forward', 'backward'] as const).map((pass) => ({
      kind: 'model' as const,
      pass,
      model: { net, batch: 2, size: 64, width: 1 / 16, seed: 3 },
    })),
  ),
  { ...loading, workers: 0, prefetch: 1 },
  { ...loading, workers: 2, prefetch: 2 },
  ...TRAININGS.map((training) => ({ kind: 'train-step' as const, training })),
  ...PROBLEMS.map((problem) => ({ kind: 'gemm' as const, problem })),
  ...CONVOLUTIONS.flatMap((options) => [
    { kind: 'conv' as const, problem: conv2d(options), constants: [] },
    { kind: 'conv' as const, problem: conv2d(options), constants: ['filter', 'bias'] },
    { kind: 'conv' as const, problem: conv2d({ ...options, epilogue: {}, pass: 'input-grad' }), constants: [] },
    { kind: 'conv' as const, problem: conv2d({ ...options, epilogue: {}, pass: 'filter-grad' }), constants: [] },
  ]),
];

async function check(open: OpenPeer, given: PeerCase): Promise<void> {
  const { asked, inputs, calls, resultBytes, check } = await exerciseOf(given, 40);
  const run = await open.prepare(asked, inputs);
  for (let done = 0; done < calls; done++) await run.run();
  if (asked.kind !== 'train-step') {
    await run.runUnthrottled?.();
    if (run.time) assert.ok((await run.time(2)) > 0);
  }
  const result = await run.read();
  assert.is(result.byteLength, resultBytes);
  try {
    check(result);
  } catch (error) {
    throw new Error(`${JSON.stringify(given)}: ${(error as Error).message}`);
  }
  await run.close();
}

const adapter = await webgpuForTests();
await adapter?.close();

for (const peer of peers) {
  const missing = notInstalled(peer) ?? (peer.device === 'webgpu' && !adapter ? `${peer.name} has no adapter here` : undefined);
  if (missing) console.log(missing);
  (missing ? test.skip : test)(`${peer.name} computes what the reference says`, async () => {
    const open = await peer.open(placeOf(peer), { threads: peer.threaded ? 2 : 1 });
    assert.ok(Object.values(open.versions()).every((version) => version !== '' && version !== 'unknown'));
    let done = 0;
    for (const asked of CASES)
      if (peer.supports(asked) === undefined) {
        await check(open, asked);
        done++;
      }
    assert.ok(done >= 5, `supports only ${done} of ${CASES.length} cases`);
    await open.close();
  });
}

test('pictures that are not those of the case are noticed', async () => {
  const { check } = await exerciseOf({ ...loading, workers: 0, prefetch: 1 }, 40);
  const values = new Float32Array(2 * 3 * 32 * 32).fill(50 / 255);
  assert.throws(() => check(values), /the mean of .*high\.ppm is 0\.69.* off ours/);
  assert.throws(() => check(values.slice(1)), /6143 elements, expected 6144/);
});

test('what a peer cannot do has a reason', () => {
  for (const peer of peers) {
    assert.type(peer.supports({ kind: 'gemm', problem: matmul({ m: 2, n: 2, k: 2, dtype: 'f16' }) }), 'string', peer.name);
    const uneven = conv2d({ input: [1, 4, 7, 8], filter: [4, 2, 2, 4], groups: 2, padding: [0, 1, 3, 0], pass: 'input-grad' });
    assert.type(peer.supports({ kind: 'conv', problem: uneven, constants: [] }), 'string', peer.name);
  }
  assert.is(new Set(peerNames).size, peerNames.length);
});

// Some libraries leave workers behind that no call ends.
test.after(() => void setTimeout(() => process.exit(), 100).unref());
test.run();
