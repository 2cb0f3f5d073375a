import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device } from '../../kernels/index.ts';
import { devicesForTests, leavesNothing, sampleValues } from '../each-device.ts';
import { matmul } from '../ops/matmul.ts';
import { mul, square } from '../ops/pointwise.ts';
import { sum } from '../ops/reduce.ts';
import { rejection } from '../refuses.ts';
import { whileLoop } from './flow.ts';
import { assign, constant, placeholder, variable } from './node.ts';
import { Adam } from './optimizer.ts';
import { Session } from './session.ts';

const list = (values: unknown) => [...(values as Iterable<number>)];

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  const on = device.kind;

  test(`${on}: a prepared session compiles and allocates nothing, from its first run on; every allocation counted`, () =>
    leavesNothing(device, async () => {
      await using session = new Session({ device });
      const x = placeholder([4, 3], 'f32', 'x');
      const w = variable(sampleValues(6, 1), 'w', { shape: [3, 2] });
      const scale = mul(constant([1, 2]), 2);
      const start = matmul(x, w).relu();
      const grown = whileLoop(
        (y) => sum(square(y)).lt(90),
        (y) => y.mul(scale).add(0.25),
        start,
        { maxIterations: 9 },
      );
      const loss = sum(square(grown));
      const fetches = [loss, new Adam({ rate: 0.01 }).minimize(loss)];
      await session.prepare(fetches);
      const counts = { alloc: 0, free: 0, prepare: 0 };
      const counted = ['alloc', 'free', 'prepare'] as const;
      for (const verb of counted) {
        const method = device[verb].bind(device) as (argument: unknown) => never;
        Object.assign(device, {
          [verb]: (argument: unknown) => {
            counts[verb]++;
            return method(argument);
          },
        });
      }
      try {
        const before = device.memory();
        for (let run = 0; run < 3; run++) await session.run(fetches, [[x, sampleValues(12, run)]]);
        const after = device.memory();
        assert.equal(counts, { alloc: 0, free: 0, prepare: 0 });
        for (const what of ['liveBytes', 'peakBytes', 'programs', 'lateCompiles'] as const) assert.is(after[what], before[what], what);
      } finally {
        for (const verb of counted) delete (device as Partial<Pick<Device, (typeof counted)[number]>>)[verb];
      }
      assert.match(await rejection(session.prepare(3 as never)), /TypeError: prepare: fetch 0 is 3, expected a node of a graph or a group/);
    }));

  test(`${on}: two sessions over one graph, their runs interleaved, have variables and loops of their own`, () =>
    leavesNothing(device, async () => {
      await using one = new Session({ device });
      await using two = new Session({ device, rewrites: { inPlaceUpdates: false } });
      const [v, by] = [variable([1], 'v'), placeholder([1], 'f32', 'by')];
      const grown = whileLoop(
        (y) => sum(y).lt(10),
        (y) => y.add(by),
        v,
      );
      const next = assign(v, grown.sub(8));
      const runs = [3, 5, 4].flatMap((value) => [one.run(next, [[by, [value]]]), two.run(next, [[by, [value + 1]]])]);
      // 1 4 7 10 | 2 7 12 | 4 8 12, and 1 5 9 13 | 5 11 | 3 8 13.
      assert.equal((await Promise.all(runs)).map(list), [[2], [5], [4], [3], [4], [5]]);
      assert.equal([list(await one.run(v)), list(await two.run(v))], [[4], [5]]);
    }));
}

test.run();
