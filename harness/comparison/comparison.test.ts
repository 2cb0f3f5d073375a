// Reference values: R 4.2.2 (pnorm, qnorm, pt, qt, p.adjust, wilcox.test's pseudomedian, wilcox.test, psignrank, an enumerated bootstrap), SciPy 1.17.1 (permutation_test of signed ranks).

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { seededRandom } from '../../kernels/random.ts';
import { confirmingP, confirmingPairs, EARLY_CONFIRMING, isClearEarly } from './confirmation.ts';
import { normalProbability, normalQuantile, studentProbability, studentQuantile } from './distributions.ts';
import { estimate, TERMS, tests } from './estimate.ts';
import { expandedTail, hodgesLehmann, locationInterval, robustDeviation, standardDeviation } from './location.ts';
import { LOOKS, levelAt } from './looks.ts';
import { benjaminiHochberg, holm } from './multiplicity.ts';
import { pairsNeeded, smallestDetectable } from './power.ts';
import { screen } from './screening.ts';
import { signedRanks } from './signed-rank.ts';
import { type Evidence, judge } from './verdict.ts';

const near = (seen: number, wanted: number, relative = 1e-12) =>
  assert.ok(Math.abs(seen - wanted) <= relative * Math.max(Math.abs(wanted), 1e-300) + 1e-16, `${seen}, expected ${wanted}`);
const LOGS = [0.031, -0.012, 0.054, 0.027, 0.043, -0.003, 0.061, 0.019, 0.038, 0.022, 0.011, 0.047];

/** Normal values by Box and Muller. */
function normals(count: number, mean: number, deviation: number, random: () => number): number[] {
  const one = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Array.from({ length: count }, () => mean + deviation * one());
}
const evidence = (first: readonly number[], second: readonly number[] = [], rest: Partial<Evidence> = {}): Evidence => ({
  name: 'one',
  first,
  second,
  disturbed: 0,
  ...rest,
});

test('the normal distribution is that of R', () => {
  const at = [-8, -5, -3.9, -1, 0, 0.5, 2, 4.1, 6];
  const p = [
    6.2209605742717849e-16, 2.8665157187919391e-7, 4.8096344017602736e-5, 0.15865525393145705, 0.5, 0.69146246127401301,
    0.97724986805182079, 0.99997934249308751, 0.9999999990134123,
  ];
  at.forEach((x, i) => near(normalProbability(x), p[i], 1e-11));
  const of = [1e-10, 0.001, 0.01, 0.025, 0.3, 0.5, 0.9, 0.975];
  const q = [
    -6.3613409024040557, -3.0902323061678132, -2.3263478740408408, -1.9599639845400538, -0.52440051270804067, 0, 1.2815515655446006,
    1.9599639845400536,
  ];
  of.forEach((x, i) => near(normalQuantile(x), q[i], 1e-11));
  assert.throws(() => normalQuantile(1), /between 0 and 1, not 1/);
});

test("Student's t is that of R", () => {
  near(studentQuantile(0.025, 2), -4.3026527297494637, 1e-10);
  near(studentQuantile(0.025, 9), -2.2621571627982049, 1e-10);
  near(studentQuantile(0.975, 19), 2.0930240544083092, 1e-10);
  near(studentQuantile(0.001, 63), -3.2247087385453934, 1e-10);
  near(studentQuantile(0.25, 3), -0.76489232840434518, 1e-10);
  near(studentProbability(-1.5, 2), 0.1361965624455005, 1e-11);
  near(studentProbability(2.5, 9), 0.98306908615850719, 1e-11);
  near(studentProbability(0.3, 30), 0.61687694735782361, 1e-11);
  near(studentProbability(-6, 5), 0.00092306914479700695, 1e-10);
});

test('Hodges and Lehmann, deviations: as in R', () => {
  near(hodgesLehmann(LOGS), 0.029);
  near(standardDeviation(LOGS), 0.022213154715713893);
  near(robustDeviation(LOGS), 0.023 * 1.0483580825075305);
  assert.ok(robustDeviation([...LOGS, 9]) < 1.5 * robustDeviation(LOGS), 'one far away does not make it');
  assert.equal([robustDeviation([3]), robustDeviation([])], [0, 0]);
  assert.is(hodgesLehmann([3]), 3);
  assert.ok(Number.isNaN(hodgesLehmann([])));
});

test('the bootstrap interval is that of all 3125 draws of five values', () => {
  near(expandedTail(5, 0.95), 0.00095410055188248875, 1e-9);
  const interval = locationInterval([0.031, -0.012, 0.054, 0.027, 0.043], 0.95, 1)!;
  assert.equal([interval.low, interval.high], [-0.012, 0.054]);
  // The tail that ends at 0.1, found backwards from the enumeration.
  const confidence = 1 - 2 * studentProbability(Math.sqrt(4 / 5) * normalQuantile(0.1), 4);
  const narrow = locationInterval([0.031, -0.012, 0.054, 0.027, 0.043], confidence, 1)!;
  assert.ok(Math.abs(narrow.low - 0.0155) <= 0.002 && Math.abs(narrow.high - 0.0425) <= 0.001, `${narrow.low}, ${narrow.high}`);
  assert.is(locationInterval([1, 2], 0.95, 1), undefined);
});

test('the interval covers as often as it says', () => {
  const random = seededRandom(5);
  for (const pairs of [10, 20]) {
    let covered = 0;
    for (let trial = 0; trial < 200; trial++) {
      const interval = locationInterval(normals(pairs, 0.03, 0.04, random), 0.95, trial)!;
      if (interval.low <= 0.03 && 0.03 <= interval.high) covered++;
    }
    assert.ok(covered >= 183 && covered <= 198, `${covered} of 200 with ${pairs} pairs`);
  }
});

test('signed ranks: exact as in R, with ties as in SciPy', () => {
  const both = (values: readonly number[], margin: number) => Object.values(signedRanks(values, margin));
  const nearAll = (seen: readonly number[], wanted: readonly number[]) => seen.forEach((value, i) => near(value, wanted[i], 1e-11));
  nearAll(both(LOGS, 0), [0.0017089843750000013, 0.998779296875]);
  nearAll(both(LOGS, 0.0198026272961797), [0.10180664062500008, 0.911865234375]);
  nearAll(both(LOGS, 0.03000001), [0.60449218749999989, 0.42504882812500011]);
  const mirrored = LOGS.map((value) => -value);
  assert.equal(both(mirrored, 0).reverse(), both(LOGS, 0));
  const twenty = [
    0.0912, -0.0467, 0.0425, 0.013, 0.0164, 0.0235, -0.0306, 0.023, 0.004, 0.1297, 0.0368, 0.0194, 0.0216, 0.01, -0.0017, 0.0183, 0.0445,
    0.0228, 0.0587, 0.024,
  ];
  near(signedRanks(twenty, 0.0201).above, 0.28529834747314453);
  nearAll(both([0.05, 0.02, -0.02, 0.03, -0.03, 0.02, 0.04, 0.01, 0.06], 0), [0.052734375, 0.958984375]);
  assert.equal(signedRanks([], 0), { above: 1, below: 1 });
  assert.equal(signedRanks(Array(10).fill(0.05), 0.02), { above: 2 ** -10, below: 1 }, 'the smallest p of ten pairs');
  assert.equal(signedRanks([0.02, 0.02], 0.02), { above: 1, below: 1 }, 'what lies on the margin lies on no side of it');
  near(
    signedRanks(
      Array.from({ length: 40 }, (_, i) => (i === 0 ? -1 : i + 1)),
      0,
    ).above,
    1.8189894035458565e-12,
  );
  assert.is(signedRanks([...Array(19).fill(0.05), -9], 0.02).above < 0.001, true, 'one far away is one vote');
});

test('Holm, Benjamini and Hochberg: as in R', () => {
  const p = [0.001, 0.2, 0.013, 0.049, 0.013, 0.8, 0.0004];
  [0.006, 0.4, 0.065, 0.147, 0.065, 0.8, 0.0028].forEach((wanted, i) => near(holm(p)[i], wanted));
  [0.0035, 0.23333333333333336, 0.02275, 0.0686, 0.02275, 0.8, 0.0028].forEach((wanted, i) => near(benjaminiHochberg(p)[i], wanted));
  assert.equal(holm([]), []);
});

test('looks spend the error once', () => {
  near(
    LOOKS.reduce((sum, look) => sum + levelAt(look, 0.01), 0),
    0.01,
  );
  assert.ok(levelAt(10, 0.01) >= 2 ** -10, 'ten pairs that agree are enough');
  assert.is(levelAt(11, 0.01), 0);
});

test('sizes and smallest effects belong together', () => {
  const design = { alpha: 0.001, power: 0.95, margin: 0.02 };
  // ((3.0902 + 1.6449) 0.03 / ln(1.05 / 1.02))^2 = 24.01.
  assert.is(pairsNeeded(0.05, 0.03, design), 25);
  assert.is(pairsNeeded(0.05, 0.05, design), 67);
  assert.is(pairsNeeded(0.02, 0.03, design), Infinity);
  const pairs = pairsNeeded(0.05, 0.03, design);
  assert.ok(smallestDetectable(pairs, 0.03, design) <= 0.05 && smallestDetectable(pairs - 1, 0.03, design) > 0.05);
});

test('screening errs no oftener than it says, and finds what is there', () => {
  const random = seededRandom(11);
  const states = (shift: number, deviation: number, trials: number) =>
    Array.from({ length: trials }, (_, i) => screen(normals(64, shift, deviation, random), TERMS, i).state);
  const share = (list: readonly string[], state: string) => list.filter((each) => each === state).length / list.length;
  // At the margin itself, where false flags are most frequent.
  assert.ok(share(states(Math.log1p(TERMS.margin), 0.03, 80), 'slower') <= 0.025);
  assert.is(share(states(0, 0.03, 60), 'slower'), 0);
  assert.ok(share(states(0, 0.01, 40), 'equivalent') >= 0.95);
  assert.ok(share(states(Math.log(1.05), 0.03, 100), 'slower') >= 0.95);
  assert.ok(share(states(Math.log(1.05), 0.05, 40), 'slower') >= 0.93);
  assert.ok(share(states(-Math.log(1.1), 0.03, 40), 'faster') >= 0.99);
  assert.ok(share(states(0.03, 0.5, 40), 'futile') >= 0.8);
});

test('more data does not undo a look that has decided', () => {
  const first = Array(10).fill(0.06);
  assert.is(screen([...first, ...Array(54).fill(-0.2)], TERMS, 1).state, 'slower');
  assert.is(screen(first.slice(1), TERMS, 1).state, 'open');
});

test('a verdict needs both stages', () => {
  const random = seededRandom(3);
  const slow = () => normals(14, Math.log(1.08), 0.02, random);
  const same = () => normals(14, 0, 0.02, random);
  const verdicts = (...all: Evidence[]) => judge(all, TERMS, 1).map(({ verdict, code }) => `${verdict}: ${code}`);
  assert.equal(verdicts(evidence(slow(), slow())), ['regressed: confirmed']);
  assert.equal(verdicts(evidence(slow(), same())), ['inconclusive: not-confirmed']);
  assert.equal(verdicts(evidence(slow())), ['inconclusive: unconfirmed']);
  const mirrored = (values: number[]) => values.map((value) => -value);
  assert.equal(verdicts(evidence(mirrored(slow()), mirrored(slow()))), ['improved: confirmed']);
  assert.equal(verdicts(evidence(normals(32, 0, 0.01, random))), ['equivalent: within-margin']);
  assert.equal(verdicts(evidence(normals(64, 0, 0.2, random))), ['inconclusive: too-noisy']);
  assert.equal(verdicts(evidence([0.1, 0.1])), ['inconclusive: too-few-pairs']);
  assert.equal(verdicts(evidence([])), ['inconclusive: too-few-pairs']);
  assert.equal(verdicts(evidence(slow(), slow(), { disturbed: 0.5 })), ['inconclusive: environment']);
  assert.equal(verdicts(evidence(slow(), slow(), { invalid: { code: 'wrong', detail: 'C[3] is 7' } })), ['invalid: wrong']);
});

test('the second stage is read over all that were flagged, and what is not flagged costs nothing', () => {
  const flagged = Array(10).fill(0.06);
  // Eight equal pairs have p = 2^-8, which counts twice: confirmed alone (below 0.01), not among two.
  const weak = evidence(flagged, Array(8).fill(0.06));
  assert.is(judge([evidence(flagged, Array(7).fill(0.06))], TERMS, 1)[0].verdict, 'inconclusive');
  assert.is(judge([weak], TERMS, 1)[0].verdict, 'regressed');
  assert.equal(
    judge([weak, { ...weak, name: 'two' }], TERMS, 1).map(({ verdict }) => verdict),
    ['inconclusive', 'inconclusive'],
  );
  const quiet = evidence(Array(10).fill(0), []);
  assert.is(judge([weak, ...Array(28).fill(quiet)], TERMS, 1)[0].verdict, 'regressed');
});

test('the second stage ends early where it is clear, and errs no oftener for that', () => {
  const random = seededRandom(17);
  const wide = estimate(normals(14, Math.log(1.06), 0.06, random), TERMS, 1);
  assert.is(confirmingPairs(wide, TERMS, 1), 64);
  assert.is(confirmingPairs(estimate(Array(10).fill(0.06), TERMS, 1), TERMS, 1), 2 * EARLY_CONFIRMING);
  assert.is(isClearEarly(normals(20, Math.log(1.1), 0.03, random), 'slower', 3, TERMS), true);
  assert.is(isClearEarly(normals(20, Math.log(1.1), 0.03, random), 'faster', 3, TERMS), false);
  assert.is(isClearEarly(normals(19, Math.log(1.1), 0.01, random), 'slower', 3, TERMS), false, 'there is no look at 19');
  // At the margin itself, where errors are most frequent: both looks together stay below the level, here of 0.1.
  const lenient = { ...TERMS, confirmAlpha: 0.1 };
  const errs = () => {
    const logs = normals(40, Math.log1p(TERMS.margin), 0.03, random);
    const early = logs.slice(0, EARLY_CONFIRMING);
    return isClearEarly(early, 'slower', 1, lenient) || confirmingP(tests(logs, lenient), 'slower') < lenient.confirmAlpha;
  };
  const errors = Array.from({ length: 400 }, errs).filter(Boolean).length;
  assert.ok(errors >= 5 && errors <= 56, `${errors} of 400`);
});

test('an undecided verdict says what it would take', () => {
  const random = seededRandom(9);
  const [{ reason }] = judge([evidence(normals(32, 0, 0.2, random), [], { pairSeconds: 0.5 })], TERMS, 1);
  const [cut] = judge([evidence(normals(45, 0.01, 0.03, random), [], { pairSeconds: 0.5 })], TERMS, 1);
  assert.is(cut.code, 'between', 'ended by the budget between two looks');
  assert.match(cut.reason, /^\+[\d.]+ % .* would have been seen, one of 3\.0 % needs \d+ pairs/);
  assert.match(reason, /a change of [\d.]+ % would have been seen, one of 5\.0 % needs \d+ pairs \(\d+ s\)/);
});

test.run();
