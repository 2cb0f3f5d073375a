// bench ci in repositories of a user's own, made for the test: what it refuses, what it writes, and that judging again gives the same bytes. Whether something is
// slower is tested with made-up samples: no clock decides here.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { folderSink } from '../../../reports/folder.ts';
import { TERMS } from '../../comparison/estimate.ts';
import { armOfSide, type Benchmark, SECOND_STAGE } from '../../comparison/evidence.ts';
import { redirected } from '../../revision.ts';
import { TROUBLE } from '../bench-process.ts';
import { codesOf } from './exit.ts';
import { ci, removeAll, repository, suiteText, workplace, worktrees } from './fixtures/repository.ts';
import { document } from './fixtures/results.ts';

test.after(removeAll);

test('what cannot be compared is refused in a line that says what to do', async () => {
  const place = repository(suiteText(['sum']));
  const says = async (wanted: RegExp, code: number, ...args: string[]) => {
    const { code: got, err } = await ci(place, ...args);
    assert.match(err, wanted);
    assert.is(got, code, err);
    assert.not.match(err, /\n\s+at /);
  };
  await says(/required option '--base <ref>'/, 2);
  await says(/no revision 'nowhere'.*git fetch/, 2, '--base', 'nowhere');
  await says(/--budget.*90s, 5m or 1h/, 2, '--base', 'HEAD', '--budget', '0');
  await says(/nothing is left to measure/, 2, '--base', 'HEAD', '--filter', 'arm==none');
  writeFileSync(join(place.folder, 'own.suite.mts'), suiteText(['other']));
  await says(/has changes that HEAD lacks; commit or stash/, 2, '--base', 'HEAD');
  writeFileSync(join(place.folder, 'own.suite.mts'), suiteText([]));
  await says(/nothing is left to measure/, 2, '--base', 'HEAD', '--head', '.');
  writeFileSync(join(place.folder, 'new.suite.mts'), suiteText(['sum']));
  writeFileSync(join(place.folder, 'own.suite.mts'), suiteText(['sum']));
  await says(/new\.suite\.mts is not part of HEAD; commit it/, 2, '--base', 'HEAD', '--suites', './new.suite.mts');
  await says(/lies outside of the repository/, 2, '--base', 'HEAD', '--suites', TROUBLE);
  assert.is((await workplace().bench(['ci', '--base', 'HEAD'])).code, 2);
});

test('a gate leaves a folder that is judged again to the same bytes, and no worktree', async () => {
  const place = repository(suiteText(['sum', 'old']), suiteText(['sum', 'new']));
  const out = join(place.folder, 'out');
  const first = await ci(place, '--base', 'HEAD~1', '--out', out);
  // 4 where this machine was so busy that every round was disturbed.
  assert.ok(first.code === 0 || first.code === 4, first.err);
  assert.match(first.out, /own\/sum\s+sum\s+\d/);
  assert.match(first.out, /own\/sum new: invalid \(head-only\): the base does not have it/);
  assert.match(first.out, /own\/sum old: invalid \(base-only\): the head does not have it/);
  assert.equal(
    place
      .rows('out', 'comparison.csv')
      .map(({ arm_head, verdict, reason }) => (verdict === 'invalid' ? `${arm_head}: ${reason}` : arm_head)),
    ['head:sum', 'head:new: the base does not have it', 'head:old: the head does not have it'],
  );
  const files = () => new Map(readdirSync(out).map((name) => [name, readFileSync(join(out, name), 'utf8')]));
  const before = files();
  assert.ok(before.has('comparison.csv') && before.has('results.json') && before.has('samples.csv'));
  const again = await place.bench(['analyze', out]);
  assert.is(again.code, first.code, again.err);
  assert.match(again.err, /the same bytes as before/);
  assert.equal(files(), before);
  assert.is(worktrees(place).length, 1);
});

test('wrong numbers fail as wrong, on either side', async () => {
  const [right, wrong] = [suiteText(['sum']), suiteText(['sum'], { verify: "'it is wrong'" })];
  for (const [side, place] of [
    ['head', repository(right, wrong)],
    ['base', repository(wrong, right)],
  ] as const) {
    const { code, out } = await ci(place, '--base', 'HEAD~1', '--out', 'out');
    assert.is(code, 3);
    assert.match(out, new RegExp(`invalid \\(wrong\\): ${side}: it is wrong`));
  }
});

test('imports go to the side they belong to, and stay where the other side has no such file', () => {
  const [own, revision] = ['file:///head/', 'file:///base/'];
  const to = (url: string, exists = true) => redirected(url, own, revision, () => exists);
  assert.is(to('file:///head/kernels/catalog.ts'), 'file:///base/kernels/catalog.ts');
  assert.is(to('file:///head/suites/matmul.ts'), 'file:///base/suites/matmul.ts');
  assert.is(to('file:///head/kernels/new.ts', false), 'file:///head/kernels/new.ts');
  assert.is(to('file:///base/harness/suite.ts'), 'file:///head/harness/suite.ts');
  assert.is(to('file:///head/harness/serve.ts'), 'file:///head/harness/serve.ts');
  assert.is(to('file:///base/kernels/catalog.ts'), 'file:///base/kernels/catalog.ts');
  assert.is(to('file:///other/kernels/x.ts'), 'file:///other/kernels/x.ts');
  assert.is(to('node:fs'), 'node:fs');
});

const benchmark: Benchmark = { suite: 's', case: 's/one', arm: 'a' };

/** A folder of a gate whose head takes `ratio` times as long in every round of `first` and `second` pairs. */
function folderOf(ratio: number, first: number, second: number, dropped = false): string {
  const dir = join(workplace().folder, 'out');
  const folder = folderSink(dir);
  const gate = { base: { ref: 'a' }, head: { ref: 'b' }, terms: TERMS, budget: 1, benchmarks: [benchmark], impediments: [], warnings: [] };
  folder.run(document('r', { command: ['ci'], gate }));
  const forks = [...Array(first).keys(), ...[...Array(second).keys()].map((i) => SECOND_STAGE + i)];
  for (const fork of forks)
    for (const [slot, side] of (['base', 'head'] as const).entries()) {
      const value = 1000 * (side === 'head' ? ratio * (1 + 0.001 * (fork % 5)) : 1);
      const rest = { metric: 'time', unit: 'ns', value, iterations: 1, dropped, ...(dropped && { reason: 'noise' }) };
      folder.sample({
        run_id: 'r',
        suite: 's',
        case: 's/one',
        arm: armOfSide(side, 'a'),
        device: 'cpu',
        dtype: 'f64',
        fork,
        round: 0,
        slot,
        ...rest,
      });
    }
  folder.close();
  return dir;
}

test('verdicts and exit codes follow from the samples', async () => {
  const judged = async (dir: string, ...args: string[]) => {
    const { code, out } = await workplace().bench(['analyze', dir, ...args]);
    return `${code} ${/^(\w+) +s\/one/m.exec(out)?.[1]}`;
  };
  assert.is(await judged(folderOf(1.1, 10, 10)), '1 regressed');
  assert.is(await judged(folderOf(1.1, 10, 10), '--gate', 'none'), '0 regressed');
  assert.is(await judged(folderOf(1.1, 10, 0)), '0 inconclusive');
  assert.is(await judged(folderOf(1.1, 10, 0), '--require-conclusive'), '5 inconclusive');
  assert.is(await judged(folderOf(0.9, 10, 10)), '0 improved');
  assert.is(await judged(folderOf(1.001, 14, 0)), '0 equivalent');
  assert.is(await judged(folderOf(1.1, 10, 10, true)), '4 inconclusive');
});

test('a folder of another command, or a damaged one, is refused', async () => {
  const dir = folderOf(1, 10, 0);
  const path = join(dir, 'run.json');
  const text = readFileSync(path, 'utf8');
  const says = async (changed: string, wanted: RegExp) => {
    writeFileSync(path, changed);
    const { code, err } = await workplace().bench(['analyze', dir]);
    assert.is(code, 2, err);
    assert.match(err, wanted);
  };
  await says(JSON.stringify({ ...JSON.parse(text), gate: undefined }), /no folder of bench ci/);
  await says(text.slice(0, text.length / 2), /run\.json: not JSON/);
  await says(JSON.stringify({ ...JSON.parse(text), schemaVersion: 99 }), /schemaVersion/);
  writeFileSync(path, text);
  writeFileSync(join(dir, 'samples.csv'), readFileSync(join(dir, 'samples.csv'), 'utf8').replace(/1000/, 'many'));
  assert.is((await workplace().bench(['analyze', dir])).code, 2);
  assert.is((await workplace().bench(['analyze', join(dir, 'nothing')])).code, 2);
  assert.ok(existsSync(path));
});

test('codes: failed before invalid before regression before inconclusive', () => {
  const policy = { gate: 'regression', requireConclusive: true } as const;
  const rows = [
    { verdict: 'regressed', code: 'confirmed', pairs: 10 },
    { verdict: 'inconclusive', code: 'between', pairs: 10 },
  ] as const;
  assert.equal(codesOf(rows, policy), [0, 1, 5]);
  assert.equal(codesOf([...rows, { verdict: 'invalid', code: 'wrong', pairs: 0 }], policy), [0, 3, 1, 5]);
  assert.equal(codesOf([{ verdict: 'invalid', code: 'head-only', pairs: 0 }], policy), [0, 4]);
  assert.equal(codesOf([], policy), [0, 4]);
});

test.run();
