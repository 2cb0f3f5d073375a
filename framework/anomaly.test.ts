import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { detectAnomaly } from './anomaly.ts';
import { tensor } from './create.ts';
import { devicesForTests, leavesNothing } from './each-device.ts';
import { scope } from './scope.ts';
import { rule, update, updateOp } from './update.ts';

const devices = await devicesForTests();
for (const device of devices) {
  test.after(() => device.close());

  test(`${device.kind}: work without a NaN passes through`, () =>
    leavesNothing(device, async () => {
      const x = tensor([1, 2], { device, requiresGrad: true });
      assert.is(await detectAnomaly(async () => x.transpose().exp().sum().mul(0).item()), 0);
    }));
}

// WGSL lets an implementation assume that there are no NaN, so where they come from is tested on the CPU only.
const [cpu] = devices;

test('the op that made the first NaN is named, in backward too', () =>
  leavesNothing(cpu, async () => {
    const said = (work: () => void) =>
      detectAnomaly(() => scope(work)).then(
        () => 'nothing',
        (error) => error.message,
      );
    const x = tensor([[1, -4]], { device: cpu, requiresGrad: true });
    assert.match(
      await said(() => x.mul(2).log().exp().sum()),
      /^detectAnomaly: op 1, log\(f32\[1,2\]\) -> f32\[1,2\], made a NaN at element 1; look for/,
    );
    const zero = tensor([0], { device: cpu, requiresGrad: true });
    assert.match(await said(() => zero.sqrt().mul(0).backward()), /op \d+, div\(f32\[1\], f32\[1\]\) -> f32\[1\], made a NaN/);
    assert.match(await said(() => zero.log().sub(zero.log()).mul(1)), /op 2, sub\(/);
    zero.zeroGrad();
    const difference = updateOp('test difference', (old, value) => rule.sub(old, value));
    const infinite = () => tensor([1, Number.POSITIVE_INFINITY], { device: cpu });
    assert.match(
      await said(() => update(difference, infinite(), infinite())),
      /op 0, update test difference\(f32\[2\], f32\[2\]\) -> f32\[2\], made a NaN at element 1/,
    );
  }));

test.run();
