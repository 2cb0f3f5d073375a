// Every peer that is installed computes what the reference says. A peer that is not is passed over with the line that says how to get it.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type MatmulProblem, matmul, operandElements } from '../../kernels/problem.ts';
import { randomValues } from '../../kernels/random.ts';
import { matmulBound, matmulError } from '../../kernels/reference.ts';
import { webgpuForTests } from '../../kernels/webgpu/adapter.ts';
import { peerNames, peers } from './catalog.ts';
import { notInstalled, placeOf } from './install.ts';
import type { OpenPeer } from './peer.ts';

const epilogue = { bias: true, relu: true };
const PROBLEMS: MatmulProblem[] = [
  matmul({ m: 1, n: 1, k: 1 }),
  matmul({ m: 7, n: 5, k: 3 }),
  matmul({ m: 33, n: 65, k: 129, transposeA: true }),
  matmul({ m: 64, n: 64, k: 64, transposeB: true }),
  matmul({ m: 17, n: 31, k: 13, transposeA: true, transposeB: true, alpha: 0.5 }),
  matmul({ batch: 3, m: 9, n: 10, k: 11 }),
  matmul({ batch: 2, m: 9, n: 10, k: 11, transposeA: true, transposeB: true, epilogue }),
  matmul({ m: 20, n: 30, k: 40, epilogue }),
  matmul({ m: 6, n: 10, k: 14, transposeB: true, epilogue: { bias: true, relu: false } }),
  matmul({ m: 20, n: 30, k: 40, epilogue: { bias: false, relu: true } }),
];

async function check(open: OpenPeer, problem: MatmulProblem): Promise<void> {
  const { C, ...sizes } = operandElements(problem);
  const inputs = Object.fromEntries(Object.entries(sizes).map(([name, length], i) => [name, randomValues(length, 40 + i)]));
  const run = await open.prepare(problem, inputs);
  await run.run();
  await run.runUnthrottled?.();
  if (run.time) assert.ok((await run.time(2)) > 0);
  const result = await run.read();
  assert.is(result.length, C);
  const error = matmulError(problem, inputs, result, Array(C).keys());
  assert.ok(error <= matmulBound(problem), `${JSON.stringify(problem)}: error ${error}`);
  await run.close();
}

const adapter = await webgpuForTests();
await adapter?.close();

for (const peer of peers) {
  const missing = notInstalled(peer) ?? (peer.device === 'webgpu' && !adapter ? `${peer.name} has no adapter here` : undefined);
  if (missing) console.log(missing);
  (missing ? test.skip : test)(`${peer.name} computes what the reference says`, async () => {
    const open = await peer.open(placeOf(peer), { threads: peer.threaded ? 2 : 1 });
    assert.ok(Object.values(open.versions()).every((version) => version !== '' && version !== 'unknown'));
    let done = 0;
    for (const problem of PROBLEMS)
      if (peer.supports(problem) === undefined) {
        await check(open, problem);
        done++;
      }
    assert.ok(done >= 5, `supports only ${done} of ${PROBLEMS.length} problems`);
    await open.close();
  });
}

test('what a peer cannot do has a reason', () => {
  for (const peer of peers) {
    assert.type(peer.supports(matmul({ m: 2, n: 2, k: 2, dtype: 'f16' })), 'string', peer.name);
    assert.type(peer.supports({ op: 'fma', length: 1, threads: 1 }), 'string', peer.name);
  }
  assert.is(new Set(peerNames).size, peerNames.length);
});

// Some libraries leave workers behind that no call ends.
test.after(() => void setTimeout(() => process.exit(), 100).unref());
test.run();
