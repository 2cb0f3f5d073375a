import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { seededRandom } from '../kernels/random.ts';
import { clusteredInterval, median, medianDeviation, medianOfForks, quantile, ratioOfForks } from './statistics.ts';

const near = (got: number, expected: number, within: number) =>
  assert.ok(Math.abs(got - expected) <= within, `${got} is not within ${within} of ${expected}`);

/** Normal numbers, by Box and Muller. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

test('quantiles are linear between order statistics, as in R and NumPy', () => {
  assert.is(quantile([4, 1, 3, 2], 0.5), 2.5);
  near(quantile([1, 2, 3, 4, 5], 0.1), 1.4, 1e-12);
  assert.is(quantile([7], 0.9), 7);
  assert.is(median([3, 1, 2]), 2);
  assert.ok(Number.isNaN(median([])));
});

test('the median deviation is unscaled and shrugs off an outlier', () => {
  assert.is(medianDeviation([1, 1, 2, 2, 4, 6, 9]), 1);
  assert.is(medianDeviation([10, 11, 12, 13, 1e9]), 1);
});

test('a fork counts once, however many samples it has', () => {
  assert.is(medianOfForks([[1, 1, 1, 1, 1, 1, 1], [5], [9]]), 5);
});

test('one fork has no interval', () => {
  assert.is(clusteredInterval([[1, 2, 3]], medianOfForks, 1), undefined);
});

test('an interval is the same for the same seed, and holds the median', () => {
  const forks = [
    [1, 2, 3],
    [2, 3, 4],
    [3, 4, 5],
  ];
  const one = clusteredInterval(forks, medianOfForks, 7)!;
  assert.equal(clusteredInterval(forks, medianOfForks, 7), one);
  assert.ok(one.low <= 3 && one.high >= 3 && one.low < one.high);
});

test('the interval is as wide as forks differ, not as samples do', () => {
  const far = [1, 2, 3, 4, 5, 6].map((fork) => Array.from({ length: 100 }, (_, i) => fork + i * 1e-6));
  const interval = clusteredInterval(far, medianOfForks, 1)!;
  assert.ok(interval.high - interval.low > 1, `a width of ${interval.high - interval.low} ignores the forks`);
});

test('95 % intervals of normal data with 12 forks cover the truth about that often', () => {
  const random = seededRandom(3);
  let covered = 0;
  for (let trial = 0; trial < 100; trial++) {
    const forks = Array.from({ length: 12 }, () => {
      const shift = normal(random);
      return Array.from({ length: 5 }, () => 100 + shift + 0.1 * normal(random));
    });
    const { low, high } = clusteredInterval(forks, medianOfForks, trial)!;
    if (low <= 100 && 100 <= high) covered++;
  }
  assert.ok(covered >= 86 && covered <= 100, `${covered} of 100 cover`);
});

test('a ratio pairs what was measured in the same round, so that drift cancels', () => {
  const forks = [1, 10, 100].map((drift) => [1, 2, 3, 4].map((slower) => ({ base: 2 * drift * slower, head: drift * slower })));
  const { ratio, low, high, pairs } = ratioOfForks(forks, 1)!;
  near(ratio, 2, 1e-12);
  near(low!, 2, 1e-12);
  near(high!, 2, 1e-12);
  assert.is(pairs, 12);
  assert.is(ratioOfForks([[], []], 1), undefined);
});

test.run();
