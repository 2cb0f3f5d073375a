import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bandwidthOf, levelOf, merged, peakOf, type Roof, rating } from './roof.ts';
import { placeName, readRoofs, writeRoofs } from './roof-store.ts';

const roof: Roof = {
  peaks: [
    { width: '256', loop: 'chains CHAINS=24', gflops: 100 },
    { width: '128', loop: 'chains CHAINS=12', gflops: 50 },
  ],
  bandwidths: [
    { level: 'L1', footprint: 16384, access: 'read', loop: 'vectors', gbps: 200 },
    { level: 'memory', footprint: 2 ** 27, access: 'read', loop: 'vectors', gbps: 20 },
    { level: 'memory', footprint: 2 ** 27, access: 'write', loop: 'bulk', gbps: 80 },
  ],
  launchNs: 100,
  thorough: false,
  capacities: { L1: 32768, L2: 2 ** 20, L3: 2 ** 25 },
};
const cost = (flops: number, bytes: number) => ({ flops, executedFlops: flops, bytes });

test('the peak is the best loop, the level the innermost that holds the bytes', () => {
  assert.is(peakOf(roof), 100);
  assert.is(levelOf(roof, 32768), 'L1');
  assert.is(levelOf(roof, 32769), 'L2');
  assert.is(levelOf(roof, 2 ** 26), 'memory');
});

test('a fill is no bandwidth for work that reads, and a level without a rate has that of the next', () => {
  assert.is(bandwidthOf(roof, 'memory'), 20);
  assert.is(bandwidthOf(roof, 'L2'), 20);
});

test('the rate of a shared cache falls with the footprint, on a line in logarithms to that of memory', () => {
  const point = (level: 'L3' | 'memory', mebibytes: number, gbps: number) => ({
    ...{ level, gbps, footprint: mebibytes * 2 ** 20 },
    ...{ access: 'copy' as const, loop: 'bulk' },
  });
  const bandwidths = [point('L3', 8, 40), point('L3', 8, 30), point('L3', 32, 10), point('memory', 128, 2.5)];
  const shared: Roof = { ...roof, bandwidths };
  const rates = [1, 8, 16, 32, 64, 128, 999].map((mebibytes) => bandwidthOf(shared, 'L3', mebibytes * 2 ** 20));
  [40, 40, 20, 10, 5, 2.5, 2.5].forEach((rate, i) => assert.ok(Math.abs(rates[i] - rate) < 1e-9, `${rates}`));
  assert.is(bandwidthOf(shared, 'memory', 2 ** 40), 2.5);
  assert.is(bandwidthOf(shared, 'L2', 2 ** 26), 5);
});

test('work in place is held against loops in place, at the memory it lies in', () => {
  const update = { level: 'memory' as const, footprint: 2 ** 27, access: 'update' as const, loop: 'vectors', gbps: 30 };
  const both: Roof = { ...roof, bandwidths: [...roof.bandwidths, update] };
  assert.is(bandwidthOf(both, 'memory'), 20);
  const inPlace = { ...cost(1, 2 ** 27), footprint: 2 ** 26 };
  assert.equal(rating(both, inPlace, 2 ** 27 / 15), { roof_pct: 50, bound: 'memory' });
  assert.equal(rating(both, { ...inPlace, footprint: 2 ** 14, bytes: 2 ** 15 }, 2 ** 15 / 100), { roof_pct: 50, bound: 'L1' });
});

test('what takes longest at the roof binds', () => {
  assert.equal(rating(roof, cost(1e6, 1000), 20_000), { roof_pct: 50, bound: 'compute' });
  assert.equal(rating(roof, cost(1e6, 2 ** 26), 2 * (2 ** 26 / 20)), { roof_pct: 50, bound: 'memory' });
  assert.equal(rating(roof, cost(100, 100), 400), { roof_pct: 25, bound: 'launch' });
});

test('executed operations count, not those of the direct algorithm', () => {
  assert.is(rating(roof, { flops: 2e6, executedFlops: 1e6, bytes: 10 }, 10_000)!.roof_pct, 100);
});

test('without a rate there is no rating', () => {
  assert.is(rating({ ...roof, peaks: [] }, cost(1, 1), 1), undefined);
});

test('measured twice, each loop keeps its better rate', () => {
  const second: Roof = { ...roof, peaks: [{ ...roof.peaks[0], gflops: 120 }, roof.peaks[1]], launchNs: 150, thorough: true };
  const both = merged(roof, second);
  assert.is(peakOf(both), 120);
  assert.is(both.peaks.length, 2);
  assert.is(both.launchNs, 100);
  assert.is(both.thorough, true);
});

test('the store gives back what it was given, per fingerprint, and forgets what it cannot read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tilebench-roof-'));
  const before = process.env.TILEBENCH_CACHE;
  process.env.TILEBENCH_CACHE = folder;
  try {
    writeRoofs('one', new Map([[placeName('cpu', 2, ''), roof]]));
    assert.equal(readRoofs('one').get('cpu/2'), roof);
    assert.is(readRoofs('two').size, 0);
    writeFileSync(join(folder, 'roof-one.json'), '{"version": 1, "pl');
    assert.is(readRoofs('one').size, 0);
  } finally {
    if (before === undefined) delete process.env.TILEBENCH_CACHE;
    else process.env.TILEBENCH_CACHE = before;
    rmSync(folder, { recursive: true });
  }
});

test.run();
