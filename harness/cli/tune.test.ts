import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { storeEntries } from '../../framework/user-tables.ts';
import { kernelsFor } from '../../kernels/catalog.ts';
import { openCpu } from '../../kernels/cpu/device.ts';
import { matmul } from '../../kernels/problem.ts';
import { machineOf } from '../../kernels/tuned/entry.ts';
import { readJournal } from '../tuner/journal.ts';
import { Workplace } from './bench-process.ts';

const place = new Workplace();
const elsewhere = new Workplace();
test.after(() => {
  place.remove();
  elsewhere.remove();
});

const SMALL = ['tune', 'matmul', '--shapes', '48x40x36', '--threads', '1', '--strategy', 'random', '--no-roof'];
const journals = (out: string): string[] => readdirSync(join(place.folder, out)).filter((name) => name.endsWith('.jsonl'));
const linesOf = (out: string): string[] =>
  journals(out).flatMap((name) =>
    readFileSync(join(place.folder, out, name), 'utf8')
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => `${name} ${line}`),
  );

test('a tuning writes its journals, its results, its table, and says what it found and cost', async () => {
  const { code, out, err } = await place.bench([...SMALL, '--budget', '12', '--out', 'first']);
  assert.is(code, 0, err);
  assert.match(out, /matmul\/48x40x36\/nn\/f32@cpu\/1 +default/);
  assert.match(err, /12 evaluations, [\d.]+ s, [\d.]+ % of it the tuner's own; ended by/);
  const [base, tuned] = place.rows('first', 'summary.csv');
  assert.equal([base.arm, tuned.arm, tuned.evaluations, tuned.verified], ['default', 'tuned', '12', 'true']);
  assert.ok(Number(tuned.ratio) > 0 && Number(tuned.ratio_low) <= Number(tuned.ratio) && Number(tuned.ratio) <= Number(tuned.ratio_high));
  assert.is(linesOf('first').length, 12);
  for (const name of journals('first')) {
    const { header, results } = readJournal(join(place.folder, 'first', name));
    assert.is(header.name, 'matmul/48x40x36/nn/f32');
    for (const { invalidity, x } of results) assert.equal([invalidity, x?.proofs], ['correct', 3]);
  }
  const tables = readdirSync(join(place.folder, 'cache', 'tuned'));
  assert.is(tables.length, 1, 'the user keeps the winners');
  assert.match(place.text('cache', 'tuned', tables[0]), new RegExp(`"kernel":"${tuned.kernel}"`));
});

test('a tuning begins with what the table says of a neighbouring problem, unless it is to begin cold', async () => {
  const device = await openCpu({ threads: 1 });
  const direct = kernelsFor('matmul', 'cpu').find(({ name }) => name === 'direct')!;
  const problem = matmul({ m: 50, n: 40, k: 36 });
  const tunables = { ...direct.defaults(problem, device), KU: 1, NB: 96 };
  const entry = { machine: machineOf(device), problem, kernel: 'direct', tunables, code: 'any', seconds: 1e-6 };
  storeEntries([entry], join(elsewhere.folder, 'cache', 'tuned'));
  await device.close();
  const begins = async (out: string, ...flags: string[]) => {
    const { code, err } = await elsewhere.bench([...SMALL, '--kernels', 'direct', '--budget', '3', '--no-save', ...flags, '--out', out]);
    assert.is(code, 0, err);
    const [name] = readdirSync(join(elsewhere.folder, out)).filter((each) => each.includes('direct'));
    return readJournal(join(elsewhere.folder, out, name)).results.map(({ configuration }) => configuration);
  };
  assert.equal((await begins('warm'))[1], tunables, 'right behind the default');
  assert.not(JSON.stringify((await begins('cold', '--no-warm'))[1]) === JSON.stringify(tunables));
});

test('--resume goes on where a kill -9 has ended it, and measures nothing again', async () => {
  const args = [...SMALL, '--budget', '40', '--no-save', '--out', 'killed'];
  const timer = { sent: false };
  const until = setInterval(() => {
    try {
      timer.sent ||= linesOf('killed').length >= 12;
    } catch {
      // The folder is not there yet.
    }
  }, 20);
  const killed = await place.bench(args, {
    watch: (_err, kill) => {
      const poll = setInterval(() => {
        if (timer.sent) kill('SIGKILL');
        if (timer.sent) clearInterval(poll);
      }, 20);
    },
  });
  clearInterval(until);
  assert.is(killed.code, null);
  const before = linesOf('killed');
  const whole = before.filter((line) => line.endsWith('}'));
  assert.ok(whole.length >= 12 && whole.length < 40 && before.length - whole.length <= 1);
  const { code, err } = await place.bench([...args, '--resume']);
  assert.is(code, 0, err);
  const after = linesOf('killed');
  assert.equal(
    after.filter((line) => whole.includes(line)),
    whole,
    'no line was lost or changed',
  );
  const configurations = after.map((line) => /.*"configuration":\{[^}]*\}/.exec(line)![0].replace(/"timestamp":"[^"]*",/, ''));
  assert.is(new Set(configurations).size, configurations.length, 'none was measured twice');
  assert.ok(after.length > whole.length, 'and something was left to measure');
});

test('Ctrl-C ends after the sample in flight and keeps everything', async () => {
  let pressed = false;
  const args = [...SMALL, '--budget', '60s', '--no-save', '--out', 'interrupted'];
  const { code, err } = await place.bench(args, {
    watch: (text, kill) => {
      if (!text.includes('matmul/48x40x36') || pressed) return;
      pressed = true;
      const poll = setInterval(() => {
        if (linesOf('interrupted').length < 5) return;
        clearInterval(poll);
        kill('SIGINT');
      }, 20);
    },
  });
  assert.is(code, 130);
  assert.match(err, /go on with the same command and --resume --out interrupted/);
  assert.ok(linesOf('interrupted').length >= 5);
  for (const line of linesOf('interrupted')) assert.ok(line.includes('"invalidity":"correct"'), line);
});

test('what cannot be tuned is one clear line and exit code 2', async () => {
  const broken = fileURLToPath(new URL('fixtures/trouble.suite.ts', import.meta.url));
  const faulty = new URL('../tuner/fixtures/faulty-cpu.kernel.ts', import.meta.url);
  const hungry = join(place.folder, 'hungry.kernel.ts');
  writeFileSync(
    hungry,
    `import faulty, { problems } from '${faulty}';
export { problems };
export default { ...faulty, name: 'hungry', constraints: ['FAULT + 1000000000 <= l1Bytes'] };
`,
  );
  const cases: [string[], RegExp][] = [
    [['tune', 'matmull'], /unknown op 'matmull'; did you mean matmul\?/],
    [['tune', 'matmul', '--budget', '0'], /'0' leaves nothing to measure/],
    [['tune', 'matmul', '--budget', '0s'], /'0s' leaves nothing to measure/],
    [['tune', 'matmul', '--budget', 'soon'], /'soon' is no budget/],
    [['tune', 'matmul', '--strategy', 'magic'], /unknown strategy 'magic'/],
    [['tune', 'matmul', '--shapes', '4x4'], /--shapes: '4x4' is not MxNxK/],
    [['tune', 'matmul', '--kernels', 'im2col'], /im2col/],
    [
      ['tune', 'matmul', '--shapes', '64x64x64', '--where', 'MR > 99', '--kernels', 'packed'],
      /no configuration of packed meets the constraints with --where/,
    ],
    [['tune', 'matmul', '--shapes', '64x64x64', '--where', 'MR >', '--kernels', 'packed'], /--where: packed: constraint 'MR >': expected/],
    [['tune', 'matmul', '--shapes', '64x64x64', '--where', 'XX > 1', '--kernels', 'packed'], /--where: packed: .*nothing is known of 'XX'/],
    [['tune', hungry], /no configuration of hungry meets the constraints on this device/],
    [['tune', './nowhere.kernel.ts'], /there is no kernel module .*nowhere.kernel.ts/],
    [['tune', broken], /its default export is no Kernel record; it lacks/],
    [['tune', 'matmul', '--resume', '--out', 'nowhere'], /--resume: there is no tuning in nowhere/],
    [[...SMALL, '--out', 'first'], /the folder first is not empty/],
  ];
  const ended = await Promise.all(cases.map(([args]) => place.bench(args)));
  for (const [i, { code, err, out }] of ended.entries()) {
    const [args, words] = cases[i];
    assert.is(code, 2, `${args.join(' ')}: ${err}`);
    assert.match(err, words);
    assert.is(out, '');
    assert.is(err.trimEnd().split('\n').length, 1, err);
  }
});

test('a journal of another device, of two tuners, or edited by hand is refused before anything is measured', async () => {
  const [name] = journals('first').filter((each) => each.includes('packed'));
  const path = join(place.folder, 'first', name);
  const before = readFileSync(path, 'utf8');
  const resumed = () => place.bench([...SMALL, '--budget', '13', '--no-save', '--resume', '--out', 'first']);
  writeFileSync(path, before.replace(/"device":"cpu\/[^/]*/, '"device":"cpu/Another processor'));
  const other = await resumed();
  assert.equal([other.code, other.out, other.err.trimEnd().split('\n').length], [2, '', 1]);
  assert.match(other.err, /is of another device: it has cpu\/Another processor/);
  writeFileSync(path, `${before}{"timestamp": what?\n`);
  const edited = await resumed();
  assert.is(edited.code, 2);
  assert.match(edited.err, /line \d+: is not JSON/);
  writeFileSync(path, before);
  writeFileSync(`${path}.lock.0`, JSON.stringify({ pid: process.pid, started: '', host: hostname() }));
  const locked = await resumed();
  assert.is(locked.code, 2);
  assert.match(locked.err, new RegExp(`process ${process.pid} on .* is writing it`));
  assert.is(readFileSync(path, 'utf8'), before);
});

test.run();
