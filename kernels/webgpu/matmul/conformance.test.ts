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
import { subgroup } from './subgroup.ts';
import { tiled } from './tiled.ts';

// A software adapter compiles a large block or a barrier for up to a second. There, kernels with many tunables are checked on every size
// with one transpose, mostly with small configurations; a GPU gets all problems and any configuration.
const isQuickToCompile = ({ WGX = 1, WGY = 1, WG = 1, TM = 1, TN = 1, KU = 1, BK = 1, ROWS = 1 }: Tunables) =>
  WGX * WGY <= 32 && WG <= 64 && TM * TN <= 16 && KU <= 4 && BK <= 16 && ROWS <= 2;

const device = await webgpuForTests();
if (device) {
  test.after(() => device.close());
  for (const kernel of [naive, tiled, register, subgroup, splitk, gemv] as Kernel<MatmulProblem>[])
    for (const dtype of ['f32', 'f16'] as const)
      test(`${kernel.name}: right on awkward problems in ${dtype}`, async () => {
        const isSlow = device.isSoftware && Object.keys(kernel.tunables).length > 2;
        const random = seededRandom(dtype === 'f32' ? 7 : 8);
        const mark = device.memory().liveBytes;
        let checks = 0;
        for (const [i, problem] of [...awkwardProblems({ m: 32, n: 32, k: 16 }, dtype)].entries()) {
          // Each size with another transpose than the size before.
          if (refusal(kernel, problem, device) !== undefined || (isSlow && (i + Math.floor(i / 4)) % 4 !== 0)) continue;
          const valid = [...validTunables(kernel, problem, device)].filter((tunables) => !isSlow || isQuickToCompile(tunables));
          const tunables = checks++ % 6 === 1 ? kernel.defaults(problem, device) : valid[Math.floor(random() * valid.length)];
          const fault = refusal(kernel, problem, device, tunables) ?? (await check(device, kernel, problem, tunables, checks));
          assert.is(fault, undefined, `${JSON.stringify(problem)} with ${JSON.stringify(tunables)}: ${fault}`);
        }
        assert.ok(checks > 0 || kernel.requires.some((feature) => !device.features.has(feature)));
        assert.is(device.memory().liveBytes, mark);
      });
}

test.run();
