import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { conform } from '../conformance.ts';
import { openCpu } from './device.ts';
import { cpuKernels } from './kernels.ts';

for (const [threads, flags] of [
  [2, 'tuned'],
  [1, 'default'],
] as const) {
  const device = await openCpu({ threads, flags });
  test.after(() => device.close());
  for (const kernel of cpuKernels.filter(({ op }) => op === 'matmul'))
    test(`${kernel.name}: right on awkward problems, ${threads} threads, ${flags} flags`, async () => {
      const mark = device.memory().liveBytes;
      let checks = 0;
      for await (const { problem, tunables, fault } of conform(device, kernel, flags === 'tuned' ? 3 : 0)) {
        checks++;
        assert.is(fault, undefined, `${JSON.stringify(problem)} with ${JSON.stringify(tunables)}: ${fault}`);
      }
      assert.ok(checks > 0);
      assert.is(device.memory().liveBytes, mark);
    });
}

test.run();
