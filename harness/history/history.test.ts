// Series with known steps: where they are is found, and nothing is found in noise.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { seededRandom } from '../../kernels/random.ts';
import type { Summary } from '../record.ts';
import { changePoints } from './change-points.ts';
import { type PastRun, seriesOf } from './series.ts';

/** Log-normal values around each level in turn: `[count, level]`. */
function levels(parts: readonly (readonly [number, number])[], deviation: number, seed: number): number[] {
  const random = seededRandom(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return parts.flatMap(([count, level]) => Array.from({ length: count }, () => level * Math.exp(deviation * normal())));
}
const found = (values: readonly number[], seed = 1) => changePoints(values, { seed });

test('a step is found where it is, with its size', () => {
  for (const seed of [1, 2, 3]) {
    const points = found(
      levels(
        [
          [20, 100],
          [20, 110],
        ],
        0.01,
        seed,
      ),
      seed,
    );
    assert.is(points.length, 1);
    assert.ok(Math.abs(points[0].index - 20) <= 1, `${points[0].index}`);
    assert.ok(Math.abs(points[0].ratio - 1.1) < 0.015, `${points[0].ratio}`);
    assert.ok(points[0].p < 0.001);
  }
});

test('steps up and down again are two, also in a series longer than a window', () => {
  const points = found(
    levels(
      [
        [40, 100],
        [30, 95],
        [50, 106],
      ],
      0.008,
      4,
    ),
  );
  assert.equal(
    points.map(({ index }) => Math.round(index / 5) * 5),
    [40, 70],
  );
  assert.ok(points[0].ratio < 1 && points[1].ratio > 1);
});

test('exact levels without any noise', () => {
  assert.equal(
    found([...Array(12).fill(100), ...Array(12).fill(103)]).map(({ index }) => index),
    [12],
  );
  assert.equal(found(Array(30).fill(100)), []);
});

test('there is none in noise, whatever its shape', () => {
  let alarms = 0;
  for (let seed = 0; seed < 60; seed++) alarms += found(levels([[50, 100]], 0.03, seed), seed).length;
  // Seldom enough: 60 series at 0.001 leave room for one.
  assert.ok(alarms <= 1, `${alarms}`);
  const spiky = levels([[60, 100]], 0.01, 7).map((value, i) => (i % 13 === 5 ? 2 * value : value));
  assert.equal(found(spiky), []);
});

test('what is too small, too short or alone is not told', () => {
  assert.equal(
    found(
      levels(
        [
          [25, 100],
          [25, 101],
        ],
        0.001,
        3,
      ),
    ),
    [],
    'one per cent is below the least magnitude',
  );
  assert.is(
    changePoints(
      levels(
        [
          [25, 100],
          [25, 101],
        ],
        0.001,
        3,
      ),
      { seed: 1, magnitude: 0.005 },
    ).length,
    1,
  );
  assert.equal(found([100, 100, 100, 200, 200]), []);
  assert.equal(found([...levels([[30, 100]], 0.01, 5), 150]), []);
  assert.equal(found([]), []);
  assert.equal(found([1]), []);
});

const summary = (arm: string, median_ns?: number): Summary => ({
  run_id: 'r',
  time_utc: '2026-01-01T00:00:00.000Z',
  suite: 's',
  case: 's/one',
  arm,
  device: 'cpu',
  dtype: 'f32',
  status: median_ns === undefined ? 'failed' : 'ok',
  median_ns,
});
const run = (day: number, fingerprint: string, summaries: Summary[]): PastRun => ({
  run_id: `r${day}`,
  time_utc: `2026-01-${String(day).padStart(2, '0')}T00:00:00.000Z`,
  fingerprint,
  place: fingerprint,
  summaries,
});

test('environments are never mixed, time is in order, and rows without figures are left out', () => {
  const days = [...Array(28).keys()].map((i) => i + 1);
  const slow = days.map((day) =>
    run(day, day % 2 ? 'slow' : 'fast', [summary('a', day % 2 ? 200 : 100), summary('b', day === 3 ? undefined : 50)]),
  );
  const series = seriesOf(slow.reverse(), 0.02);
  assert.equal(
    series.map(({ arm, environment, points, changes }) => [arm, environment, points.length, changes.length]),
    [
      ['a', 'slow', 14, 0],
      ['b', 'slow', 13, 0],
      ['a', 'fast', 14, 0],
      ['b', 'fast', 14, 0],
    ],
  );
  assert.ok(series[0].points.every(({ time_utc }, i, all) => i === 0 || time_utc > all[i - 1].time_utc));
});

test('of a gate the head counts', () => {
  const series = seriesOf([run(1, 'x', [summary('base:a', 10), summary('head:a', 11)])], 0.02);
  assert.equal(
    series.map(({ arm, points }) => [arm, points[0].median_ns]),
    [['a', 11]],
  );
});

test.run();
