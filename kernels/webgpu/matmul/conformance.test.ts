import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { conform } from '../../conformance.ts';
import { webgpuForTests } from '../adapter.ts';
import { webgpuKernels } from '../kernels.ts';

const device = await webgpuForTests();
if (device) {
  test.after(() => device.close());
  for (const kernel of webgpuKernels.filter(({ op }) => op === 'matmul'))
    test(`${kernel.name}: right on awkward problems`, async () => {
      const mark = device.memory().liveBytes;
      let checks = 0;
      for await (const { problem, tunables, fault } of conform(device, kernel, 1)) {
        checks++;
        assert.is(fault, undefined, `${JSON.stringify(problem)} with ${JSON.stringify(tunables)}: ${fault}`);
      }
      assert.ok(checks > 0);
      assert.is(device.memory().liveBytes, mark);
    });
}

test.run();
