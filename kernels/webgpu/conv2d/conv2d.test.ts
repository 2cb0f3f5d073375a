import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { refusal } from '../../catalog.ts';
import { awkwardConvolutions, checkConv2d } from '../../conv2d-conformance.ts';
import type { Kernel, Tunables } from '../../kernel.ts';
import { type Conv2dProblem, conv2d } from '../../problems/conv2d.ts';
import { webgpuForTests } from '../adapter.ts';
import { depthwise } from './depthwise/depthwise.ts';
import { direct } from './direct.ts';
import { implicit } from './implicit.ts';
import { naive } from './naive.ts';
import { pointwise } from './pointwise.ts';
import { winograd2 } from './winograd/winograd.ts';

test('operands that cannot be bound are refused with their bytes', () => {
  const traits = { features: new Set<string>(), limits: { maxStorageBufferBindingSize: 1024 } };
  const problem = conv2d({ input: [1, 3, 16, 16], filter: [2, 3, 3, 3] });
  assert.is(naive.rejects(problem, traits), 'operand input has 3072 bytes, more than the 1024 that can be bound');
});

// A software adapter compiles an unrolled kernel for a tenth of a second or more. There each kernel takes one of `every` problems, each with one of these
// small configurations; a GPU gets all problems, every other one with the defaults.
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
  {
    kernel: implicit,
    every: 2,
    small: [
      { WGX: 4, WGY: 4, TM: 4, TN: 4, BK: 8, KU: 1, PAD: 0, SPLIT: 1 },
      { WGX: 4, WGY: 8, TM: 2, TN: 4, BK: 8, KU: 4, PAD: 4, SPLIT: 2 },
      { WGX: 8, WGY: 4, TM: 4, TN: 4, BK: 16, KU: 1, PAD: 4, SPLIT: 4 },
    ],
  },
  {
    kernel: pointwise,
    every: 1,
    small: [
      { WGX: 4, WGY: 4, TM: 4, TN: 4, BK: 16, KU: 1, STAGE: 0, QUAD: 1, SPLIT: 1 },
      { WGX: 4, WGY: 4, TM: 4, TN: 4, BK: 16, KU: 4, STAGE: 0, QUAD: 0, SPLIT: 4 },
      { WGX: 4, WGY: 4, TM: 4, TN: 4, BK: 8, KU: 1, STAGE: 1, QUAD: 0, SPLIT: 1 },
    ],
  },
  {
    kernel: depthwise,
    every: 1,
    small: [
      { WG: 32, TH: 2, TW: 4, SPLIT: 1 },
      { WG: 64, TH: 4, TW: 2, SPLIT: 1 },
      { WG: 32, TH: 1, TW: 4, SPLIT: 2 },
      { WG: 64, TH: 1, TW: 2, SPLIT: 1 },
    ],
  },
  {
    kernel: winograd2,
    every: 1,
    small: [
      { WGX: 4, WGY: 4, TM: 4, TN: 4, BK: 16, KU: 1, STAGE: 0, QUAD: 1, SPLIT: 1, IMAGES: 2 },
      { WGX: 4, WGY: 4, TM: 4, TN: 4, BK: 16, KU: 4, STAGE: 0, QUAD: 0, SPLIT: 2, IMAGES: 1 },
      { WGX: 4, WGY: 4, TM: 4, TN: 4, BK: 8, KU: 1, STAGE: 1, QUAD: 0, SPLIT: 1, IMAGES: 64 },
    ],
  },
];

const device = await webgpuForTests();

if (device) {
  test.after(() => device.close());

  for (const { kernel, every, small } of QUICK)
    test(`${kernel.name}: right on awkward problems in the passes that it can do`, async () => {
      const mark = device.memory().liveBytes;
      let [able, checks] = [0, 0];
      for (const problem of awkwardConvolutions()) {
        if (refusal(kernel, problem, device) !== undefined || (able++ % every !== 0 && device.isSoftware)) continue;
        const defaults = kernel.defaults(problem, device);
        assert.is(refusal(kernel, problem, device, defaults), undefined, JSON.stringify(defaults));
        assert.equal(Object.keys(defaults), Object.keys(kernel.tunables));
        const valid = small.filter((tunables) => refusal(kernel, problem, device, tunables) === undefined);
        // Problems come pass by pass; each pass meets another configuration the next time.
        const next = valid[(checks + Math.floor(checks / 3)) % valid.length];
        const tunables = !device.isSoftware && checks % 2 === 0 ? defaults : next;
        checks++;
        await checkConv2d(device, kernel, problem, checks, tunables).catch((error) => {
          assert.unreachable(`${JSON.stringify(problem)} with ${JSON.stringify(tunables)}: ${error.message}`);
        });
      }
      assert.ok(checks > 3);
      assert.is(device.memory().liveBytes, mark);
    });
}

test.run();
