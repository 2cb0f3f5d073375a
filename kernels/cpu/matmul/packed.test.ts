import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { check } from '../../conformance.ts';
import type { Traits } from '../../kernel.ts';
import { matmul } from '../../problem.ts';
import { openCpu } from '../device.ts';
import { packed } from './packed.ts';

const device = await openCpu({ threads: 2 });
test.after(() => device.close());

const traits: Traits = { features: device.features, limits: { threads: 2, l1Bytes: 32768, l2Bytes: 2 ** 20, l3Bytes: 2 ** 25 } };

test('however A is packed: several blocks of rows and columns, several slabs, none of them whole, with an epilogue', async () => {
  for (const PACKA of [0, 1, 2])
    for (const transposeA of [false, true]) {
      const problem = matmul({ m: 131, n: 77, k: 151, batch: 2, transposeA, alpha: 0.5, epilogue: { bias: true, relu: true } });
      const tunables = { ...packed.defaults(problem, device), KC: 128, MC: 48, NC: 512, PACKA, THREADS: 0, TASKS: 12 };
      const { passes } = packed.plan(problem, tunables, device);
      assert.ok(
        passes.some(({ entry, grid: [across, down] }) => entry === 'last' && across > 1 && down > 1),
        'it is cut both ways',
      );
      for (const seed of [1, 2]) assert.is(await check(device, packed, problem, tunables, seed), undefined, `PACKA ${PACKA} ${transposeA}`);
    }
});

test('A is packed only where it is transposed, its rows are long, and B is wide enough', () => {
  const packs = (m: number, n: number, k: number, transposeA: boolean) => packed.defaults(matmul({ m, n, k, transposeA }), traits).PACKA;
  assert.is(packs(1024, 1024, 1024, false), 0);
  assert.is(packs(1024, 1024, 1024, true), 2);
  assert.is(packs(3072, 128, 1024, true), 2);
  assert.is(packs(3072, 16, 1024, true), 0);
  assert.is(packs(35, 8457, 2048, true), 0);
  const depth = (m: number, k: number) => packed.defaults(matmul({ m, n: 16, k, transposeA: true }), traits).KC;
  assert.ok(depth(3072, 1024) < depth(256, 256), 'a slab of a large A that is read in place is shallow');
});

test.run();
