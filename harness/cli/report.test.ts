// `bench report` as a user calls it: folders of runs, whole, cut short, damaged and of a newer version.

import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { comparisonResults } from '../../reports/example-comparison.ts';
import { resultsJson } from '../../reports/json.ts';
import { EXAMPLE, Workplace } from './bench-process.ts';

const place = new Workplace();
test.after(() => place.remove());
const at = (...path: string[]): string => join(place.folder, ...path);

test.before(async () => {
  const { code, err } = await place.bench(['run', EXAMPLE, '--quick', '--time', '0.1', '--out', 'run']);
  assert.is(code, 0, err);
});

/** A copy of the run to spoil. */
function copyOf(name: string): string {
  cpSync(at('run'), at(name), { recursive: true });
  rmSync(at(name, 'report.html'), { force: true });
  return at(name);
}

test('a page of a run, in its folder or elsewhere, the folder otherwise untouched', async () => {
  const before = readFileSync(at('run', 'samples.csv'), 'utf8');
  const { code, out, err } = await place.bench(['report', 'run']);
  assert.is(code, 0, err);
  assert.match(out, /^bench run .*: \d+ ok\n$/);
  assert.match(err, /report: run.report\.html/);
  assert.match(place.text('run', 'report.html'), /^<!doctype html>[\s\S]*Distributions[\s\S]*<\/html>\n$/);
  assert.is(readFileSync(at('run', 'samples.csv'), 'utf8'), before);
  assert.is((await place.bench(['report', 'run', '--out', 'page.html'])).code, 0);
  assert.is(place.text('page.html'), place.text('run', 'report.html'));
});

test('a run that was killed has a page of what was finished; the torn row is left out and left alone', async () => {
  const dir = copyOf('killed');
  rmSync(join(dir, 'results.json'));
  const size = readFileSync(join(dir, 'samples.csv')).length - 5;
  truncateSync(join(dir, 'samples.csv'), size);
  const { code, err } = await place.bench(['report', 'killed']);
  assert.is(code, 0, err);
  assert.is(readFileSync(join(dir, 'samples.csv')).length, size);
  assert.match(place.text('killed', 'report.html'), /Distributions/);
});

test('what cannot be read is exit 2 and a line that names it, and no page', async () => {
  const refuses = async (dir: string, words: RegExp, ...more: string[]) => {
    const { code, out, err } = await place.bench(['report', dir, ...more]);
    assert.is(code, 2, `${dir}: ${err}`);
    assert.is(out, '');
    assert.match(err, words);
    assert.is(err.trim().split('\n').length, 1, err);
  };
  await refuses('nowhere', /there is no folder nowhere; give one that bench run/);
  mkdirSync(at('empty'));
  await refuses('empty', /there are no results in empty: neither results\.json nor run\.json/);
  const text = place.text('run', 'results.json');
  writeFileSync(join(copyOf('torn'), 'results.json'), text.slice(0, text.length / 2));
  await refuses('torn', /torn.results\.json: not JSON/);
  writeFileSync(join(copyOf('newer'), 'results.json'), text.replaceAll('"schemaVersion": 1', '"schemaVersion": 7'));
  await refuses('newer', /newer.results\.json: schemaVersion 7 is newer than 1, .*update/);
  writeFileSync(join(copyOf('strange'), 'results.json'), text.replace('"status": "ok"', '"status": "splendid"'));
  await refuses('strange', /strange.results\.json: summaries\.\d\.status/);
  assert.not.ok(existsSync(at('strange', 'report.html')));
  writeFileSync(at('none.trace.json'), '{"traceEvents":[{"ph":1}]}');
  await refuses('run', /none\.trace\.json: no trace: traceEvents\.0\.ph/, '--trace', 'none.trace.json');
  await refuses('run', /there is no file away\.json/, '--trace', 'away.json');
});

test('a page that cannot be written is exit 4', async () => {
  const { code, err } = await place.bench(['report', 'run', '--out', 'no/such/folder/page.html']);
  assert.is(code, 4, err);
  assert.match(err, /cannot be written: ENOENT/);
});

test('a gate and a format of a run give the same page', async () => {
  const dir = copyOf('gate');
  writeFileSync(join(dir, 'results.json'), resultsJson(comparisonResults));
  const { code, out } = await place.bench(['report', 'gate']);
  assert.is(code, 0, 'the verdict of a gate is its own exit code, not the report’s');
  assert.match(out, /HEAD against main: 1 regressed/);
  assert.match(place.text('gate', 'report.html'), /What changed/);
});

test.run();
