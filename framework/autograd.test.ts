import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { backward, customFunction, grad } from './autograd.ts';
import { tensor } from './create.ts';
import { devicesForTests, differs, leavesNothing } from './each-device.ts';
import { gradcheck } from './gradcheck.ts';
import { where } from './ops/pointwise.ts';
import { refuses } from './refuses.ts';
import { scope } from './scope.ts';
import { noGrad } from './tape.ts';
import type { Tensor } from './tensor.ts';

const list = async (x: Tensor | undefined) => [...(await x!.read())];

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  const on = device.kind;
  const leaf = (...values: number[]) => tensor(values, { device, requiresGrad: true });

  test(`${on}: gradients add up over uses and calls, until they are zeroed`, () =>
    leavesNothing(device, async () => {
      const x = leaf(1, 2);
      x.mul(x).add(x).sum().backward();
      assert.equal(await list(x.grad), [3, 5]);
      x.sum().backward();
      assert.equal(await list(x.grad), [4, 6]);
      x.zeroGrad();
      assert.is(x.grad, undefined);
      x.mul(2).backward(tensor([10, 100], { device }));
      assert.equal(await list(x.grad), [20, 200]);
    }));

  test(`${on}: intermediates may be disposed before backward, and are freed by it`, () =>
    leavesNothing(device, async () => {
      const x = leaf(1, 2);
      const { liveBuffers } = device.memory();
      const loss = scope(() => x.exp().mul(x).relu().sum());
      assert.ok(device.memory().liveBuffers > liveBuffers + 1);
      loss.backward();
      loss.dispose();
      assert.is(device.memory().liveBuffers, liveBuffers + 1);
      assert.is(differs(await x.grad!.read(), [2 * Math.E, 3 * Math.E ** 2], 1e-5), undefined);
    }));

  test(`${on}: what nobody reaches any more lets go of what it kept, however long the chain`, () =>
    leavesNothing(device, () => {
      const x = leaf(1);
      const { liveBuffers } = device.memory();
      scope(() => {
        let y = x;
        for (let i = 0; i < 3000; i++) y = y.neg();
      });
      assert.is(device.memory().liveBuffers, liveBuffers);
    }));

  test(`${on}: a second backward needs retainGraph, and says so`, () =>
    leavesNothing(device, async () => {
      const x = leaf(3);
      const y = x.square();
      y.backward(undefined, { retainGraph: true });
      y.backward();
      assert.equal(await list(x.grad), [12]);
      refuses(() => y.backward(), 'backward: square was freed by an earlier backward; pass { retainGraph: true } to that one');
    }));

  test(`${on}: gradients can be differentiated again`, () =>
    leavesNothing(device, async () => {
      const x = leaf(0.5, 2);
      const [first] = grad(x.pow(4).sum(), [x], { createGraph: true });
      const [second] = grad(first.sum(), [x], { createGraph: true });
      const [third] = grad(second.sum(), [x]);
      assert.is(differs(await first.read(), [0.5, 32], 1e-4), undefined);
      assert.is(differs(await second.read(), [3, 48], 1e-4), undefined);
      assert.is(differs(await third.read(), [12, 48], 1e-4), undefined);
      assert.is(x.grad, undefined);
      const slopes = (y: Tensor) => grad(y.tanh().mul(y.sigmoid()).sum(), [y], { createGraph: true })[0];
      assert.is(await gradcheck(slopes, [x], { tolerance: 3e-3 }), undefined);
    }));

  test(`${on}: noGrad and detach record nothing`, () =>
    leavesNothing(device, async () => {
      const x = leaf(2);
      assert.is(noGrad(() => x.mul(2)).requiresGrad, false);
      await noGrad(async () => {
        assert.is(await x.mul(2).item(), 4);
        assert.is(x.mul(2).requiresGrad, false);
      });
      x.mul(x.detach()).backward();
      assert.equal(await list(x.grad), [2]);
      refuses(() => x.detach().backward(), 'backward: f32[1] depends on nothing with requiresGrad, or was made under noGrad');
    }));

  test(`${on}: a custom function has the backward it was given`, () =>
    leavesNothing(device, async () => {
      let calls = 0;
      const relu = customFunction({
        name: 'myRelu',
        forward: (x) => x.clip(0, 1e30),
        backward: ({ inputs: [x] }, upstream) => {
          calls++;
          return [where(x.gt(0), upstream, 0)];
        },
      });
      const x = leaf(-1, 0.5, 3);
      relu(x.mul(2)).square().sum().backward();
      assert.is(calls, 1);
      assert.equal(await list(x.grad), [0, 4, 24]);
      assert.is(await gradcheck((y) => relu(y).mul(y), [leaf(-0.5, 0.7)]), undefined);
      const same = customFunction({ name: 'same', forward: (y) => y, backward: (_call, upstream) => [upstream.mul(10)] });
      x.zeroGrad();
      same(x).sum().backward();
      assert.equal(await list(x.grad), [10, 10, 10]);
    }));

  test(`${on}: what cannot be differentiated is named`, () =>
    leavesNothing(device, () => {
      const x = leaf(1, 2);
      refuses(() => backward(x.mul(2)), /backward: f32\[2\] has 2 elements; sum it to one, or give the gradient of each as upstream/);
      refuses(() => x.backward(tensor([1], { device })), 'backward: upstream is f32[1], expected the shape of the output, f32[2]');
      refuses(() => x.argmax().backward(), /backward: i32\[\] depends on nothing with requiresGrad/);
      refuses(() => grad(x.sum(), [x, leaf(1)]), /grad: the output does not depend on input 1, f32\[1\], or it has no requiresGrad/);
      const wide = customFunction({ name: 'wide', forward: (y) => y.sum(), backward: (_call, upstream) => [upstream] });
      refuses(() => wide(x).backward(), 'backward: wide gave operand 0, f32[2], the gradient f32[]; expected its shape');
      const nowhere = customFunction({ name: 'nowhere', forward: (y) => y.mul(1), backward: () => [undefined] });
      nowhere(x).sum().backward();
      assert.is(x.grad, undefined);
      refuses(() => x.lt(0).backward(), /bool\[2\] depends on nothing/);
    }));
}

test.run();
