import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { refusal, validTunables } from '../../catalog.ts';
import { awkwardProblems, check } from '../../conformance.ts';
import type { Kernel, Tunables } from '../../kernel.ts';
import type { MatmulProblem } from '../../problem.ts';
import { seededRandom } from '../../random.ts';
import { webgpuForTests } from '../adapter.ts';
import { gemv } from './gemv.ts';
import { naive } from './naive.ts';
import { register } from './register.ts';
import { splitk } from './splitk.ts';
import { tiled } from './tiled.ts';

// A software adapter compiles large blocks for half a second each, so most problems are checked with a random configuration of small blocks.
const LARGEST_BLOCK = 16;
const isSmall = ({ TM = 1, TN = 1, KU = 1, ROWS = 1 }: Tunables) => TM * TN * Math.max(KU, 4) <= 4 * LARGEST_BLOCK && ROWS <= 4;

const device = await webgpuForTests();
if (device) {
  test.after(() => device.close());
  for (const kernel of [naive, tiled, register, splitk, gemv] as Kernel<MatmulProblem>[])
    for (const dtype of ['f32', 'f16'] as const)
      test(`${kernel.name}: right on awkward problems in ${dtype}`, async () => {
        const random = seededRandom(7);
        const mark = device.memory().liveBytes;
        let checks = 0;
        for (const problem of awkwardProblems({ m: 32, n: 32, k: 16 }, dtype)) {
          if (refusal(kernel, problem, device) !== undefined) continue;
          const small = [...validTunables(kernel, problem, device)].filter(isSmall);
          const tunables = checks++ % 8 === 0 ? kernel.defaults(problem, device) : small[Math.floor(random() * small.length)];
          const fault = refusal(kernel, problem, device, tunables) ?? (await check(device, kernel, problem, tunables, checks));
          assert.is(fault, undefined, `${JSON.stringify(problem)} with ${JSON.stringify(tunables)}: ${fault}`);
        }
        assert.ok(checks > 0);
        assert.is(device.memory().liveBytes, mark);
      });
}

test.run();
