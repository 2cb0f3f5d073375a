import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { choose, refusal, validTunables } from '../../catalog.ts';
import { awkwardConvolutions } from '../../conv2d-conformance.ts';
import { DeviceError } from '../../device.ts';
import { type Conv2dOptions, conv2d } from '../../problems/conv2d.ts';
import { seededRandom } from '../../random.ts';
import { openWebgpu } from '../device.ts';
import { webgpuKernels } from '../kernels.ts';

// What a software adapter does not compile in reasonable time: configurations drawn from the whole space are at least valid code.
const device = await openWebgpu({ adapter: 'null' }).catch((error) => {
  if (!(error instanceof DeviceError) || process.env.CI) throw error;
  console.log(`skipped: ${error.message}`);
});
const kernels = webgpuKernels.filter(({ op }) => op === 'conv2d');

if (device) {
  test.after(() => device.close());

  for (const kernel of kernels)
    test(`${kernel.name}: valid code for its defaults and for configurations drawn at random`, async () => {
      const random = seededRandom(3);
      let programs = 0;
      for (const problem of awkwardConvolutions()) {
        if (refusal(kernel, problem, device) !== undefined) continue;
        const valid = [...validTunables(kernel, problem, device)];
        const drawn = valid[Math.floor(random() * valid.length)];
        for (const tunables of [kernel.defaults(problem, device), drawn]) {
          assert.is(refusal(kernel, problem, device, tunables), undefined, JSON.stringify(tunables));
          assert.equal(Object.keys(tunables), Object.keys(kernel.tunables));
          await device.prepare(kernel.generate(problem, tunables, device)).ready;
          programs++;
        }
      }
      assert.ok(programs > 0);
    });

  test('the code of a variant does not depend on sizes', () => {
    const [few, many] = [4, 12].map((size) => conv2d({ input: [1, size, 2 * size, 2 * size], filter: [size, size, 3, 3], padding: 1 }));
    for (const kernel of kernels) {
      if (kernel.rejects(few, device) !== undefined) continue;
      const tunables = kernel.defaults(few, device);
      assert.is(kernel.variant(few), kernel.variant(many), kernel.name);
      assert.equal(kernel.generate(few, tunables, device), kernel.generate(many, tunables, device), kernel.name);
    }
  });

  test('choice follows the shape', () => {
    const chosen = (softwareAdapter: number, options: Conv2dOptions) => {
      const limits = { ...device.limits, softwareAdapter, subgroupMinSize: softwareAdapter ? 4 : 32 };
      return choose(conv2d(options), { kind: 'webgpu', features: device.features, limits }, { constants: ['filter'] }).kernel.name;
    };
    for (const software of [0, 1]) {
      assert.is(chosen(software, { input: [1, 3, 224, 224], filter: [64, 3, 7, 7], stride: 2, padding: 3 }), 'direct');
      assert.is(chosen(software, { input: [1, 64, 56, 56], filter: [256, 64, 1, 1] }), 'pointwise');
      assert.is(chosen(software, { input: [1, 256, 28, 28], filter: [256, 1, 3, 3], padding: 1, groups: 256 }), 'depthwise');
      assert.is(chosen(software, { input: [8, 512, 14, 14], filter: [512, 512, 3, 3], padding: 1 }), 'winograd2');
    }
    const strided = { input: [1, 128, 56, 56], filter: [128, 128, 3, 3], stride: 2, padding: 1 };
    assert.is(chosen(0, strided), 'implicit');
    assert.is(chosen(1, strided), 'direct');
    assert.is(chosen(1, { input: [2, 3, 8, 8], filter: [4, 3, 3, 3], padding: 1 }), 'naive');
  });
}

test.run();
