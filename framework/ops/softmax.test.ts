import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { grad } from '../autograd.ts';
import { tensor } from '../create.ts';
import { devicesForTests, differs, leavesNothing, sampleValues } from '../each-device.ts';
import { gradcheck } from '../gradcheck.ts';
import { refuses } from '../refuses.ts';
import { crossEntropy, mseLoss } from './softmax.ts';

const ROWS = 5;
const CLASSES = 7;
const logits = sampleValues(ROWS * CLASSES, 1, -3, 3);
const rows = Array.from({ length: ROWS }, (_, i) => [...logits.subarray(i * CLASSES, (i + 1) * CLASSES)]);
const probabilities = rows.flatMap((row) => {
  const total = row.reduce((sum, value) => sum + Math.exp(value), 0);
  return row.map((value) => Math.exp(value) / total);
});

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  const on = device.kind;

  test(`${on}: softmax and its logarithm are right along any axis, and do not overflow`, () =>
    leavesNothing(device, async () => {
      const x = tensor(logits, { device, shape: [ROWS, CLASSES] });
      assert.is(differs(await x.softmax().read(), probabilities, 1e-6), undefined);
      assert.is(differs(await x.logSoftmax().read(), probabilities.map(Math.log), 1e-5), undefined);
      assert.is(differs(await x.transpose().softmax(0).transpose().read(), probabilities, 1e-6), undefined);
      const huge = tensor([[1000, 999, -1000]], { device });
      assert.is(differs(await huge.softmax().read(), [1 / (1 + Math.exp(-1)), 1 / (1 + Math.E), 0], 1e-6), undefined);
      assert.is(differs(await huge.logSoftmax().read(), [-Math.log1p(Math.exp(-1)), -Math.log1p(Math.E), -2000.3132617], 1e-5), undefined);
    }));

  test(`${on}: losses are right`, () =>
    leavesNothing(device, async () => {
      const x = tensor(logits, { device, shape: [ROWS, CLASSES] });
      const picked = Array.from({ length: ROWS * CLASSES }, (_, i) => Number(i % CLASSES === Math.floor(i / CLASSES)));
      const targets = tensor(picked, { device }).reshape(ROWS, CLASSES);
      const expected = picked.reduce((sum, one, i) => sum - one * Math.log(probabilities[i]), 0) / ROWS;
      assert.is(differs([await crossEntropy(x, targets).item()], [expected], 1e-5), undefined);
      const classes = tensor(
        Int32Array.from({ length: ROWS }, (_, i) => i),
        { device },
      );
      assert.is(differs([await crossEntropy(x, classes).item()], [expected], 1e-5), undefined);
      const squares = logits.reduce((sum, value, i) => sum + (value - picked[i]) ** 2, 0) / logits.length;
      assert.is(differs([await mseLoss(x, targets).item()], [squares], 1e-5), undefined);
      refuses(() => mseLoss(x, targets.transpose()), 'mseLoss: predictions are f32[5,7] but targets f32[7,5]; expected equal shapes');
    }));

  test(`${on}: gradients agree with differences`, () =>
    leavesNothing(device, async () => {
      const x = tensor(
        [
          [0.3, -1, 0.8],
          [1.2, 0.1, -0.5],
        ],
        { device, requiresGrad: true },
      );
      const targets = tensor(
        [
          [0, 1, 0],
          [0.25, 0.25, 0.5],
        ],
        { device },
      );
      assert.is(await gradcheck((each) => each.softmax(), [x]), undefined);
      assert.is(await gradcheck((each) => each.logSoftmax(0), [x]), undefined);
      for (const name of ['softmax', 'logSoftmax'] as const)
        assert.is(await gradcheck((each) => grad(each[name]().square().sum(), [each], { createGraph: true })[0], [x]), undefined, name);
      // WGSL need not know NaN.
      if (on === 'cpu') assert.ok((await tensor([Number.NaN, 1], { device }).softmax().read()).every(Number.isNaN));
      refuses(() => tensor([1, 2], { device, dtype: 'i32' }).softmax(), 'softmax: of i32[2], expected f32');
      assert.is(await gradcheck((each) => crossEntropy(each, targets), [x]), undefined);
      assert.is(await gradcheck((each) => mseLoss(each, targets), [x]), undefined);
    }));
}

test.run();
