import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tensor } from '../create.ts';
import { devicesForTests, leavesNothing, sampleValues } from '../each-device.ts';
import { gradcheck } from '../gradcheck.ts';
import { refuses } from '../refuses.ts';
import { gather, oneHot, scatterAdd } from './gather.ts';

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  const on = device.kind;
  const at = (indices: number[], shape = [indices.length]) => tensor(Int32Array.from(indices), { device, shape });

  test(`${on}: gather takes rows, scatterAdd adds them up, outside indices count for nothing`, () =>
    leavesNothing(device, async () => {
      const table = tensor(
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
        { device },
      );
      const taken = gather(table, at([1, 0, 1, 7], [2, 2]));
      assert.equal(taken.shape, [2, 2, 3]);
      assert.equal([...(await taken.read())], [4, 5, 6, 1, 2, 3, 4, 5, 6, 0, 0, 0]);
      assert.equal([...(await gather(table.transpose(), at([2])).read())], [3, 6]);
      assert.equal([...(await scatterAdd(table, at([2, 2]), 3).read())], [0, 0, 0, 0, 0, 0, 5, 7, 9]);
      assert.equal([...(await oneHot(at([2, 0, -1]), 3).read())], [0, 0, 1, 1, 0, 0, 0, 0, 0]);
    }));

  test(`${on}: gather along any axis puts the axes of the indices in its place`, () =>
    leavesNothing(device, async () => {
      const cube = tensor(
        Float32Array.from({ length: 24 }, (_, i) => i),
        { device, shape: [2, 3, 4] },
      );
      const indices = at([2, 0, 9], [1, 3]);
      const taken = cube.gather(indices, 1);
      assert.equal(taken.shape, [2, 1, 3, 4]);
      const row = (i: number, j: number) => [0, 1, 2, 3].map((k) => (j < 3 ? (i * 3 + j) * 4 + k : 0));
      assert.equal(
        [...(await taken.read())],
        [0, 1].flatMap((i) => [2, 0, 9].flatMap((j) => row(i, j))),
      );
      assert.equal([...(await cube.gather(at([3]), -1).read())], [3, 7, 11, 15, 19, 23]);
      const x = tensor(sampleValues(12, 2), { device, shape: [2, 3, 2], requiresGrad: true });
      assert.is(await gradcheck((a) => a.gather(at([1, 1, 2]), 1).square(), [x]), undefined);
      refuses(() => cube.gather(indices, 3), 'gather: axis is 3, expected a whole number from -3 to 2');
    }));

  test(`${on}: their gradients agree with differences`, () =>
    leavesNothing(device, async () => {
      const x = tensor(sampleValues(6, 1), { device, shape: [3, 2], requiresGrad: true });
      const indices = at([2, 0, 2]);
      assert.is(await gradcheck((a) => gather(a, indices).square(), [x]), undefined);
      assert.is(await gradcheck((a) => scatterAdd(a, indices, 4).square(), [x]), undefined);
    }));

  test(`${on}: indices that are no whole numbers are refused`, () =>
    leavesNothing(device, () => {
      const x = tensor([[1, 2]], { device });
      refuses(() => gather(x, tensor([0], { device })), 'gather: indices are f32[1], expected i32; cast them');
      refuses(() => scatterAdd(x, at([0, 1]), 2), 'scatterAdd: f32[1,2] does not begin with the shape of its indices, [2]');
      refuses(() => oneHot(at([0]), 0), 'oneHot: classes is 0, expected a whole number from 1');
    }));
}

test.run();
