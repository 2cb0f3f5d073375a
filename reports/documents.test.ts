import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { run, samples, summaries } from './example.ts';
import { comparisonResults } from './example-comparison.ts';
import { formatNames, render } from './formats.ts';
import { readResults, resultsJson } from './json.ts';
import { markdown } from './markdown.ts';
import { resultsJsonSchema } from './schema.ts';

const verdict = ['packed is 2.0 times as fast as *openblas*'];
const results = { run, summaries, samples, verdict };

test('results.json reads back; a number that JSON lacks is left out', () => {
  const back = readResults(resultsJson(results));
  assert.equal(back.run, run);
  assert.is(back.summaries[0].median_ns, 1234567.8);
  assert.is(back.summaries[2].max_rel_err, undefined);
  assert.is(back.samples.length, 2);
  assert.equal(back.verdict, verdict);
  assert.is(readResults(resultsJson({ run, summaries, samples })).verdict, undefined, 'files from before verdicts read as well');
  assert.throws(() => readResults(resultsJson(results).replace('"slot": 1', '"slot": -1')), /samples\.0\.slot/);
  assert.throws(() => readResults('{'), /not JSON/);
});

test('a comparison reads back with every field, and a row of another version is refused by name', () => {
  const text = resultsJson(comparisonResults);
  const back = readResults(text);
  assert.equal(back.comparison, JSON.parse(JSON.stringify(comparisonResults.comparison)));
  assert.throws(() => readResults(text.replace('"verdict": "regressed"', '"verdict": "slower"')), /comparison\.rows\.\d\.verdict/);
  assert.throws(() => readResults(text.replace('"schemaVersion": 1', '"schemaVersion": 2')), /schemaVersion 2 is newer than 1/);
});

test('the committed JSON Schema is the one that schema.ts says', () => {
  const committed = JSON.parse(readFileSync(new URL('./results.schema.json', import.meta.url), 'utf8'));
  assert.equal(committed, JSON.parse(JSON.stringify(resultsJsonSchema())), 'run: node scripts/schema.ts');
  assert.equal(committed.properties.samples.items.required.includes('value'), true);
  assert.ok(committed.properties.comparison.properties.rows.items.required.includes('verdict'));
});

test('Markdown has a table that its own bars and stars cannot break', () => {
  const text = markdown(results);
  const rows = text.split('\n').filter((line) => line.startsWith('|'));
  const bars = rows.map((line) => line.replaceAll('\\|', '').split('|').length);
  assert.is(new Set(bars).size, 1);
  assert.match(text, /\*\*1\.23 ms\*\*/);
  assert.match(text, /### Verdict\n\n- packed is 2\.0 times as fast as \\\*openblas\\\*\n/);
  assert.match(text, /- cpu: A CPU \\\| with a bar/);
  assert.match(text, /- matmul\/1024x1024x1024\/nn\/f32 .*skipped: no WebGPU adapter/);
});

test('every format of --format writes', () => {
  assert.equal(formatNames, ['table', 'csv', 'json', 'markdown', 'html', 'github', 'junit', 'action-benchmark', 'bencher', 'benchstat']);
  for (const format of formatNames) assert.ok(render(format, results).endsWith('\n'), format);
});

test.run();
