import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tensor } from './create.ts';
import { devicesForTests, leavesNothing } from './each-device.ts';
import { refuses } from './refuses.ts';
import { assign, rule, update, updateOp } from './update.ts';

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  const on = device.kind;

  test(`${on}: an update changes a tensor where it lies, by operands that broadcast`, () =>
    leavesNothing(device, async () => {
      const x = tensor(
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
        { device },
      );
      const row = tensor([10, 20, 30, 40], { device }).slice([1]);
      const column = tensor([[2], [3]], { device });
      const { liveBuffers } = device.memory();
      const scaleAndShift = updateOp('test scale and shift', (old, factor, term) => rule.add(rule.mul(old, factor), term));
      update(scaleAndShift, x, column, row);
      assert.is(device.memory().liveBuffers, liveBuffers);
      assert.equal([...(await x.read())], [22, 34, 46, 32, 45, 58]);
    }));

  test(`${on}: assign takes over elements, of a copy of the tensor itself too`, () =>
    leavesNothing(device, async () => {
      const x = tensor(
        [
          [1, 2],
          [3, 4],
        ],
        { device },
      );
      assign(x, x);
      assign(x, x.transpose().clone());
      assert.equal([...(await x.read())], [1, 3, 2, 4]);
      assign(
        x,
        tensor(
          [
            [5, 6],
            [7, 8],
          ],
          { device },
        ).transpose(),
      );
      assert.equal([...(await x.read())], [5, 7, 6, 8]);
    }));

  test(`${on}: views as targets, shared bytes and other shapes are refused`, () =>
    leavesNothing(device, () => {
      const x = tensor(
        [
          [1, 2],
          [3, 4],
        ],
        { device },
      );
      refuses(() => assign(x.transpose(), x), 'update assign: f32[2,2] is a view; update the tensor that it is a view of');
      refuses(() => assign(x, x.transpose()), /shares the bytes of the tensor that is changed; give it a copy, by clone\(\)/);
      const add = updateOp('test add', rule.add);
      refuses(
        () => update(add, tensor([1, 2], { device }), x),
        'update test add: f32[2,2] does not broadcast to the tensor that is changed, f32[2]',
      );
      refuses(() => assign(x, tensor([1, 2], { device })), 'assign: f32[2,2] cannot take f32[2]; expected the same shape and dtype');
    }));
}

test.run();
