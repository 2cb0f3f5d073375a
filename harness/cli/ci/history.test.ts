import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { folderSink } from '../../../reports/folder.ts';
import { readCsv } from '../../csv.ts';
import { removeAll, workplace } from './fixtures/repository.ts';
import { document, environment } from './fixtures/results.ts';

test.after(removeAll);

/** A folder of a run at that hour, whose only case took so long. */
function runAt(dir: string, hour: number, median_ns: number, fingerprint = 'one'): void {
  const started_utc = new Date(Date.UTC(2026, 0, 1, hour)).toISOString();
  const run_id = `r${hour}${fingerprint}`;
  const folder = folderSink(join(dir, run_id));
  folder.run(document(run_id, { started_utc, environment: { ...environment(fingerprint), git_revision: 'abc123def456' } }));
  const row = { run_id, time_utc: started_utc, suite: 's', case: 's/one', device: 'cpu', arm: 'a', dtype: 'f32', status: 'ok' } as const;
  folder.summary({ ...row, median_ns });
  folder.close();
}

test('many runs: the table names the change, csv and json have every point', async () => {
  const place = workplace();
  const dir = join(place.folder, 'results');
  for (let hour = 0; hour < 24; hour++) runAt(dir, hour, (hour < 12 ? 1000 : 1100) + (hour % 3));
  for (let hour = 0; hour < 3; hour++) runAt(dir, hour, 5000, 'two');
  const { code, out, err } = await place.bench(['history', dir, join(dir, 'r3one')]);
  assert.is(code, 0, err);
  assert.match(out, /s\/one +a +one +24 +2026-01-01 +1\.00 µs +1\.10 µs +\+10\.0 % at 2026-01-01 12:00 \(abc123def\)\n/);
  assert.match(out, /s\/one +a +two +3 /);
  assert.match(out, /= 1 of 2 series changed their level/);
  const csv = readCsv((await place.bench(['history', dir, '--format', 'csv'])).out).rows.map(({ values }) => values);
  assert.is(csv.length, 27);
  assert.equal(
    csv.filter(({ change }) => change !== '').map(({ run_id }) => run_id),
    ['r12one'],
  );
  const json = JSON.parse((await place.bench(['history', dir, '--format', 'json', '--magnitude', '20%'])).out);
  assert.equal([json.historyVersion, json.series.length, json.series[0].changes.length], [1, 2, 0]);
});

test('what cannot be read is named, and left as it is', async () => {
  const place = workplace();
  const refused = async (wanted: RegExp, ...dirs: string[]) => {
    const { code, err, out } = await place.bench(['history', ...dirs]);
    assert.is(code, 2, err);
    assert.match(err, wanted);
    assert.not.match(err, /\n\s+at /);
    assert.is(out, '');
  };
  await refused(/missing required argument/);
  await refused(/there is no folder nowhere/, 'nowhere');
  mkdirSync(join(place.folder, 'empty'));
  await refused(/there is no run in empty/, 'empty');
  const dir = join(place.folder, 'results');
  runAt(dir, 1, 1000);
  const summary = join(dir, 'r1one', 'summary.csv');
  const torn = readFileSync(summary, 'utf8').slice(0, -20);
  writeFileSync(summary, torn);
  await refused(/summary\.csv: line 2: found \d+ fields/, dir);
  assert.is(readFileSync(summary, 'utf8'), torn);
  writeFileSync(summary, '');
  await refused(/there are no figures in/, dir);
  const run = join(dir, 'r1one', 'run.json');
  writeFileSync(run, readFileSync(run, 'utf8').replace('"schemaVersion": 1', '"schemaVersion": 99'));
  await refused(/run\.json: schemaVersion/, dir);
  assert.ok(existsSync(run));
});

test.run();
