// The formats for CI systems and dashboards, each against its own rules, with names that try to break them, with nothing at all, and with far too much.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { biggerIsBetter, smallerIsBetter } from './action-benchmark.ts';
import { annotations } from './annotations.ts';
import { bencher } from './bencher.ts';
import { benchmarkText, sideText } from './benchstat.ts';
import { run, samples, summaries } from './example.ts';
import { comparisonResults, nothing, plentyOf, withNames } from './example-comparison.ts';
import { junit } from './junit.ts';
import { markdown } from './markdown.ts';
import { SUMMARY_BYTES, stepSummary } from './step-summary.ts';
import { assertWellFormed } from './well-formed.ts';

const results = { run, summaries, samples, verdict: ['packed is 2 times as fast'] };
/** Quotes, markup, line ends, per cents, other scripts, halves of characters, what no XML may hold, and very long. */
const NASTY = [
  `"a" & 'b' <c> ]]>`,
  'two\nlines\r\n::error::x',
  '100 % 50%25, a:b',
  'größe µs 尺寸 🧮',
  '\ud800 half \u0000\u0007 \ufffe',
  '| *b* `c` ~d~',
  'l'.repeat(5000),
  '__proto__',
];
const nasty = withNames(NASTY);

test('JUnit is well-formed XML with the right state, type and counts, whatever the names', () => {
  const text = junit(comparisonResults);
  assertWellFormed(text);
  assert.match(text, /<testsuites name="[^"]*1 regressed[^"]*" tests="6" failures="2" errors="1" skipped="2">/);
  assert.match(
    text,
    /<testcase classname="gate" name="gate\/a ours@cpu\/2" time="0\.000001071">\s*<failure type="PerformanceRegression" message="\+7\.1 % \[5\.2, 9\.0\] in fresh processes/,
  );
  assert.match(text, /<failure type="WrongResult" message="C\[3\] is NaN"\/>/);
  assert.match(text, /<error type="failed"/);
  assert.match(text, /<skipped message="too-noisy: /);
  assert.match(text, /<skipped message="head-only: /, 'a new benchmark is no error');
  assert.match(text, /<property name="fingerprint" value="a1b2"\/>/);
  assertWellFormed(junit(nasty));
  assert.is([...junit(nasty).matchAll(/<testcase /g)].length, NASTY.length);
  for (const empty of [nothing, { ...results, summaries: [], samples: [] }]) {
    assertWellFormed(junit(empty));
    assert.match(junit(empty), /tests="0" failures="0" errors="0" skipped="0"/);
  }
  const ofRun = junit(results);
  assert.match(ofRun, /tests="4" failures="1" errors="0" skipped="1"/);
  assert.match(ofRun, /time="0\.001234568"\/>/);
});

test('annotations are at most nine of a kind and one more line, each on a line of its own', () => {
  const lines = annotations(nasty);
  assert.ok(
    lines.length > 0 && lines.every((line) => /^::(error|warning|notice) title=[^:,\r\n]*::[^\r\n]*$/.test(line)),
    lines.join('\n'),
  );
  assert.ok(lines.some((line) => line.includes('100 %25 50%2525%2C a%3Ab')));
  assert.ok(lines.every((line) => line.length < 5000));
  const many = annotations(plentyOf(50));
  assert.is(many.length, 10);
  assert.match(many[9], /^::error title=\+41 more::41 more are/);
  const mixed = annotations(comparisonResults).map((line) => line.slice(0, line.indexOf(' ')));
  assert.equal(mixed, ['::error', '::error', '::error', '::warning', '::warning']);
  assert.equal(annotations(nothing), []);
});

test('the step summary says the verdict first, then what changed, and never more than there is room for', () => {
  const text = stepSummary(comparisonResults);
  const at = (part: string) => text.indexOf(part);
  assert.ok(at('1 regressed') < at('**regressed**') && at('**regressed**') < at('<details>') && at('<details>') < at('equivalent |'), text);
  assert.match(text, /^### ❌ /);
  assert.match(stepSummary({ ...results, summaries: summaries.slice(0, 2) }), /^### ✅ bench run matmul/);
  for (const count of [10, 3000, 20_000]) {
    const long = stepSummary(plentyOf(count));
    assert.ok(Buffer.byteLength(long) <= SUMMARY_BYTES, String(Buffer.byteLength(long)));
    const left = Number(/(\d+) more rows have no room here; all of them are in comparison\.csv/.exec(long)?.[1] ?? 0);
    assert.is([...long.matchAll(/^\| \*\*regressed/gm)].length + left, count);
    assert.is(left > 0, count > 3000);
  }
  for (const room of [700, 2000, 5000, 20_000]) {
    const short = stepSummary(plentyOf(3000), room);
    assert.ok(Buffer.byteLength(short) <= room);
    assert.is([...short.matchAll(/<details>/g)].length, [...short.matchAll(/<\/details>/g)].length);
  }
  assert.match(stepSummary(nothing), /nothing was compared/);
  assert.match(stepSummary({ ...results, summaries: [], samples: [] }), /nothing was measured/);
});

test('tables of Markdown keep their columns and their lines, whatever the names', () => {
  for (const text of [stepSummary(nasty), markdown(nasty), markdown(comparisonResults)]) {
    const rows = text.split('\n').filter((line) => line.startsWith('|'));
    assert.is(new Set(rows.map((line) => line.replaceAll('\\|', '').split('|').length)).size, 1);
    assert.not.match(text, /\n::error/);
  }
  assert.match(markdown(comparisonResults), /### Changed[\s\S]*\*\*regressed\*\*[\s\S]*### The rest[\s\S]*equivalent/);
  assert.is(
    markdown(nasty)
      .split('\n')
      .filter((line) => /^\| \*\*regressed/.test(line)).length,
    NASTY.length,
  );
});

/** The fields of an entry as that action reads it. */
interface Entry {
  name: unknown;
  unit: unknown;
  value: unknown;
  range?: unknown;
  extra?: unknown;
}

test('action-benchmark gets arrays of entries with unique names, times and rates apart', () => {
  for (const one of [results, comparisonResults, nasty, nothing])
    for (const text of [smallerIsBetter(one), biggerIsBetter(one)]) {
      const entries: Entry[] = JSON.parse(text);
      assert.ok(Array.isArray(entries));
      assert.is(new Set(entries.map(({ name }) => name)).size, entries.length);
      for (const { name, unit, value, range = '', extra = '' } of entries)
        assert.ok([name, unit, range, extra].every((field) => typeof field === 'string') && Number.isFinite(value), JSON.stringify(name));
    }
  const [first] = JSON.parse(smallerIsBetter(results));
  assert.equal(
    [first.name, first.unit, first.value, first.range],
    ['matmul/512x512x512/nn/f32 ours:packed@cpu/2', 'ns', 1234567.8, '± 30000'],
  );
  assert.is(JSON.parse(biggerIsBetter(results))[0].unit, 'GFLOP/s');
  const ofGate: Entry[] = JSON.parse(smallerIsBetter(comparisonResults));
  assert.equal(ofGate[0].name, 'gate/b ours@cpu/2', 'the head under the name that both sides have');
});

test('Bencher gets measures of numbers whose bounds hold the value, under names it takes', () => {
  for (const one of [results, comparisonResults, nasty, nothing]) {
    const text = bencher(one);
    const document: Record<string, Record<string, { value: number; lower_value?: number; upper_value?: number }>> = JSON.parse(text);
    for (const [name, measures] of Object.entries(document)) {
      assert.ok(name.length > 0 && name.length <= 1024);
      assert.ok(Object.keys(measures).includes('latency'));
      for (const { value, lower_value = value, upper_value = value } of Object.values(measures))
        assert.ok(lower_value <= value && value <= upper_value, `${name} ${lower_value} ${value} ${upper_value}`);
    }
  }
  assert.is(Object.keys(JSON.parse(bencher(nasty))).length, NASTY.length);
  assert.equal(JSON.parse(bencher(nothing)), {});
});

/** The grammar of the Go benchmark format, as golang.org/x/perf/benchfmt reads it. Returns results by name. */
function readBenchmarks(text: string): Map<string, { iterations: number; values: Record<string, number> }[]> {
  const found = new Map<string, { iterations: number; values: Record<string, number> }[]>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# ')) continue;
    if (/^\p{Ll}[^\p{Lu}\s]*:[ \t]+\S/u.test(line)) continue;
    if (/^Unit \S+( \S+=\S+)+$/.test(line)) continue;
    assert.match(line, /^Benchmark(\P{Ll}|$)/u, `no kind of line: ${line}`);
    const [name, iterations, ...rest] = line.split(/\s+/u);
    assert.match(iterations, /^[1-9]\d*$/);
    assert.is(rest.length % 2, 0);
    const values = Object.fromEntries(Array.from({ length: rest.length / 2 }, (_, i) => [rest[2 * i + 1], Number(rest[2 * i])]));
    assert.ok(Object.values(values).every(Number.isFinite) && values['ns/op'] > 0, line);
    found.set(name, [...(found.get(name) ?? []), { iterations: Number(iterations), values }]);
  }
  return found;
}

test('Go benchmark text has a line for each fork, under the same names on both sides', () => {
  const ofRun = readBenchmarks(benchmarkText(results));
  assert.equal([...ofRun.keys()], ['BenchmarkMatmul/512x512x512/nn/f32/arm=ours:packed@cpu:2-2']);
  const [line] = [...ofRun.values()][0];
  assert.equal([line.iterations, line.values['ns/op'], line.values['GFLOP/s']], [16, 1234567.8, 217.4]);
  const [base, head] = (['base', 'head'] as const).map((side) => readBenchmarks(sideText(side, comparisonResults)));
  assert.equal([...base.keys()], [...head.keys()]);
  const name = 'BenchmarkGate/a/arm=ours@cpu:2-2';
  assert.is(base.get(name)!.length, 3, 'the forks of the second stage alone');
  assert.ok(head.get(name)!.every(({ values }, i) => values['ns/op'] > base.get(name)![i].values['ns/op']));
  assert.is(readBenchmarks(sideText('head', nasty)).size, NASTY.length);
  assert.is(readBenchmarks(sideText('base', nothing)).size, 0);
});

test.run();
