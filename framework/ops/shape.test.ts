import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tensor } from '../create.ts';
import { devicesForTests, leavesNothing, sampleValues } from '../each-device.ts';
import { gradcheck } from '../gradcheck.ts';
import { refuses } from '../refuses.ts';
import type { Tensor } from '../tensor.ts';
import { concat, stack } from './assemble.ts';
import { contiguous, stopGradient, transposeMatrix } from './shape.ts';

const SHAPE = [2, 3, 5] as const;
const values = Float32Array.from({ length: 30 }, (_, i) => i);
const at = (i: number, j: number, k: number) => (i * 3 + j) * 5 + k;
/** What f gives over every index of a shape of three axes, in order. */
const each = (shape: readonly number[], f: (i: number, j: number, k: number) => number): number[] =>
  Array.from({ length: shape[0] * shape[1] * shape[2] }, (_, n) =>
    f(Math.floor(n / (shape[1] * shape[2])), Math.floor(n / shape[2]) % shape[1], n % shape[2]),
  );

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  const on = device.kind;
  const cube = (requiresGrad = false) => tensor(values, { device, shape: SHAPE, requiresGrad });

  test(`${on}: transposes, slices, broadcasts and reshapes of dense tensors are views`, () =>
    leavesNothing(device, async () => {
      const x = cube();
      const { liveBuffers } = device.memory();
      const turned = x.transpose(2, 0, 1);
      const cut = x.slice([0, -1], [1], [0, 5, 2]);
      const wide = x.reshape(2, 1, 15).broadcastTo(2, 4, 15);
      assert.is(device.memory().liveBuffers, liveBuffers);
      assert.equal(
        [turned.shape, cut.shape, wide.shape],
        [
          [5, 2, 3],
          [1, 2, 3],
          [2, 4, 15],
        ],
      );
      assert.equal(
        [...(await turned.read())],
        each([5, 2, 3], (i, j, k) => at(j, k, i)),
      );
      assert.equal(
        [...(await cut.read())],
        each([1, 2, 3], (i, j, k) => at(i, j + 1, 2 * k)),
      );
      assert.equal(
        [...(await wide.read())],
        each([2, 4, 15], (i, _j, k) => i * 15 + k),
      );
      assert.equal([...(await cut.transpose().slice([1, 2]).add(1).read())], [8, 13]);
      assert.equal(
        [...(await turned.reshape(-1, 6).slice([4]).read())],
        each([1, 2, 3], (_, j, k) => at(j, k, 4)),
      );
    }));

  test(`${on}: pad, concat and stack put every element where it belongs, in every width`, () =>
    leavesNothing(device, async () => {
      // Halves are computed with on WebGPU only.
      for (const dtype of ['f32', 'i32', 'u8', ...(on === 'webgpu' ? (['f16'] as const) : [])] as const) {
        const x = cube().cast(dtype);
        const padded = x.pad(
          [
            [1, 0],
            [0, 0],
            [2, 1],
          ],
          7,
        );
        assert.equal(
          [...(await padded.read())],
          each([3, 3, 8], (i, j, k) => (i > 0 && k > 1 && k < 7 ? at(i - 1, j, k - 2) : 7)),
          dtype,
        );
        const joined = concat([x, x.slice([], [0, 1]), x.transpose(0, 1, 2)], 1);
        assert.equal(
          [...(await joined.read())],
          each([2, 7, 5], (i, j, k) => at(i, j < 3 ? j : j === 3 ? 0 : j - 4, k)),
          dtype,
        );
        const flat = x.slice([1, 2]).reshape(3, 5);
        const stacked = stack([flat, transposeMatrix(transposeMatrix(flat))], -1);
        assert.equal(
          [...(await stacked.read())],
          each([3, 5, 2], (i, j) => at(1, i, j)),
          dtype,
        );
      }
    }));

  test(`${on}: gradients of all that move elements agree with differences`, () =>
    leavesNothing(device, async () => {
      const x = tensor(sampleValues(12, 1), { device, shape: [2, 2, 3], requiresGrad: true });
      const y = tensor(sampleValues(6, 2), { device, shape: [2, 3], requiresGrad: true });
      const alone: [string, (a: Tensor) => Tensor][] = [
        ['transpose', (a) => a.transpose(1, 2, 0)],
        ['reshape', (a) => a.transpose().reshape(4, 3)],
        ['broadcastTo', (a) => a.reshape(2, 1, 6).broadcastTo(2, 3, 6)],
        ['slice', (a) => a.slice([1], [], [0, 3, 2])],
        [
          'pad',
          (a) =>
            a.pad(
              [
                [1, 2],
                [0, 1],
              ],
              3,
            ),
        ],
        ['contiguous', (a) => contiguous(a.transpose())],
      ];
      for (const [name, work] of alone) assert.is(await gradcheck((a) => work(a).square(), [x]), undefined, name);
      assert.is(await gradcheck((a, b) => concat([a, b.reshape(1, 2, 3), a]).square(), [x, y]), undefined);
      assert.is(await gradcheck((a, b) => stack([b, a.slice([0, 1]).reshape(2, 3)], 1).square(), [x, y]), undefined);
    }));

  test(`${on}: no gradient passes stopGradient`, () =>
    leavesNothing(device, async () => {
      const x = tensor([3], { device, requiresGrad: true });
      x.mul(stopGradient(x)).backward();
      assert.equal([...(await x.grad!.read())], [3]);
    }));

  test(`${on}: shapes and ranges that do not fit are named`, () =>
    leavesNothing(device, () => {
      const x = cube();
      refuses(() => x.reshape(4, 8), 'reshape: f32[2,3,5] has 30 elements, but [4,8] has 32; use -1 for one size to let it follow');
      refuses(() => x.reshape(7, -1), /reshape: shape \[7,4.28\d+\] has the size 4.28/);
      refuses(() => x.transpose(0, 1, 1), 'transpose: order [0,1,1] must name each of the 3 axes of f32[2,3,5] once');
      refuses(() => x.broadcastTo(3, 5), 'broadcastTo: f32[2,3,5] does not broadcast to [3,5], which has fewer elements');
      refuses(() => x.slice([0, 2], [3]), /slice: axis 1 of f32\[2,3,5\] cannot be cut from 3 to 3 by 1; expected 0 <= start < end <= 3/);
      refuses(() => concat([x, x.transpose()], 1), /concat: f32\[2,3,5\] and f32\[5,3,2\] do not fit along axis 1/);
      refuses(() => concat([]), 'concat: got no tensors, expected at least one');
    }));
}

test.run();
