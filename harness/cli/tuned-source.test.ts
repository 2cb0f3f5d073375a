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
test.after(() => place.remove());

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

test('--pin and tuning exclude each other', async () => {
  const { code, err } = await place.bench([...RUN, '--pin', '--tune', 'off']);
  assert.is(code, 2);
  assert.match(
    err,
    /^bench: --pin takes tunables from the tables of this revision, and --tune off takes them elsewhere; give one of them\n$/,
  );
});

test.run();
