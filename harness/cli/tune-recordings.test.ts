// `bench tune space`, `replay`, `export` and `import` as a user calls them; what is damaged is one line and exit code 2.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { z } from 'zod';
import { readRecording } from '../tuner/recording.ts';
import { Workplace } from './bench-process.ts';

const place = new Workplace();
const { folder } = place;
test.after(() => place.remove());
const RECORDED = fileURLToPath(
  new URL('../tuner/recordings/conv-1x128x28x28-128x3x3-s1p1-forward-f32.cpu-2.winograd2.jsonl.gz', import.meta.url),
);
const journal = gunzipSync(readFileSync(RECORDED)).toString('utf8');
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const refuses = async (args: readonly string[], reason: RegExp) => {
  const { code, out, err } = await place.bench(['tune', ...args]);
  assert.is(code, 2, `${args.join(' ')}: ${err}`);
  assert.is(out, '');
  assert.match(err, reason);
  assert.is(err.trimEnd().split('\n').length, 1, err);
};

test('a T1 document has its sizes shown, or its configurations', async () => {
  const document = {
    ConfigurationSpace: { TuningParameters: [{ Name: 'A', Type: 'int', Values: '[16, 32]' }], Conditions: [] as object[] },
  };
  document.ConfigurationSpace.Conditions.push({ Parameters: ['A'], Expression: 'A // 16 == 2' });
  const path = file('t1.json', JSON.stringify(document));
  assert.match((await place.bench(['tune', 'space', path])).out, /1 configurations of 2 \(50\.0 %\)/);
  assert.is((await place.bench(['tune', 'space', path, '--csv'])).out, 'A\r\n32\r\n');
  document.ConfigurationSpace.Conditions.push({ Parameters: ['A'], Expression: 'A > 32' });
  await refuses(['space', file('empty.json', JSON.stringify(document))], /no configuration of 2 meets the constraints/);
  document.ConfigurationSpace.Conditions.push({ Parameters: ['B'], Expression: 'B > 32' });
  await refuses(['space', file('unknown.json', JSON.stringify(document))], /reads B, which is no parameter/);
  await refuses(['space', file('none.json', '{}')], /no tuning problem in T1 form/);
});

test('a recording is replayed, random search beside it', async () => {
  const { code, out } = await place.bench([
    ...['tune', 'replay', RECORDED, '--strategy', 'guided,greedy_ils', '--seeds', '5', '--evaluations', '10,20', '--format', 'csv'],
  ]);
  assert.is(code, 0);
  const lines = out.trimEnd().split('\r\n');
  assert.is(lines.length, 1 + 3 * 20);
  assert.ok(['guided', 'greedy_ils', 'random'].every((name) => lines.some((line) => line.includes(`,${name},20,`))));
});

test('every form that is exported is read back as what it was', async () => {
  const original = readRecording(RECORDED);
  for (const as of ['t4', 'cache']) {
    const path = join(folder, `exported.${as}`);
    assert.is((await place.bench(['tune', 'export', RECORDED, '--as', as, '--out', path])).code, 0);
    const { space, seconds } = readRecording(path);
    for (let i = 0; i < original.space.size; i++)
      assert.is(seconds[space.indexOf(original.space.at(i))], original.seconds[i], `${as}: ${JSON.stringify(original.space.at(i))}`);
    const imported = join(folder, `imported-${as}.jsonl`);
    assert.is((await place.bench(['tune', 'import', path, '--like', RECORDED, '--out', imported])).code, 0);
    assert.equal(readRecording(imported).seconds, original.seconds);
    await refuses(['import', path, '--like', RECORDED, '--out', imported], /exists; nothing is overwritten/);
  }
});

test('what is exported meets the published schemas, and these refuse what does not', async () => {
  const schema = (name: string) => {
    const text = readFileSync(new URL(`../tuner/fixtures/${name}`, import.meta.url), 'utf8');
    return z.fromJSONSchema(JSON.parse(text));
  };
  const [t1, t4, metadata] = ['T1-1.0.0-input-schema.json', 'T4-1.0.0-results-schema.json', 'T4-1.0.0-metadata-schema.json'].map(schema);
  const exported = async (as: string) => JSON.parse((await place.bench(['tune', 'export', RECORDED, '--as', as])).out);
  const results = await exported('t4');
  t4.parse(results);
  metadata.parse(results);
  const problem = await exported('t1');
  t1.parse(problem);
  // The space that is read back is the one that was searched.
  const space = file('exported.t1.json', JSON.stringify(problem));
  assert.match((await place.bench(['tune', 'space', space])).out, /: 56 configurations of 56/);
  assert.throws(() => t4.parse({ ...results, results: [{ ...results.results[0], invalidity: 'fine' }] }));
  assert.throws(() => t1.parse({ ...problem, KernelSpecification: {} }));
});

test('a cache file that Kernel Tuner is still writing lacks its last braces, and is read all the same', () => {
  const whole = readRecording(join(folder, 'exported.cache'));
  const text = readFileSync(join(folder, 'exported.cache'), 'utf8').trimEnd();
  assert.equal(readRecording(file('open.cache', `${text.slice(0, -2)},\n`)).seconds, whole.seconds);
});

test('a journal cut in the middle of a line is replayed without it, with a word', async () => {
  const { code, err } = await place.bench([
    'tune',
    'replay',
    file('cut.jsonl', journal.slice(0, -200)),
    '--seeds',
    '1',
    '--evaluations',
    '5',
  ]);
  assert.is(code, 0);
  assert.match(err, /line 57 was cut off/);
});

test('what is damaged or does not belong is one line', async () => {
  const lines = journal.trimEnd().split('\n');
  const edited = (from: string | RegExp, to: string) => `${[lines[0], lines[1].replace(from, to)].join('\n')}\n`;
  await refuses(['replay', join(folder, 'missing.jsonl')], /cannot be read: ENOENT/);
  await refuses(['replay', file('schema.jsonl', journal.replace('journal/1', 'journal/9'))], /schema is "tilebench-journal\/9"/);
  await refuses(['replay', file('edited.jsonl', edited('"MR":6', '"MR":7'))], /line 2: MR is 7, expected one of 6, 4/);
  await refuses(['replay', file('broken.jsonl', edited('"times"', 'times'))], /line 2: is not JSON/);
  await refuses(['replay', file('other.json', '{"a": 1}')], /is no journal, no T4 document/);
  await refuses(['replay', RECORDED, '--evaluations', '0'], /leaves nothing to measure/);
  await refuses(['replay', RECORDED, '--strategy', 'gudied'], /unknown strategy 'gudied'; did you mean guided/);
  await refuses(['export', RECORDED, '--as', 'xml'], /--as is xml, expected t1, t4, cache/);

  const t4 = JSON.parse(readFileSync(join(folder, 'exported.t4'), 'utf8'));
  for (const { configuration } of t4.results) configuration.XX = 1;
  const into = ['--like', RECORDED, '--out', join(folder, 'new.jsonl')];
  await refuses(['import', file('more.t4', JSON.stringify(t4)), ...into], /the parameter XX is unknown here; expected MR, NR, KU, TB/);
  t4.metadata.device_name = 'another machine';
  await refuses(['import', file('foreign.t4', JSON.stringify(t4)), ...into], /was measured on another machine/);
});

test.run();
