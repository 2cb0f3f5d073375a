// Reference values: R 4.2.2 (qbeta, pbinom). No clock decides here.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { seededRandom } from '../../kernels/random.ts';
import { TERMS } from '../comparison/estimate.ts';
import { standardDeviation } from '../comparison/location.ts';
import type { Subject } from '../subject.ts';
import { binomialProbability, lowerBound, upperBound } from './bounds.ts';
import { findingsOf } from './findings.ts';
import { withExtraCalls } from './injection.ts';
import { readRecording, SELFTEST_VERSION, type SelftestHeader, type Trial, type TrialKind } from './recording.ts';
import { cleanSuites, coverage, drawn, poolsOf, replay, slowedSuites } from './replay.ts';

const near = (seen: number, wanted: number) => assert.ok(Math.abs(seen - wanted) < 1e-9, `${seen}, expected ${wanted}`);

test('bounds are those of Clopper and Pearson', () => {
  near(upperBound(0, 100), 1 - 0.05 ** (1 / 100));
  near(upperBound(2, 50), 0.120614155422044);
  near(lowerBound(190, 200), 0.916664848933628);
  near(binomialProbability(3, 20, 0.2), 0.411448861956568);
  assert.equal([upperBound(3, 3), upperBound(0, 0), lowerBound(0, 5), lowerBound(0, 0)], [1, 1, 0, 0]);
});

test('one extra call in 20 is made, also in batches shorter than that, and told as time', async () => {
  const batches: number[] = [];
  const batch = (iterations: number) => {
    batches.push(iterations);
    return 100;
  };
  const subject: Subject = { prepared: { coldNs: 1, verified: true }, asynchronous: false, batch, close: () => undefined };
  const slowed = withExtraCalls(subject, 0.05);
  assert.is(slowed.batch(40), 105);
  assert.equal(batches, [42]);
  const told = Array.from({ length: 40 }, () => slowed.batch(5) as number);
  const made = batches.slice(1).reduce((sum, calls) => sum + calls, 0);
  assert.is(made, 210);
  near(told.reduce((sum, value) => sum + value, 0) / 40, 105);
  const later = withExtraCalls({ ...subject, asynchronous: true, batch: async () => 100 }, 0.1);
  assert.is(await later.batch(10), 110);
});

/** Normal values by Box and Muller. */
function normals(count: number, mean: number, deviation: number, seed: number): number[] {
  const random = seededRandom(seed);
  const one = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Array.from({ length: count }, () => mean + deviation * one());
}

const header: SelftestHeader = {
  selftestVersion: SELFTEST_VERSION,
  started_utc: '2026-01-01T00:00:00.000Z',
  fingerprint: 'f',
  cpu: 'c',
  node: 'v24',
  seed: 1,
  terms: TERMS,
  budget: 300,
  // As many as the gate has: what a second stage takes is told per benchmark of the suite.
  benchmarks: Array.from({ length: 30 }, (_, i) => String(i)),
};

const trialOf = (kind: TrialKind, trial: number, mean: number, deviation: number): Trial => ({
  kind,
  trial,
  seed: trial,
  seconds: 90,
  pairSeconds: 0.25,
  exhausted: false,
  rows: header.benchmarks.map((name, i) => ({
    name,
    first: normals(14, mean, deviation, 100 * trial + i),
    second: mean > 0.03 ? normals(20, mean, deviation, 10_000 + 100 * trial + i) : [],
    disturbed: 0,
  })),
});

test('a draw has the spread of the pool, and the ratio that was injected whatever the pool leans to', () => {
  const [pool] = poolsOf([trialOf('clean', 0, 0.01, 0.02), trialOf('clean', 1, 0.01, 0.02), trialOf('hogged', 0, 1, 1)]);
  assert.is(pool.logs.length, 28);
  const many = drawn(pool, 20_000, 1.05, seededRandom(3));
  const mean = many.reduce((sum, value) => sum + value, 0) / many.length;
  assert.ok(Math.abs(mean - Math.log(1.05)) < 6e-4, `${mean}`);
  assert.ok(Math.abs(standardDeviation(many) / pool.spread - 1) < 0.15);
});

test('replays find what is large against the scatter and only that, and intervals cover', () => {
  const pools = poolsOf([0, 1, 2, 3].map((trial) => trialOf('clean', trial, 0, 0.02)));
  const found = (among: typeof pools, ratio: number) =>
    Array.from({ length: 20 }, (_, i) => replay(among[i % among.length], ratio, TERMS, 5 + i)).filter((one) => one.found).length;
  const share = (ratio: number) => found(pools, ratio) / 20;
  assert.ok(share(1.1) >= 0.97);
  assert.ok(share(1.05) >= 0.8);
  assert.is(share(1), 0);
  assert.is(share(1.01), 0);
  const loud = poolsOf([0, 1, 2].map((trial) => trialOf('clean', trial, 0, 0.4)));
  assert.ok(found(loud, 1.05) <= 1);
  const covered = coverage(pools, 1.05, 300, TERMS, 9);
  assert.ok(covered >= 274 && covered <= 296, `${covered} of 300`);
});

test('a run of the suite takes what its benchmarks take: the processes of a fork are shared by those that are open', () => {
  const pools = poolsOf([0, 1, 2, 3].map((trial) => trialOf('clean', trial, 0, 0.01)));
  const { alarms, pairs } = cleanSuites(pools, 10, TERMS, 3);
  assert.is(alarms, 0);
  assert.equal([...pairs.keys()], header.benchmarks);
  assert.ok([...pairs.values()].flat().every((count) => count >= 10 && count <= 64));
  const counts = new Map([
    ['0', [10]],
    ['1', [20]],
  ]);
  /** A budget in seconds, of which `first` are for the first stage. */
  const within = (budget: number, first: number) =>
    slowedSuites([pools[0]], counts, 1.3, 1, { pair: 0.3, start: 0.4, limit: budget / 2, secondShare: 1 - first / budget }, TERMS, 1)[0];
  const seen = replay(pools[0], 1.3, TERMS, 1);
  assert.ok(seen.found && seen.first === 10);
  const confirming = seen.second * 0.5;
  const all = within(200, 100);
  assert.is(all.found, true);
  near(all.amortised, (20 * 0.4 + 30 * 0.1 + confirming) / 2);
  // Ten forks of both take 6 s. Where the budget ends the first stage there, the slow one is flagged by then; a fork sooner it is not, nor confirmed in less than that takes.
  assert.is(within(6.1 + confirming, 6.1).found, true);
  assert.is(within(6.1 + confirming, 5.9).found, false);
  assert.is(within(5.9 + confirming, 6.1).found, false);
});

const effort = { power: 4, suites: 3, coverage: 3, agreement: 2 };
const overhead = { taskNs: 1e4, share: 0.001, emptyNs: 2 };
const metOf = (trials: readonly Trial[], what: RegExp) =>
  findingsOf({ header, overhead, trials }, effort).find((row) => what.test(row.what))!;

test('the table says what is met and what is not', () => {
  const clean = [0, 1, 2, 3].map((trial) => trialOf('clean', trial, 0, 0.015));
  assert.is(metOf(clean, /with a false alarm/).met, true);
  assert.match(metOf(clean, /with a false alarm/).measured, /^0 of 4, so at most 52\.7 %/);
  const short = { ...clean[0], rows: clean[0].rows.map((row) => ({ ...row, first: row.first.slice(0, 9) })) };
  assert.match(metOf([...clean, short], /with a false alarm/).measured, /^0 of 4, .*; 1 more had a benchmark that could not be judged$/);
  const loud = { ...clean[0], rows: clean[0].rows.map((row, i) => ({ ...row, disturbed: i === 7 ? 0.31 : 0 })) };
  assert.match(metOf([...clean, loud], /with a false alarm/).measured, /^0 of 4, .*; 1 more had/);
  assert.is(metOf([short], /with a false alarm/).met, undefined);
  assert.is(metOf([...clean, trialOf('clean', 4, 0.09, 0.01)], /with a false alarm/).met, false);
  assert.is(metOf([...clean, trialOf('hogged', 0, 0.2, 0.01)], /hog/).met, false);
  assert.is(metOf([...clean, trialOf('hogged', 0, 0, 0.2)], /hog/).met, true);
  assert.is(metOf(clean, /hog/).met, undefined);
  assert.is(metOf(clean, /10 % slowdown, spread of pairs at most/).met, true);
  assert.match(metOf([...clean, trialOf('slowed', 0, Math.log(1.05), 0.01)], /really made/).measured, /^30 of 30 found .* ratio 1\.0[45]/);
  assert.ok(findingsOf({ header, overhead, trials: [] }, effort).every(({ met }) => met !== false));
});

test('a recording is read back; a line that was never finished is left out, and what is none is refused', () => {
  const trial = trialOf('clean', 0, 0, 0.01);
  const text = `${[header, trial].map((line) => JSON.stringify(line)).join('\n')}\n`;
  assert.equal(readRecording(`${text}{"kind":"cle`, 'x').trials, [trial]);
  const measured = readRecording(`${text}${JSON.stringify({ kind: 'overhead', ...overhead })}\n`, 'x');
  assert.equal([measured.overhead?.share, measured.trials.length], [overhead.share, 1]);
  assert.throws(() => readRecording(`${text}{"kind":"overhead"}\n`, 'x'), /line 3 is no run/);
  assert.throws(() => readRecording(text.replace('"selftestVersion":1', '"selftestVersion":2'), 'x'), /selftestVersion 2, expected 1/);
  assert.throws(() => readRecording('', 'x'), /no recording/);
  assert.throws(() => readRecording(`${text}nonsense\n`, 'x'), /x: line 3 is not JSON/);
  assert.throws(() => readRecording(`${text}{"kind":"clean","rows":[{"name":"a"}]}\n`, 'x'), /line 3 is no run/);
});

test.run();
