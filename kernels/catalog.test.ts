import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ChoiceTarget, choose, kernels, kernelsFor, refusal, validTunables } from './catalog.ts';
import type { DeviceKind } from './kernel.ts';
import { type Conv2dOptions, conv2d, matmul } from './problem.ts';

const cpu = (features: string[], threads = 1) => ({
  kind: 'cpu' as DeviceKind,
  features: new Set(features),
  limits: { threads, l1Bytes: 32768, l2Bytes: 2 ** 20, l3Bytes: 2 ** 25 },
});
const fast = cpu(['simd', 'relaxed-simd', 'revectorize', 'threads']);

test('names are unique on their op and device, and what constraints read is declared', () => {
  const names = kernels.map(({ device, op, name }) => `${device}/${op}/${name}`);
  assert.is(new Set(names).size, names.length);
  assert.ok(kernelsFor('matmul', 'cpu').length >= 5);
  assert.ok(kernelsFor('matmul', 'webgpu').length >= 5);
});

test('defaults of the CPU kernels are valid wherever the kernel is', () => {
  for (const device of [fast, cpu(['simd', 'relaxed-simd']), cpu(['simd'])])
    for (const [m, n, k] of [
      [1, 1, 1],
      [1, 4096, 4096],
      [3000, 8, 100],
      [512, 512, 512],
      [7, 300, 20],
    ]) {
      const problem = matmul({ m, n, k });
      for (const kernel of kernelsFor('matmul', 'cpu'))
        if (!refusal(kernel, problem, device))
          assert.is(refusal(kernel, problem, device, kernel.defaults(problem, device)), undefined, `${kernel.name} ${m}x${n}x${k}`);
    }
});

test('the choice follows the shape', () => {
  const chosen = (m: number, n: number, k: number, device = fast) => choose(matmul({ m, n, k }), device).kernel.name;
  assert.is(chosen(64, 64, 64), 'direct');
  assert.is(chosen(1024, 1024, 1024), 'packed');
  assert.is(chosen(1, 4096, 4096), 'gemv');
  assert.is(chosen(4096, 1, 4096), 'gemv');
  assert.is(chosen(35, 8457, 2560), 'packed');
  // Few columns of B, and a B that a second-level cache holds: packing it does not pay.
  assert.is(chosen(1760, 64, 1760), 'direct');
  assert.is(chosen(2560, 128, 2560), 'packed');
  const two = cpu([...fast.features], 2);
  for (const [m, n, k] of [
    [3072, 1, 1024],
    [4096, 1, 4096],
    [1, 4096, 4096],
  ])
    assert.is(chosen(m, n, k, two), 'gemv', `${m}x${n}x${k}`);
});

test('a refusal names the feature, the tunable or the constraint', () => {
  const [packed] = kernelsFor('matmul', 'cpu').filter(({ name }) => name === 'packed');
  const problem = matmul({ m: 64, n: 64, k: 64 });
  const defaults = packed.defaults(problem, fast);
  assert.match(refusal(packed, problem, cpu([]))!, /the device lacks simd/);
  assert.match(refusal(packed, problem, fast, { ...defaults, MR: 7 })!, /MR is 7, expected one of 6, /);
  assert.match(refusal(packed, problem, fast, { ...defaults, XY: 7 })!, /no tunable XY; it has MR, NR/);
  assert.match(refusal(packed, problem, fast, { ...defaults, MR: 8, NR: 16 })!, /break the constraint MR \* NR <= 96/);
  assert.throws(
    () => choose(matmul({ m: 4, n: 4, k: 4, dtype: 'f16' }), fast),
    /no kernel on cpu can do this matmul problem \(naive: it stores f32/,
  );
});

test('every configuration that is listed as valid is not refused', () => {
  const problem = matmul({ m: 100, n: 100, k: 100 });
  for (const kernel of kernelsFor('matmul', 'cpu')) {
    if (refusal(kernel, problem, fast)) continue;
    const all = [...validTunables(kernel, problem, fast)];
    assert.ok(all.length > 0, kernel.name);
    for (const tunables of all.slice(0, 500)) assert.is(refusal(kernel, problem, fast, tunables), undefined);
  }
});

const convolution = conv2d({ input: [1, 8, 20, 20], filter: [8, 8, 3, 3], padding: 1 });

test('convolutions are done by the kernel that is made for them', () => {
  const chosen = (options: Conv2dOptions, constants = ['filter'], device: ChoiceTarget = fast) =>
    choose(conv2d(options), device, { constants }).kernel.name;
  assert.is(chosen({ input: [1, 128, 56, 56], filter: [128, 1, 3, 3], padding: 1, groups: 128 }), 'depthwise');
  assert.is(chosen({ input: [8, 64, 112, 112], filter: [64, 1, 3, 3], padding: 1, stride: 2, groups: 64 }), 'depthwise');
  assert.is(chosen({ input: [1, 64, 56, 56], filter: [16, 64, 1, 1] }), 'pointwise');
  assert.is(chosen({ input: [1, 64, 56, 56], filter: [256, 64, 1, 1] }), 'im2col');
  assert.is(chosen({ input: [1, 256, 56, 56], filter: [512, 256, 1, 1], stride: 2 }), 'im2col');
  assert.is(chosen({ input: [1, 3, 224, 224], filter: [64, 3, 7, 7], padding: 3, stride: 2 }), 'im2col');
  assert.is(chosen({ input: [1, 96, 27, 27], filter: [256, 48, 5, 5], padding: 2, groups: 2 }), 'im2col');
  assert.is(chosen({ input: [1, 64, 56, 56], filter: [64, 64, 1, 1], pass: 'filter-grad' }), 'im2col');
});

test('where deterministic is asked for, of the device or of the choice, no kernel that loses accuracy is chosen', () => {
  const layer = conv2d({ input: [1, 256, 56, 56], filter: [256, 256, 3, 3], padding: 1 });
  const options = { constants: ['filter'] };
  assert.ok((choose(layer, fast, options).kernel.errorFactor ?? 1) > 1, 'unasked, Winograd is');
  for (const { kernel } of [
    choose(layer, { ...fast, deterministic: true }, options),
    choose(layer, fast, { ...options, deterministic: true }),
  ])
    assert.is(kernel.errorFactor ?? 1, 1, kernel.name);
  const pinned = { ...options, deterministic: true, kernel: choose(layer, fast, options).kernel.name };
  assert.throws(() => choose(layer, fast, pinned), /it loses accuracy, and deterministic is asked for/);
});

test('a name pins the kernel, and one that cannot do it is refused by name', () => {
  assert.is(choose(convolution, fast, { kernel: 'naive' }).kernel.name, 'naive');
  assert.throws(
    () => choose(convolution, fast, { kernel: 'fourier' }),
    /no kernel fourier on cpu can do this conv2d problem \(there is none for it\)/,
  );
  assert.throws(() => choose(matmul({ m: 2, n: 2, k: 2 }), cpu([]), { kernel: 'packed' }), /packed: the device lacks simd/);
});

test.run();
