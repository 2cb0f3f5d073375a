import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { storeEntries } from '../../framework/user-tables.ts';
import { kernelsFor } from '../../kernels/catalog.ts';
import { openCpu } from '../../kernels/cpu/device.ts';
import { matmul } from '../../kernels/problem.ts';
import { codeVersion, machineOf } from '../../kernels/tuned/entry.ts';
import { Workplace } from './bench-process.ts';

const place = new Workplace();
const elsewhere = new Workplace();
test.after(() => {
  place.remove();
  elsewhere.remove();
});

const RUN = ['run', 'matmul', '--device', 'cpu', '--threads', '1', '--kernels', 'direct', '--shapes', '33x20x12', '--transpose', 'nn'];
const SHORT = ['--time', '0.02', '--forks', '1', '--no-roof'];
const problem = matmul({ m: 33, n: 20, k: 12 });

/** Puts a line for the problem into a cache folder; returns its tunables. */
async function learn(cache: string): Promise<string> {
  const device = await openCpu({ threads: 1 });
  const direct = kernelsFor('matmul', 'cpu').find(({ name }) => name === 'direct')!;
  const tunables = { ...direct.defaults(problem, device), NB: 48 };
  const code = codeVersion(direct, problem, tunables, device);
  storeEntries([{ machine: machineOf(device), problem, kernel: 'direct', tunables, code, seconds: 1e-6 }], join(cache, 'tuned'));
  await device.close();
  return JSON.stringify(Object.fromEntries(Object.entries(tunables).sort()));
}

test('tunables come from what this machine has learnt, from the revision, or from nowhere, and rows say so; a table that cannot be read costs a line', async () => {
  const cache = join(place.folder, 'cache');
  const learnt = await learn(cache);
  writeFileSync(join(cache, 'tuned', 'damaged.json'), '{"schema":');
  const sourceOf = async (out: string, ...flags: string[]) => {
    const { code, err } = await place.bench([...RUN, ...SHORT, ...flags, '--out', out]);
    assert.is(code, 0, err);
    const complaint = /bench: .*damaged\.json: it is no JSON .*; what it holds is not used/;
    if (flags.length === 0) assert.match(err, complaint);
    else assert.not.match(err, complaint);
    const [row] = place.rows(out, 'summary.csv').filter(({ arm }) => arm === 'ours:direct@cpu/1');
    return [row.tune_source, row.tunables === learnt, row.verified];
  };
  assert.equal(await sourceOf('cached'), ['exact', true, 'true']);
  assert.equal((await sourceOf('off', '--tune', 'off')).slice(0, 2), ['default', false]);
  assert.is((await sourceOf('pinned', '--pin'))[1], false);
});

test('--tune tune measures what the table lacks, once; force measures it again; rows are of what was found', async () => {
  const runs = async (out: string, ...flags: string[]) => {
    const { code, err } = await elsewhere.bench([...RUN, ...SHORT, '--tune-budget', '6', ...flags, '--out', out]);
    assert.is(code, 0, err);
    return { err, rows: elsewhere.rows(out, 'summary.csv') };
  };
  const first = await runs('first', '--tune', 'tune');
  assert.match(first.err, /tuning 1 of 1 problem first\n/);
  assert.match(first.err, /33x20x12\/nn\/f32@cpu\/1: direct .*6 evaluations/);
  const [, tuned] = elsewhere.rows('first-tuning', 'summary.csv');
  const sources = first.rows.filter(({ kernel }) => kernel !== '').map(({ arm, tune_source }) => [arm, tune_source]);
  // V8's default flags make another machine of it.
  const others = sources.filter(([arm]) => arm !== 'ours:direct@cpu/1');
  assert.equal(sources.length - others.length, 1);
  for (const [arm, source] of others) assert.equal([arm, source], ['ours:direct@cpu/1/default-flags', 'default']);
  const [row] = first.rows.filter(({ arm }) => arm === 'ours:direct@cpu/1');
  assert.equal([row.tunables, row.tune_source], [tuned.tunables, 'exact']);
  const again = await runs('again', '--tune', 'tune');
  assert.match(again.err, /--tune tune: matmul has nothing to tune: the table knows all of its problems here/);
  assert.is(again.rows[0].tunables, tuned.tunables);
  assert.match((await runs('forced', '--tune', 'force')).err, /tuning 1 of 1 problem first\n/);
});

test('--pin and tuning exclude each other', async () => {
  const { code, err } = await place.bench([...RUN, '--pin', '--tune', 'off']);
  assert.is(code, 2);
  assert.match(
    err,
    /^bench: --pin takes tunables from the tables of this revision, and --tune off takes them elsewhere; give one of them\n$/,
  );
});

test.run();
