// Every kernel's space on both kinds of device: not empty, with the defaults in it, and a seeded sample of it generates, compiles and computes what it should.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { kernels, refusal, validTunables } from '../kernels/catalog.ts';
import { openCpu } from '../kernels/cpu/device.ts';
import type { Device } from '../kernels/device.ts';
import { apply, input } from '../kernels/expression.ts';
import type { AnyKernel, Tunables } from '../kernels/kernel.ts';
import {
  conv2d,
  copy,
  gather,
  matmul,
  moments,
  operandExtents,
  type Problem,
  pointwise,
  pool2d,
  random,
  reduce,
  resultNames,
  scatterAdd,
  softmax,
} from '../kernels/problem.ts';
import { seededRandom } from '../kernels/random.ts';
import { trial } from '../kernels/trial.ts';
import { webgpuForTests } from '../kernels/webgpu/adapter.ts';
import { openWebgpu } from '../kernels/webgpu/device.ts';
import { seededInputs } from './operands.ts';
import { checkResults } from './oracle.ts';

const dense = { input: [2, 5, 13, 11], filter: [7, 5, 3, 3], padding: 1 } as const;
const perChannel = { input: [1, 6, 9, 11], filter: [6, 1, 3, 3], groups: 6 } as const;
/** Ragged problems: of each op several, so that every kernel finds one that it can do. */
const PROBLEMS: readonly Problem[] = [
  matmul({ m: 45, n: 53, k: 37 }),
  matmul({ m: 3, n: 301, k: 77, epilogue: { bias: true, relu: true } }),
  conv2d({ ...dense, epilogue: { bias: true } }),
  conv2d({ input: [1, 3, 19, 17], filter: [10, 3, 5, 5], stride: 2, padding: 2 }),
  conv2d({ input: [2, 9, 7, 9], filter: [11, 9, 1, 1] }),
  conv2d(perChannel),
  conv2d({ ...dense, pass: 'filter-grad' }),
  conv2d({ ...perChannel, pass: 'filter-grad' }),
  pool2d({ kind: 'max', input: [2, 3, 13, 11], window: 3, stride: 2 }),
  pool2d({ kind: 'average', input: [2, 3, 13, 11], window: 2, stride: 2, pass: 'input-grad' }),
  pointwise({ shape: [1003], inputs: [{}, {}], expression: apply('max', apply('add', input(0), input(1)), 0) }),
  reduce({ fold: 'sum', outer: 13, reduced: 131 }),
  reduce({ fold: 'max', outer: 3, reduced: 37, inner: 21 }),
  moments({ outer: 3, channels: 5, inner: 37 }),
  softmax({ rows: 13, columns: 131 }),
  copy({ shape: [37, 53], from: { strides: [53, 1], offset: 0 }, to: { strides: [59, 1], offset: 3 } }),
  copy({ shape: [37, 53], from: { strides: [1, 37], offset: 0 }, to: { strides: [53, 1], offset: 0 } }),
  random({ distribution: 'uniform', elements: 1031, seed: 7 }),
  gather({ rows: 37, width: 29, count: 53 }),
  scatterAdd({ rows: 37, width: 29, count: 53 }),
];
const problemsOf = (kernel: AnyKernel, device: Device): Problem[] =>
  PROBLEMS.filter((problem) => problem.op === kernel.op && refusal(kernel, problem, device) === undefined);
/** The loops of the roof compute nothing that could be checked. */
const isChecked = ({ op }: AnyKernel): boolean => op !== 'fma' && op !== 'stream';

/** Members of the space drawn by a seed. Checks on the way that there are some, and that the defaults are one of them. */
function sampled(kernel: AnyKernel, problem: Problem, device: Device, count: number): Tunables[] {
  const defaults = kernel.defaults(problem, device);
  assert.is(refusal(kernel, problem, device, defaults), undefined, `${kernel.name}: its defaults ${JSON.stringify(defaults)}`);
  const draw = seededRandom(kernel.name.length + problem.op.length);
  const kept: Tunables[] = [];
  let size = 0;
  // A reservoir, since some spaces are large.
  for (const tunables of validTunables(kernel, problem, device)) {
    size++;
    if (kept.length < count) kept.push(tunables);
    else if (draw() * size < count) kept[Math.floor(draw() * count)] = tunables;
  }
  assert.ok(size > 0, `${kernel.name}: its space is empty for ${JSON.stringify(problem)}`);
  return kept;
}

async function computes(device: Device, kernel: AnyKernel, problem: Problem, tunables: Tunables): Promise<void> {
  const values = seededInputs(problem, 1);
  const operands = { extents: operandExtents(problem), values, outputs: resultNames(problem) };
  const where = `${device.kind}/${kernel.op}/${kernel.name} ${JSON.stringify(tunables)} on ${JSON.stringify(problem)}`;
  try {
    const results = await trial(device, kernel, problem, operands, tunables);
    checkResults(problem, values, results, { device: device.kind, seed: 1, errorFactor: kernel.errorFactor });
  } catch (error) {
    assert.unreachable(`${where}: ${(error as Error).message}`);
  }
}

/** Tests of the kernels on a device with `draws` configurations for each problem; on one that computes nothing, that they compile. */
function testSpaces(what: string, device: Device, { runs, draws }: { runs: boolean; draws: number }): void {
  test.after(() => device.close());
  const own = kernels.filter((kernel) => kernel.device === device.kind && isChecked(kernel));
  test(`${what}: every kernel's space has its defaults, and what is drawn from it ${runs ? 'computes' : 'compiles'}`, async () => {
    for (const kernel of own) {
      const problems = problemsOf(kernel, device);
      const able = kernel.requires.every((feature) => device.features.has(feature));
      assert.ok(problems.length > 0 || !able, `${kernel.op}/${kernel.name}: no problem here that it can do`);
      for (const problem of problems) {
        for (const tunables of sampled(kernel, problem, device, draws)) {
          if (runs) await computes(device, kernel, problem, tunables);
          else await device.prepare(kernel.generate(problem, tunables, device)).ready;
        }
      }
    }
  });
}

testSpaces('CPU, two threads', await openCpu({ threads: 2 }), { runs: true, draws: 3 });
testSpaces('CPU, one thread, default flags', await openCpu({ threads: 1, flags: 'default' }), { runs: true, draws: 2 });
const software = await webgpuForTests();
if (software) testSpaces('WebGPU', software, { runs: true, draws: 1 });
const every = await openWebgpu({ adapter: 'null' }).catch(() => undefined);
if (every) testSpaces('WebGPU with every feature', every, { runs: false, draws: 1 });

test('how work is shared is part of the space where there are threads to share it with', async () => {
  const two = await openCpu({ threads: 2 });
  const one = await openCpu({ threads: 1 });
  for (const kernel of kernels.filter(({ device, tunables }) => device === 'cpu' && 'THREADS' in tunables))
    for (const problem of problemsOf(kernel, two)) {
      const counts = (device: Device) => new Set([...validTunables(kernel, problem, device)].map(({ THREADS }) => THREADS));
      assert.equal(counts(two), new Set([0, 1]), kernel.name);
      assert.equal(counts(one), new Set([0]), kernel.name);
    }
  await Promise.all([two.close(), one.close()]);
});

test.run();
