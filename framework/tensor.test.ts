import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { full, ones, type TensorData, tensor, zeros } from './create.ts';
import { devicesForTests, leavesNothing } from './each-device.ts';
import { launchesOf } from './launches.ts';
import { refuses } from './refuses.ts';
import { scope } from './scope.ts';
import type { Tensor } from './tensor.ts';

const list = async (x: Tensor) => [...(await x.read())];
const devices = await devicesForTests();

for (const device of devices) {
  test.after(() => device.close());
  const on = device.kind;

  test(`${on}: lists, typed arrays, booleans and single numbers become tensors and come back`, () =>
    leavesNothing(device, async () => {
      const cases: [TensorData, number[], string, number[]][] = [
        [7, [], 'f32', [7]],
        [[[1, 2, 3]], [1, 3], 'f32', [1, 2, 3]],
        [[true, false, true], [3], 'bool', [1, 0, 1]],
        [Int32Array.of(-5, 2 ** 30), [2], 'i32', [-5, 2 ** 30]],
        [Uint8Array.of(1, 255, 3, 4, 5), [5], 'u8', [1, 255, 3, 4, 5]],
        [Float16Array.of(0.5, -2, 3), [3], 'f16', [0.5, -2, 3]],
        [Float64Array.of(0.1), [1], 'f32', [Math.fround(0.1)]],
      ];
      for (const [data, shape, dtype, values] of cases) {
        const x = tensor(data, { device });
        assert.equal([x.shape, x.dtype, await list(x)], [shape, dtype, values]);
      }
      assert.equal(await list(tensor(Float32Array.of(1, 2, 3, 4), { device, shape: [2, 2] }).transpose()), [1, 3, 2, 4]);
      assert.is(await tensor(3, { device }).item(), 3);
    }));

  test(`${on}: filled tensors of every dtype cross nothing`, () =>
    leavesNothing(device, async () => {
      const { writes } = device.memory();
      const filled = [full([3], 2.5, { device }), full([5], 7, { device, dtype: 'u8' }), full([3], -2, { device, dtype: 'f16' })];
      const more = [zeros([2], { device }), ones([2, 1], { device, dtype: 'bool' }), full([1], -9, { device, dtype: 'i32' })];
      assert.is(device.memory().writes, writes);
      assert.equal(await Promise.all([...filled, ...more].map(list)), [
        [2.5, 2.5, 2.5],
        [7, 7, 7, 7, 7],
        [-2, -2, -2],
        [0, 0],
        [1, 1],
        [-9],
      ]);
    }));

  test(`${on}: views share bytes, which live as long as one of them`, () =>
    leavesNothing(device, async () => {
      const { liveBuffers } = device.memory();
      const x = tensor(
        [
          [1, 2],
          [3, 4],
        ],
        { device },
      );
      const view = x.transpose();
      assert.is(device.memory().liveBuffers, liveBuffers + 1);
      x.dispose();
      x.dispose();
      assert.equal(await list(view), [1, 3, 2, 4]);
      view.dispose();
      assert.is(device.memory().liveBuffers, liveBuffers);
      refuses(
        () => x.add(1),
        'add: operand 0, f32[2,2], was disposed, or its scope has ended; return it from the scope, or dispose it later',
      );
      refuses(() => x.storage, /^tensor f32\[2,2\] was disposed/);
    }));

  test(`${on}: using and scope free what was made, and keep what is returned`, () =>
    leavesNothing(device, async () => {
      const { liveBuffers } = device.memory();
      {
        using x = tensor([1], { device });
        using y = x.add(1);
        assert.is(await y.item(), 2);
      }
      assert.is(device.memory().liveBuffers, liveBuffers);
      const { kept, parts } = scope(() => {
        const x = tensor([1, 2], { device });
        return { kept: x.add(1), parts: [x.mul(3).exp().log()] };
      });
      assert.is(device.memory().liveBuffers, liveBuffers + 2);
      assert.equal(await list(kept), [2, 3]);
      const later = await scope(async () => {
        const [sum] = [await kept.sum().item()];
        return scope(() => parts[0].add(kept)).mul(sum);
      });
      assert.is(device.memory().liveBuffers, liveBuffers + 3);
      assert.is(later.isDisposed, false);
      refuses(
        () => scope(() => [tensor([1], { device }), tensor([[1], [2, 3]] as TensorData, { device })]),
        /list 0 has the shape \[1\] but list 1 has \[2\]/,
      );
      assert.is(device.memory().liveBuffers, liveBuffers + 3);
    }));

  test(`${on}: scopes that overlap are refused`, () =>
    leavesNothing(device, async () => {
      let finish = () => {};
      const first = scope(() => new Promise<void>((resolve) => (finish = resolve)));
      const second = scope(() => Promise.resolve().then(() => first.catch(() => {})));
      finish();
      await first.then(
        () => assert.unreachable(),
        (error) => assert.match(error.message, /scope that was opened later is still open/),
      );
      await second;
    }));

  test(`${on}: an op is prepared once for its layouts, whatever the values`, () =>
    leavesNothing(device, async () => {
      const launches = launchesOf(device);
      const x = tensor([1, 2, 3], { device });
      x.add(x);
      const { misses, size } = launches;
      for (let i = 0; i < 10; i++) x.add(x.add(x));
      assert.equal([launches.misses, launches.size], [misses, size]);
      assert.equal(
        [...(await x.mul(0).div(x).read()), ...(await x.mul(-0).read())].map((value) => Object.is(value, -0)),
        [false, false, false, true, true, true],
      );
      x.reshape(3, 1).add(x);
      assert.ok(launches.misses > misses);
    }));

  test(`${on}: sizes, dtypes and counts that cannot be are named`, () =>
    leavesNothing(device, async () => {
      refuses(() => tensor([], { device }), 'tensor: shape [0] has the size 0, expected whole numbers from 1');
      refuses(() => tensor([1, 2, 3], { device, shape: [2, 2] }), 'tensor: 3 elements do not fill the shape [2,2], which has 4');
      refuses(() => tensor([1], { device, dtype: 'f64' as 'f32' }), 'tensor: dtype is f64, expected one of f32, f16, i32, u8, bool');
      refuses(() => tensor(Int32Array.of(1), { device, requiresGrad: true }), /requiresGrad needs f32 or f16, got i32/);
      refuses(() => tensor('x' as unknown as number, { device }), /cannot take string, expected numbers, lists of them/);
      const message = await tensor([1, 2], { device })
        .item()
        .catch((error) => error.message);
      assert.is(message, 'item: f32[2] has 2 elements, expected one; use read()');
    }));
}

const [cpu, webgpu] = devices;
if (webgpu) {
  test('a tensor moves between devices, and operands on two are refused', () =>
    leavesNothing(cpu, () =>
      leavesNothing(webgpu, async () => {
        const x = tensor(
          [
            [1, 2],
            [3, 4],
          ],
          { device: cpu, requiresGrad: true },
        );
        const y = await scope(() => x.transpose().detach().to(webgpu));
        assert.equal([y.device.kind, await list(y)], ['webgpu', [1, 3, 2, 4]]);
        assert.is(await y.to(webgpu), y);
        refuses(() => x.add(y), "add: operands live on cpu and webgpu, expected one device; move one with await x.to('cpu')");
        const moved = await x.to(webgpu);
        moved.square().sum().backward();
        assert.equal(await list(moved.grad!), [2, 4, 6, 8]);
        assert.is(x.grad, undefined);
        const refused = await x
          .add(1)
          .to(webgpu)
          .catch((error) => error.message);
        assert.match(refused, /to: backward cannot pass from webgpu to cpu; move the inputs first, or detach\(\)/);
      }),
    ));
}

test.run();
