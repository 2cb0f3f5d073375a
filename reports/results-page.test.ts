// The page of results: well-formed, whole, and harmless, whatever the names; each section from what it is of.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Summary } from '../harness/record.ts';
import { fast, run, sample, samples, slow, summaries } from './example.ts';
import { comparisonResults, nothing, plentyOf, withNames } from './example-comparison.ts';
import { resultsPage } from './results-page.ts';
import { readTrace, timelineSection } from './sections/timelines.ts';
import { assertWellFormed } from './well-formed.ts';

const results = { run, summaries, samples, verdict: ['packed is 2 times as fast as <b>openblas</b>'] };

/** What a browser reads, as XML: the tags that HTML leaves open are taken out. */
function assertSound(page: string): void {
  assertWellFormed(page.replace('<!doctype html>', '').replaceAll(/<meta[^>]*>/g, ''));
  assert.not.match(page, /undefined|\[object/);
  assert.not.match(page, / (?:d|r|[cr]?[xy][12]?|width|height|viewBox)="[^"]*(?:NaN|Infinity)/, 'coordinates are numbers');
  assert.not.match(page.replaceAll('http://www.w3.org/2000/svg', ''), /src=|<link|<script|@import|url\(/, 'it loads nothing');
}

const headingsOf = (page: string): string[] => [...page.matchAll(/<h2>([^<]*)<\/h2>/g)].map(([, heading]) => heading);

test('of a run: the verdict before all else, then distributions, rows and the environment', () => {
  const page = resultsPage(results);
  assertSound(page);
  assert.equal(headingsOf(page), ['Distributions', 'All rows', 'Environment']);
  assert.match(page, /<h1>1 wrong, 2 ok, 1 skipped<\/h1><p class="command">bench run matmul --device cpu<\/p>/);
  assert.match(page, /class="verdict bad"/);
  assert.match(page, /as fast as &lt;b&gt;openblas&lt;\/b&gt;/);
  assert.ok(page.indexOf('as fast as') < page.indexOf('<svg'));
  assert.match(page, /Of 2 arms 1 has disturbed samples alone/);
  for (const wanted of ['name="viewport"', 'prefers-color-scheme: dark', '@media print', 'lang="en"'])
    assert.ok(page.includes(wanted), wanted);
});

test('a case that was timed once has no distribution', () => {
  const once = resultsPage({ ...results, samples: results.samples.slice(0, 1) });
  assert.equal(headingsOf(once), ['All rows', 'Environment']);
});

test('every chart has a name, a description, and its numbers in a table beneath', () => {
  for (const page of [resultsPage(results), resultsPage(comparisonResults)]) {
    const figures = [...page.matchAll(/<figure>([\s\S]*?)<\/figure>/g)].map(([, figure]) => figure);
    assert.ok(figures.length > 0);
    for (const figure of figures) {
      assert.match(figure, /<svg class="chart" [^>]*role="img" aria-label="[^"]+"><title>[^<]+<\/title><desc>[^<]+<\/desc>/);
      assert.match(figure, /<details><summary>\d+ rows? of data<\/summary><div class="wide"><table>[\s\S]*<td[\s\S]*<\/details>$/);
    }
  }
});

test('of a gate: regressions first, in red, with their interval and their pairs', () => {
  const page = resultsPage(comparisonResults);
  assertSound(page);
  assert.equal(headingsOf(page), ['What changed', 'Distributions', 'All rows', 'Environment']);
  assert.match(page, /<h1>HEAD against main: 1 regressed, 3 invalid, 1 inconclusive, 1 equivalent<\/h1>/);
  const ratios = page.slice(page.indexOf('<section id="ratios">'), page.indexOf('<section id="distributions">'));
  assert.is([...ratios.matchAll(/<circle/g)].length, 3, 'a point for each row with a ratio');
  assert.match(ratios, /<circle class="bad"/);
  assert.match(ratios, /regressed \+7\.1 %/);
  assert.is(ratios.match(/class="dots bad" d="((?:M[\d.]+,[\d.]+h0)+)"/)![1].split('M').length - 1, 3, 'a dot for each pair');
  assert.match(ratios, /class="band"/);
  const good = {
    ...comparisonResults,
    comparison: { ...comparisonResults.comparison!, rows: comparisonResults.comparison!.rows.slice(0, 1) },
  };
  assert.match(resultsPage(good), /class="verdict good"/);
});

test('names that try to break out stay text, everywhere', () => {
  const name = `</title><script>alert(1)</script>"'&]]><svg onload=x>\u0000\ud800`;
  const nasty = withNames([name, '"', '__proto__']);
  const own: Summary = { ...fast, case: name, arm: name, kernel: name, reason: name, extra: { [name]: name, baseline: name, ratio: 2 } };
  const pages = [
    resultsPage(nasty),
    resultsPage({
      run: { ...run, command: [name], environment: { ...run.environment, cpu: name } },
      summaries: [own, { ...own, arm: 'b' }],
      samples: [{ ...sample, case: name, arm: name }],
      verdict: [name],
    }),
  ];
  for (const page of pages) {
    assertSound(page);
    assert.not.match(page, /<script|<svg onload/);
    assert.match(page, /&lt;script&gt;/);
  }
});

test('a page of nothing and a page of far too much are pages', () => {
  assertSound(resultsPage(nothing));
  assertSound(resultsPage({ run, summaries: [], samples: [] }));
  const much = resultsPage(plentyOf(3000));
  assertSound(much);
  assert.match(much, /1000 more rows are in comparison\.csv/);
  const many = Array.from({ length: 200 }, (_, i) => ({ ...sample, case: `c${i % 100}`, round: Math.floor(i / 100) }));
  assert.match(resultsPage({ run, summaries: [], samples: many }), /The first 60 of 100 cases; all of them are in samples\.csv/);
});

test('against a baseline: a point for each other arm, as a ratio', () => {
  const rated = (row: Summary, extra: Summary['extra']): Summary => ({ ...row, extra });
  const page = resultsPage({
    run,
    samples: [],
    summaries: [
      rated(slow, { baseline: 'openblas', ratio: 1 }),
      rated(fast, { baseline: 'openblas', ratio: 2, ratio_low: 1.9, ratio_high: 2.1 }),
    ],
  });
  assertSound(page);
  assert.match(page, /Speed against openblas/);
  assert.is([...page.matchAll(/<circle class="good"/g)].length, 1);
  assert.match(page, /<td class="number">2\.000<\/td><td class="number">1\.900 to 2\.100<\/td>/);
});

test('a roofline for each place with a roof, a dot for each row of it', () => {
  const loop = { loop: 'x', footprint: 1, access: 'read' };
  const roofs = {
    'cpu/2': {
      peaks: [{ gflops: 100 }, { gflops: 230 }],
      bandwidths: [
        { ...loop, level: 'L1', gbps: 300 },
        { ...loop, level: 'memory', gbps: 20 },
        { ...loop, level: 'memory', access: 'write', gbps: 90 },
      ],
    },
    'cpu/1': { peaks: [{ gflops: 100 }], bandwidths: [{ ...loop, level: 'L1', gbps: 300 }] },
  };
  const page = resultsPage({ run: { ...run, roofs }, summaries, samples: [] });
  assertSound(page);
  const section = page.slice(page.indexOf('<section id="rooflines">'), page.indexOf('<section id="rows">'));
  assert.match(section, /Roofline of cpu\/2/);
  assert.not.match(section, /Roofline of cpu\/1/, 'no row is of it');
  assert.match(section, /peak 230 GFLOP\/s/);
  assert.match(section, /memory 20\.0 GB\/s/, 'loops that only write are no roof of what reads');
  assert.match(section, new RegExp(`matmul/512x512x512/nn/f32 ours:packed@cpu/2: 217 GFLOP/s, ${(217.4 / 2.55).toPrecision(3)} flop/byte`));
  assert.not.match(resultsPage({ run: { ...run, roofs: { 'cpu/2': 'damaged' } }, summaries, samples: [] }), /Roofline/);
});

test('copies: latency and bandwidth of each direction over bytes, the best loop as the roof', () => {
  const copy = (arm: string, bytes: number, ns: number): Summary => ({
    ...fast,
    suite: 'copy',
    case: `copy/host-to-device/cpu/${bytes}B`,
    arm,
    median_ns: ns,
    extra: { payload_bytes: bytes },
  });
  const rows = [64, 4096].flatMap((bytes) => [
    copy('write@cpu/1', bytes, bytes / 4),
    copy('loop:a', bytes, bytes / 8),
    copy('loop:b', bytes, bytes / 16),
  ]);
  const page = resultsPage({ run, summaries: rows, samples: [] });
  assertSound(page);
  assert.match(page, /host-to-device\/cpu: latency/);
  assert.match(page, /host-to-device\/cpu: bandwidth/);
  assert.match(page, /roof: the best loop, 64 B: 16\.0/);
  assert.match(page, /write@cpu\/1, 4\.10 kB: 4\.00/);
  assert.not.match(page.slice(0, page.indexOf('id="rows"')), /loop:a/);
});

test('steps by their parts: what is left over is the rest, and parts of workers are none', () => {
  const row: Summary = {
    ...fast,
    suite: 'dataload',
    case: 'dataload/x',
    arm: 'cold@cpu/2',
    median_ns: 10e6,
    extra: { wait_ms: 3, copy_ms: 1, compute_ms: 5, decoding_ms: 8 },
  };
  const page = resultsPage({ run, summaries: [row], samples: [] });
  assertSound(page);
  const section = page.slice(page.indexOf('<section id="steps">'), page.indexOf('<section id="rows">'));
  for (const part of ['wait: 3.00 ms', 'copy: 1.00 ms', 'compute: 5.00 ms', 'other: 1.00 ms']) assert.ok(section.includes(part), part);
  assert.not.match(section, /decoding/);
});

test('timelines: the step of the median length, from the end of the one before, of each process that does steps', () => {
  const name = (what: string, pid: number, tid: number, text: string) => ({ ph: 'M', name: what, pid, tid, args: { name: text } });
  const span = (cat: string, tid: number, ts: number, dur: number, pid = 7) => ({ ph: 'X', name: `${cat} <it>`, cat, pid, tid, ts, dur });
  const steps = [10, 20, 32, 90].map((ts) => span('step', 1, ts, 8));
  const events = [
    name('process_name', 7, 0, 'cold@cpu/2 <fork 0>'),
    name('thread_name', 7, 1, 'main thread'),
    ...steps,
    span('wait', 1, 28, 4),
    span('load', 2, 0, 100),
    span('kernel', 1, 200, 5),
    span('step', 3, 0, 5, 8),
  ];
  const text = JSON.stringify({ traceEvents: events });
  const section = timelineSection(readTrace(text), 't.json');
  assert.is(section?.figures?.length, 1, 'a process with a single step has no usual one');
  const page = resultsPage({ run, summaries: [], samples: [] }, [section]);
  assertSound(page);
  assert.match(page, /cold@cpu\/2 &lt;fork 0&gt;/);
  assert.match(page, /A step of the usual length, 12\.0 µs/);
  assert.match(page, /main thread: wait &lt;it&gt;, 4\.00 µs from 0 ns on/);
  assert.match(page, /thread 2: load/);
  assert.not.match(page, /kernel/, 'what is outside of the step');
  assert.throws(() => readTrace('{"traceEvents": 3}'), /no trace: traceEvents/);
  assert.throws(() => readTrace('{'), /not JSON/);
});

test.run();
