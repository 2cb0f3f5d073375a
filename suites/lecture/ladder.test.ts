// Every form of the lecture follows the same losses, and moves what it says and no more.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { devicesForTests, leavesNothing } from '../../framework/each-device.ts';
import { ladder } from './ladder.ts';
import { startOf } from './start.ts';

const [N, D, H] = [16, 24, 12];
const STEPS = 30;
const start = startOf(N, D, H, 1);

/** Bytes to the device and back in every step after the first. */
const [data, weights, loss] = [2 * 4 * N * D, 2 * 4 * D * H, 4];
const crossings: Record<string, readonly [toDevice: number, toHost: number]> = {
  'static arrays': [0, 0],
  'static placeholders': [data + weights, weights + loss],
  'static variables': [data + weights, weights + loss],
  'static assign': [data, weights + loss],
  'static group': [data, loss],
  'static optimizer': [data, loss],
  'static layers': [data, loss],
  'dynamic tensors': [0, loss],
  'dynamic autograd': [0, loss],
  'dynamic custom': [0, loss],
  'dynamic modules': [0, loss],
  'dynamic optim': [0, loss],
  'dynamic subclass': [0, loss],
  'dynamic batches': [data / 2, loss],
};

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  for (const { style, name, train, exact } of ladder)
    test(`${style} ${name} on ${device.kind} follows the float64 losses`, () =>
      leavesNothing(device, async () => {
        const [losses, expected] = [train(start, device), exact(start, device)];
        const seen: number[] = [];
        let moved: readonly number[] = [];
        for (let step = 0; step < STEPS; step++) {
          const before = device.memory();
          const value = (await losses.next()).value as number;
          const after = device.memory();
          const wanted = (await expected.next()).value as number;
          assert.ok(Math.abs(value - wanted) < 1e-5 * wanted, `step ${step}: ${value}, expected ${wanted}`);
          seen.push(value);
          moved = [after.writtenBytes - before.writtenBytes, after.readBytes - before.readBytes];
        }
        await losses.return(undefined);
        assert.ok(seen.at(-1)! < seen[0] / 3, `the loss went from ${seen[0]} to ${seen.at(-1)}`);
        assert.equal(moved, crossings[`${style} ${name}`]);
      }));
}

test.run();
