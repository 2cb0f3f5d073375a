import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { choose, refusal, validTunables } from '../../catalog.ts';
import { awkwardProblems } from '../../conformance.ts';
import { DeviceError } from '../../device.ts';
import { matmul } from '../../problem.ts';
import { seededRandom } from '../../random.ts';
import { openWebgpu } from '../device.ts';
import { webgpuKernels } from '../kernels.ts';

// What no software adapter has (shader-f16) or compiles in reasonable time (large blocks): the generated code is at least valid.
const CONFIGURATIONS = 1;

const device = await openWebgpu({ adapter: 'null' }).catch((error) => {
  if (!(error instanceof DeviceError) || process.env.CI) throw error;
  console.log(`skipped: ${error.message}`);
});

if (device) {
  test.after(() => device.close());
  for (const kernel of webgpuKernels.filter(({ op }) => op === 'matmul'))
    for (const dtype of ['f32', 'f16'] as const)
      test(`${kernel.name}: valid code in ${dtype} where the device has every feature`, async () => {
        assert.ok(device.features.has('shader-f16'));
        const random = seededRandom(5);
        let programs = 0;
        for (const problem of awkwardProblems({ m: 32, n: 32, k: 16 }, dtype)) {
          if (refusal(kernel, problem, device) !== undefined) continue;
          const valid = [...validTunables(kernel, problem, device)];
          const drawn = Array.from({ length: CONFIGURATIONS }, () => valid[Math.floor(random() * valid.length)]);
          for (const tunables of [kernel.defaults(problem, device), ...drawn]) {
            assert.is(refusal(kernel, problem, device, tunables), undefined);
            await device.prepare(kernel.generate(problem, tunables, device)).ready;
            programs++;
          }
        }
        assert.ok(programs > 0);
      });

  test('the code of a variant does not depend on sizes', () => {
    for (const kernel of webgpuKernels.filter(({ op }) => op === 'matmul')) {
      const [few, many] = [matmul({ m: 8, n: 64, k: 32 }), matmul({ m: 8, n: 640, k: 320 })];
      const tunables = kernel.defaults(few, device);
      assert.is(kernel.variant(few), kernel.variant(many));
      assert.equal(kernel.generate(few, tunables, device), kernel.generate(many, tunables, device), kernel.name);
    }
  });

  test('choice follows the shape: vectors, long K, large squares', () => {
    const chosen = (m: number, n: number, k: number, softwareAdapter: number) =>
      choose(matmul({ m, n, k }), { kind: 'webgpu', features: device.features, limits: { ...device.limits, softwareAdapter } }).kernel.name;
    for (const software of [0, 1]) {
      assert.is(chosen(1, 4096, 4096, software), 'gemv');
      assert.is(chosen(4096, 1, 4096, software), 'gemv');
      assert.is(chosen(32, 32, 100_000, software), 'splitk');
    }
    assert.is(chosen(1024, 1024, 1024, 0), 'register');
    assert.is(chosen(1024, 1024, 1024, 1), 'subgroup');
  });
}

test.run();
