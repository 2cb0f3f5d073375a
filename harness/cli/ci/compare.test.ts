// bench compare on folders with made-up samples: what it says of two results that were not measured together.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { folderSink } from '../../../reports/folder.ts';
import { readResults } from '../../../reports/json.ts';
import { Workplace } from '../bench-process.ts';
import { document, environment } from './fixtures/results.ts';

const place = new Workplace();
test.after(() => place.remove());

/** A folder of a run whose single row took `times`, one a fork. */
function folderOf(name: string, times: readonly number[], { cpu = 'one', caseName = 's/one' } = {}): string {
  const dir = join(place.folder, name);
  const folder = folderSink(dir);
  const run = document(name, { environment: environment(cpu) });
  folder.run(run);
  const row = { run_id: name, suite: 's', case: caseName, device: 'cpu', arm: 'a', dtype: 'f32' } as const;
  for (const [fork, value] of times.entries())
    folder.sample({ ...row, fork, round: 0, slot: 0, metric: 'time', unit: 'ns', value, iterations: 1, dropped: false });
  folder.summary({ ...row, time_utc: run.started_utc, status: 'ok', median_ns: times[0], forks: times.length });
  folder.close();
  return dir;
}

const around = (centre: number) => [0.998, 0.999, 1, 1.001, 1.002].map((share) => share * centre);

test('rows differ, are the same, or cannot be told; never regressed, and the exit code is 0', async () => {
  const base = folderOf('base', around(1000));
  const says = async (head: string, wanted: RegExp) => {
    const { code, out, err } = await place.bench(['compare', base, head]);
    assert.is(code, 0, err);
    assert.match(out, wanted);
    assert.not.match(out, /regressed/);
  };
  await says(folderOf('slow', around(1300)), /^differs +s\/one.*\+30\.0 % \[2[89]/m);
  await says(folderOf('same', around(1001)), /^same +s\/one/m);
  await says(folderOf('few', [1300, 1301]), /three forks on both sides, not 5 and 2/);
  await says(folderOf('noisy', [700, 900, 1000, 1100, 1400]), /^inconclusive +s\/one/m);
  await says(folderOf('elsewhere', around(1300), { cpu: 'two' }), /environments differ \(cpu: one, two\)/);
});

test('folders that cannot be compared are refused in a line', async () => {
  const base = folderOf('first', around(1000));
  const refused = async (head: string, wanted: RegExp, ...rest: string[]) => {
    const { code, err } = await place.bench(['compare', base, head, ...rest]);
    assert.is(code, 2, err);
    assert.match(err, wanted);
  };
  await refused(join(place.folder, 'nowhere'), /there is no folder/);
  await refused(folderOf('other', around(1), { caseName: 's/two' }), /no case and arm in common/);
  await refused(folderOf('far', around(1), { cpu: 'two' }), /another environment.*--foreign mark/, '--foreign', 'refuse');
  for (const [file, damage, wanted] of DAMAGES) {
    const dir = folderOf(`damaged-${DAMAGES.findIndex(([, one]) => one === damage)}`, around(1));
    const path = join(dir, file);
    const damaged = damage(readFileSync(path, 'utf8'));
    writeFileSync(path, damaged);
    await refused(dir, wanted);
    assert.is(readFileSync(path, 'utf8'), damaged, 'a folder is only read');
  }
});

const cutAt = (share: number) => (text: string) => text.slice(0, Math.floor(text.length * share));

/** What may have happened to a file of a results folder, and what is said of it. */
const DAMAGES: readonly (readonly [string, (text: string) => string, RegExp])[] = [
  ['run.json', cutAt(0.5), /run\.json: not JSON/],
  ['run.json', (text) => text.replace(/"schemaVersion": \d+/, '"schemaVersion": 99'), /run\.json: schemaVersion 99 is newer than/],
  ['samples.csv', cutAt(0.9), /samples\.csv: line \d: .*--resume/],
  ['summary.csv', cutAt(0.9), /summary\.csv: line 2: .*--resume/],
  ['summary.csv', (text) => text.replace('median_ns,', 'middle_ns,'), /summary\.csv: line 1: the columns median_ns are missing/],
];

test('of another machine: marked in the row and above the table, or refused; it differs, it never regressed', async () => {
  const [here, there] = [folderOf('here', around(1000)), folderOf('there', around(1300), { cpu: 'two' })];
  const { code, out } = await place.bench(['compare', here, there, '--format', 'json']);
  assert.is(code, 0);
  const { rows, warnings } = JSON.parse(out);
  assert.equal([rows[0].verdict, rows[0].code], ['differs', 'other-environment']);
  assert.match(warnings[0], /environments differ \(cpu: one, two\)/);
  assert.is((await place.bench(['compare', here, there, '--foreign', 'refuse'])).code, 2);
  assert.is((await place.bench(['compare', here, here, '--foreign', 'refuse'])).code, 0);
});

test('as CSV and JSON', async () => {
  const [a, b] = [folderOf('a', around(1000)), folderOf('b', around(1300))];
  const csv = await place.bench(['compare', a, b, '--format', 'csv']);
  assert.match(
    csv.out,
    /^case,arm_base,arm_head,metric,unit,base,head,ratio,ci_low,ci_high,p_adjusted,smallest_detectable,verdict,reason,pairs\r\n/,
  );
  const { rows } = JSON.parse((await place.bench(['compare', a, b, '--format', 'json'])).out);
  assert.is(rows[0].verdict, 'differs');
  assert.ok(Math.abs(rows[0].ratio - 1.3) < 0.005);
});

test('--out keeps the comparison with the samples of both sides, and its page', async () => {
  const [a, b] = [folderOf('before', around(1000)), folderOf('after', around(1300))];
  const { code, err } = await place.bench(['compare', a, b, '--out', 'kept']);
  assert.is(code, 0, err);
  const { comparison, samples, summaries } = readResults(place.text('kept', 'results.json'));
  assert.equal([comparison!.kind, comparison!.rows[0].verdict], ['compare', 'differs']);
  assert.equal([...new Set(samples.map(({ arm }) => arm))], ['base:a', 'head:a']);
  assert.equal([samples.length, summaries.length], [10, 2]);
  assert.match(place.text('kept', 'comparison.csv'), /differs/);
  assert.match(place.text('kept', 'report.html'), /differs \+30\.0 %/);
  assert.is((await place.bench(['report', 'kept'])).code, 0);
  assert.is((await place.bench(['compare', a, b, '--out', 'kept'])).code, 2, 'a folder with files in it is not written over');
});

test.run();
