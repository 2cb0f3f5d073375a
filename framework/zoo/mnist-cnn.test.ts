import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tensor } from '../create.ts';
import { devicesForTests, differs, leavesNothing } from '../each-device.ts';
import { GradientDescent, group, placeholder, Session } from '../graph/index.ts';
import { inGraph } from '../nn/index.ts';
import { crossEntropy } from '../ops/softmax.ts';
import { Sgd } from '../optim/index.ts';
import { refuses } from '../refuses.ts';
import { scope } from '../scope.ts';
import { syntheticDigits } from './digits.ts';
import { MnistCnn } from './mnist-cnn.ts';

const STEPS = 12;

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  const on = device.kind;
  // WebGPU in software is slow: small images and few filters there.
  const options = { size: on === 'cpu' ? 28 : 8, widths: on === 'cpu' ? ([8, 16, 32] as const) : ([8, 12, 32] as const), device, seed: 3 };
  const rate = on === 'cpu' ? 0.1 : 0.4;
  const { size } = options;
  const { images, labels } = syntheticDigits(20, { size, seed: 1 });

  test(`${on}: the net learns synthetic digits, the same in both styles`, () =>
    leavesNothing(device, async () => {
      using net = new MnistCnn(options);
      const [imageShape, classShape] = [[20, 1, size, size], [20]];
      const nodes = await inGraph(net);
      const [x, y] = [placeholder(imageShape), placeholder(classShape, 'i32')];
      const loss = crossEntropy(nodes.forward(x), y);
      const step = group(new GradientDescent({ rate }).minimize(loss, nodes.parameters), nodes.updates());
      await using session = new Session({ device });

      using optimizer = new Sgd(net.parameters(), { lr: rate });
      const [input, classes] = [tensor(images, { device, shape: imageShape }), tensor(labels, { device })];
      const losses: number[] = [];
      for (let i = 0; i < STEPS; i++) {
        const eager = await scope(() => {
          optimizer.zeroGrad();
          const loss = crossEntropy(net.forward(input), classes);
          loss.backward();
          optimizer.step();
          return loss.item();
        });
        losses.push(eager);
        const [inGraph] = await session.run(
          [loss, step],
          [
            [x, images],
            [y, labels],
          ],
        );
        assert.is(differs([inGraph as number], [eager], 1e-3), undefined, `step ${i}`);
      }
      assert.ok(losses.at(-1)! < 0.75 * losses[0], `${losses}`);
    }));
}

test('digits repeat by seed, and sizes that cannot be are refused', () => {
  const { images, labels } = syntheticDigits(12, { size: 10, seed: 4 });
  assert.equal([images.length, [...labels.slice(8)]], [1200, [8, 9, 0, 1]]);
  assert.equal(syntheticDigits(12, { size: 10, seed: 4 }).images, images);
  assert.not.equal(syntheticDigits(12, { size: 10, seed: 5 }).images, images);
  refuses(() => syntheticDigits(1, { size: 7 }), 'syntheticDigits: size is 7, expected at least 8');
  refuses(() => new MnistCnn({ size: 30 }), 'MnistCnn: size is 30, expected a multiple of 4');
});

test.run();
