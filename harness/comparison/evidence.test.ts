import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Sample } from '../record.ts';
import { TERMS } from './estimate.ts';
import { armOfSide, type Benchmark, gather, type Side } from './evidence.ts';
import { judge } from './verdict.ts';

const benchmark: Benchmark = { suite: 's', case: 's/one', arm: 'a' };

const sample = (side: Side, fork: number, round: number, value: number, reason?: string): Sample => ({
  run_id: 'r',
  suite: 's',
  case: 's/one',
  arm: armOfSide(side, 'a'),
  device: 'cpu',
  dtype: 'f32',
  fork,
  round,
  slot: 0,
  metric: 'time',
  unit: 'ns',
  value,
  iterations: 1,
  dropped: reason !== undefined,
  reason,
});

const pair = (fork: number, round: number, base: number, head: number, reason?: string): Sample[] => [
  sample('base', fork, round, base, reason),
  sample('head', fork, round, head, reason),
];

test('a disturbed round counts for neither side, also where only one of them is marked', () => {
  const samples = [...pair(0, 0, 100, 110), ...pair(0, 1, 1, 1, 'noise'), sample('base', 0, 2, 2), sample('head', 0, 2, 300, 'noise')];
  const [{ evidence, base, head }] = gather([benchmark], samples, []);
  assert.equal(evidence.first, [Math.log(1.1)]);
  assert.equal([base, head], [100, 110]);
  assert.ok(Math.abs(evidence.disturbed - 2 / 3) < 1e-12);
});

test('a round that one side lacks is no round', () => {
  const [{ evidence }] = gather([benchmark], [sample('base', 0, 0, 100), ...pair(1, 0, 100, 100)], []);
  assert.equal([evidence.first.length, evidence.disturbed], [1, 0]);
});

test('a benchmark whose rounds were disturbed says by what, and never that it regressed', () => {
  const steal = (pct: number) => `the hypervisor took ${pct.toFixed(1)} % of the processors`;
  const samples = Array.from({ length: 10 }, (_, fork) => [
    ...pair(fork, 0, 100, 150),
    ...pair(fork, 1, 100, 150, fork < 4 ? 'the canary took 12 % longer than usual' : steal(fork)),
  ]).flat();
  const [{ evidence }] = gather([benchmark], samples, []);
  const [{ verdict, code, reason }] = judge([evidence], TERMS, 1);
  assert.equal([verdict, code], ['inconclusive', 'environment']);
  assert.is(reason, `50 % of its rounds were disturbed, most often so: ${steal(4)}; run it on a quieter machine`);
});

test.run();
