import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { refusal } from '../../catalog.ts';
import { awkwardConvolutions, checkConv2d } from '../../conv2d-conformance.ts';
import type { Kernel, Tunables } from '../../kernel.ts';
import { type Conv2dProblem, conv2d } from '../../problems/conv2d.ts';
import { webgpuForTests } from '../adapter.ts';
import { direct } from './direct.ts';
import { naive } from './naive.ts';

test('operands that cannot be bound are refused with their bytes', () => {
  const traits = { features: new Set<string>(), limits: { maxStorageBufferBindingSize: 1024 } };
  const problem = conv2d({ input: [1, 3, 16, 16], filter: [2, 3, 3, 3] });
  assert.is(naive.rejects(problem, traits), 'operand input has 3072 bytes, more than the 1024 that can be bound');
});

// A software adapter compiles an unrolled kernel for a tenth of a second or more. There each kernel goes through these small configurations in turn, and
// takes one of `every` problems; a GPU gets all problems with the defaults too.
const QUICK: readonly { kernel: Kernel<Conv2dProblem>; every: number; small: readonly Tunables[] }[] = [
  { kernel: naive, every: 1, small: [{ WG: 64 }] },
  {
    kernel: direct,
    every: 2,
    small: [
      { WG: 32, TM: 4, TN: 4, QUAD: 0 },
      { WG: 32, TM: 16, TN: 2, QUAD: 1 },
      { WG: 64, TM: 8, TN: 1, QUAD: 0 },
    ],
  },
];

const device = await webgpuForTests();

if (device) {
  test.after(() => device.close());

  for (const { kernel, every, small } of QUICK)
    test(`${kernel.name}: right on awkward problems in the passes that it can do`, async () => {
      const mark = device.memory().liveBytes;
      let checks = 0;
      let seed = 0;
      for (const problem of awkwardConvolutions()) {
        if (refusal(kernel, problem, device) !== undefined || (seed++ % every !== 0 && device.isSoftware)) continue;
        const tunables = !device.isSoftware && checks % 2 === 0 ? kernel.defaults(problem, device) : small[checks % small.length];
        checks++;
        if (refusal(kernel, problem, device, tunables) !== undefined) continue;
        await checkConv2d(device, kernel, problem, checks, tunables).catch((error) => {
          assert.unreachable(`${JSON.stringify(problem)} with ${JSON.stringify(tunables)}: ${error.message}`);
        });
      }
      assert.ok(checks > 3);
      assert.is(device.memory().liveBytes, mark);
    });
}

test.run();
