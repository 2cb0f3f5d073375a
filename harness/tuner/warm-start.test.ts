import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { kernelsFor } from '../../kernels/catalog.ts';
import { matmul } from '../../kernels/problem.ts';
import { machineOf, type TunedEntry } from '../../kernels/tuned/entry.ts';
import { EMPTY_TABLE, TunedTable } from '../../kernels/tuned/table.ts';
import { Space } from './space.ts';
import { warmStarts } from './warm-start.ts';

const packed = kernelsFor('matmul', 'cpu').find(({ name }) => name === 'packed')!;
const limits = { threads: 2, l1Bytes: 48 << 10, l2Bytes: 2 << 20, l3Bytes: 32 << 20 };
const traits = { features: new Set(['simd', 'relaxed-simd']), limits, name: 'A processor', identity: { vendor: 'V', architecture: 'x64' } };
const problem = matmul({ m: 200, n: 300, k: 400 });
const space = new Space({
  tunables: packed.tunables,
  constraints: packed.constraints,
  constants: { ...limits, ...packed.facts(problem) },
});
const place = { problem, device: 'cpu' as const, constants: [], traits };
const machine = machineOf({ ...traits, kind: 'cpu' });
const base = packed.defaults(problem, traits);
const entry = (m: number, tunables: object, more: Partial<TunedEntry> = {}): TunedEntry => ({
  ...{ machine, problem: matmul({ m, n: 300, k: 400 }), kernel: 'packed', code: 'of another version', seconds: 1e-3 },
  tunables: { ...base, ...tunables },
  ...more,
});
const starts = (...entries: TunedEntry[]) => warmStarts(packed, space, place, new TunedTable(entries));

test('the exact line comes first, then the nearest problems of this device, then other devices', () => {
  const elsewhere = { ...machine, name: 'Another processor' };
  const found = starts(
    entry(200, { KC: 384 }, { machine: elsewhere }),
    entry(260, { KC: 192 }),
    entry(220, { KC: 128 }),
    entry(200, { KU: 2 }),
  );
  assert.equal(found, [
    { ...base, KU: 2 },
    { ...base, KC: 128 },
    { ...base, KC: 192 },
    { ...base, KC: 384 },
  ]);
});

test('what is not valid here, of another kernel, far away or there already is passed over', () => {
  assert.equal(warmStarts(packed, space, place, EMPTY_TABLE), []);
  const strangers = [
    entry(210, { KC: 300 }),
    entry(200, { KC: 128 }, { kernel: 'direct' }),
    entry(4000, { KC: 128 }),
    entry(230, { MR: 6, MC: 48, NR: 8, KU: 1 }),
    entry(231, { MR: 6, MC: 48, NR: 8, KU: 1 }),
  ];
  assert.equal(starts(...strangers), [{ ...base, MR: 6, MC: 48, NR: 8, KU: 1 }]);
});

test('how work is shared stays at its default where the threads were more or fewer', () => {
  const shares = { THREADS: 1 };
  assert.is(starts(entry(220, shares))[0].THREADS, 1);
  assert.is(starts(entry(220, { ...shares, KC: 128 }, { machine: { ...machine, threads: 8 } }))[0]?.THREADS, base.THREADS);
});

test.run();
