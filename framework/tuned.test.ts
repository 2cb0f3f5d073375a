import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  activeTable,
  codeVersion,
  type Device,
  DeviceError,
  kernelsFor,
  launchSources,
  type MatmulProblem,
  machineOf,
  matmul as matmulProblem,
  type Program,
  type Source,
  shippedTable,
  type TunedEntry,
  TunedTable,
  useTable,
} from '../kernels/index.ts';
import { openDevice } from '../kernels/open.ts';
import { tensor } from './create.ts';
import { placeholder } from './graph/node.ts';
import { Session } from './graph/session.ts';
import { matmul } from './ops/matmul.ts';
import { learntTable, storeEntries, tableName } from './user-tables.ts';

const device = await openDevice('cpu', { threads: 1 });
test.after(() => device.close());
const folder = mkdtempSync(join(tmpdir(), 'tables-'));
test.after(() => rmSync(folder, { recursive: true }));
test.after.each(() => useTable(shippedTable));

const direct = kernelsFor('matmul', 'cpu').find(({ name }) => name === 'direct')!;
/** A line for a square matmul by the kernel `direct` with another NB than its default. */
function lineFor(problem: MatmulProblem, NB = 96): TunedEntry {
  const tunables = { ...direct.defaults(problem, device), NB };
  return {
    machine: machineOf(device),
    problem,
    kernel: 'direct',
    tunables,
    code: codeVersion(direct, problem, tunables, device),
    seconds: 1e-5,
  };
}
const square = (size: number) => matmulProblem({ m: size, n: size, k: size });
const launchesFrom = (source: 'exact' | 'default') => launchSources().get(source) ?? 0;
const ones = (size: number) => tensor(new Float32Array(size * size).fill(1), { device, shape: [size, size] });

/** The device with its next `prepare` of a program of `direct` replaced. */
function failingOnce(prepare: (source: Source) => Program): { device: Device; failed: () => boolean } {
  let left = true;
  const handler: ProxyHandler<Device> = {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (name !== 'prepare') return typeof value === 'function' ? value.bind(target) : value;
      return (source: Source) => {
        if (!left || !source.label.startsWith('matmul/direct')) return target.prepare(source);
        left = false;
        return prepare(source);
      };
    },
  };
  return { device: new Proxy(device, handler), failed: () => !left };
}

test('eager ops and graphs take what the table says', async () => {
  useTable(new TunedTable([lineFor(square(20)), lineFor(square(24))]));
  const before = launchesFrom('exact');
  assert.equal([...((await matmul(ones(20), ones(20)).read()) as Float32Array)], new Array(400).fill(20));
  assert.is(launchesFrom('exact'), before + 1);
  await using session = new Session({ device });
  const x = placeholder([24, 24]);
  const [first] = (await session.run(matmul(x, x), [[x, new Float32Array(576).fill(1)]])) as Float32Array;
  assert.is(first, 24);
  assert.is(launchesFrom('exact'), before + 2);
});

test('a line whose program does not compile gives way to the next best, for good', async () => {
  useTable(new TunedTable([lineFor(square(28))]));
  const { device: failing, failed } = failingOnce(() => {
    throw new DeviceError('a compiler error of another driver');
  });
  const [exact, defaults] = [launchesFrom('exact'), launchesFrom('default')];
  await using session = new Session({ device: failing });
  const x = placeholder([28, 28]);
  const [first] = (await session.run(matmul(x, x), [[x, new Float32Array(784).fill(1)]])) as Float32Array;
  assert.is(first, 28);
  assert.ok(failed());
  assert.equal([launchesFrom('exact') - exact, launchesFrom('default') - defaults], [0, 1]);
  matmul(ones(28), ones(28));
  assert.is(launchesFrom('exact'), exact);
});

test('so does one that fails later, where the device compiles in the background', async () => {
  useTable(new TunedTable([lineFor(square(32))]));
  const { device: failing, failed } = failingOnce((source) => ({ source, ready: Promise.reject(new DeviceError('found out later')) }));
  await using session = new Session({ device: failing });
  const x = placeholder([32, 32]);
  const [first] = (await session.run(matmul(x, x), [[x, new Float32Array(1024).fill(1)]])) as Float32Array;
  assert.is(first, 32);
  assert.ok(failed());
});

test('without a line to give up, the error is the caller’s', async () => {
  useTable(new TunedTable([]));
  const { device: failing } = failingOnce(() => {
    throw new DeviceError('nothing compiles here');
  });
  await using session = new Session({ device: failing });
  const x = placeholder([36, 36]);
  const run = session.run(matmul(x, x), [[x, new Float32Array(1296)]]);
  assert.match(await run.then(String, ({ message }) => message), /nothing compiles here/);
});

test('winners are stored by machine, each in the place of the one before, and read again', () => {
  const path = storeEntries([lineFor(square(8)), lineFor(square(16))], folder);
  assert.is(path, join(folder, tableName(machineOf(device))));
  assert.match(path, /cpu-1-.*-node-\d+\.\d+\.\d+.*\.json$/);
  storeEntries([lineFor(square(16), 48)], folder);
  const { table, faults } = learntTable(folder);
  assert.equal(faults, []);
  assert.equal(
    table.entries.map(({ problem, tunables }) => [(problem as MatmulProblem).m, tunables.NB]),
    [
      [8, 96],
      [16, 48],
    ],
  );
  assert.equal(table.entries[0], lineFor(square(8)));
  assert.is(readdirSync(folder).length, 1, 'no draft is left behind');
});

test('a damaged table is named with what is wrong, left out, and never overwritten', () => {
  const path = storeEntries([lineFor(square(8))], folder);
  const text = readFileSync(path, 'utf8');
  const damaged: [string, RegExp][] = [
    [text.slice(0, text.length / 2), /it is no JSON/],
    [text.replace('tuned/1', 'tuned/9'), /its schema is "tilebench-tuned\/9", expected "tilebench-tuned\/1"/],
    [text.replace('"kind":"cpu"', '"kind":"gpu"'), /its machine has no kind/],
    [text.replace('"seconds":0.00001', '"seconds":0'), /entry 0: its seconds are 0, expected a number above 0/],
    [text.replace('"op":"matmul"', '"op":"fft"'), /entry 0: its problem is none that this version knows/],
    [text.replace('"m":8', '"m":"8"'), /entry 0: its problem is none/],
    [text.replace('"NB":96', '"NB":"96"'), /entry 0: its tunables are no numbers by name/],
    [text.replace('"kernel":', '"kern":'), /entry 0: it names no kernel/],
    ['[]', /its schema is undefined/],
    ['null', /its schema is undefined/],
  ];
  for (const [bytes, expected] of damaged) {
    writeFileSync(path, bytes);
    const { table, faults } = learntTable(folder);
    assert.is(table.entries.length, 0);
    assert.is(faults.length, 1, bytes.slice(0, 60));
    assert.match(faults[0], expected);
    assert.ok(faults[0].startsWith(path) && !faults[0].includes('\n'));
    assert.throws(() => storeEntries([lineFor(square(8))], folder), expected);
    assert.is(readFileSync(path, 'utf8'), bytes);
  }
  assert.is(activeTable(), shippedTable);
});

test.run();
