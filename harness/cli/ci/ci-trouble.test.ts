// bench ci when something goes wrong: interruptions, full disks, revisions that do not install, benchmarks that do not behave. No clock decides here.

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { familyOf } from '../../processes.ts';
import type { Start, Workplace } from '../bench-process.ts';
import { ci, ciWith, commit, git, removeAll, repository, suiteText, worktrees } from './fixtures/repository.ts';

test.after(removeAll);

/** Sends a signal once when the text is on standard error. */
function signalAt(text: string, signal: NodeJS.Signals): Start {
  let sent = false;
  return {
    watch(err, kill) {
      if (!sent && err.includes(text)) {
        sent = true;
        kill(signal);
      }
    },
  };
}

const samplesOf = (place: Workplace) => place.rows('out', 'samples.csv').filter(({ metric }) => metric === 'rounds');
const LONG = ['--base', 'HEAD', '--budget', '60s', '--out', 'out'];

test('kill -9, Ctrl-C and SIGTERM: finished pairs are kept and measured once, and no worktree is left behind', async () => {
  const place = repository(suiteText(['sum']));
  const killed = await ciWith(place, LONG, signalAt('fork 4', 'SIGKILL'));
  assert.is(killed.code, null);
  const left = worktrees(place).slice(1);
  assert.is(left.length, 2, 'a process that is killed cannot clean up');
  // As if it had been killed while it wrote.
  const path = join(place.folder, 'out', 'samples.csv');
  const whole = readFileSync(path, 'utf8');
  writeFileSync(path, `${whole}out,own,own/s`);

  const interrupted = await ciWith(place, [...LONG, '--resume'], signalAt('fork 7', 'SIGINT'));
  assert.is(interrupted.code, 130, interrupted.err);
  assert.match(interrupted.err, /go on with the same command and --resume --out out/);
  assert.not.match(interrupted.err, /fork 3,/, 'pairs that are there are not measured again');
  assert.ok(readFileSync(path, 'utf8').startsWith(whole));
  assert.equal(worktrees(place).length, 1);
  assert.not.ok(left.some(existsSync), 'what the killed one left is gone too');

  const terminated = await ciWith(place, [...LONG, '--resume'], signalAt('fork 9', 'SIGTERM'));
  assert.is(terminated.code, 130, terminated.err);
  assert.equal(worktrees(place).length, 1);
  const forks = samplesOf(place).map(({ fork, arm }) => `${arm} ${fork}`);
  assert.is(new Set(forks).size, forks.length, 'each side of a pair is done once');
  assert.ok(forks.length >= 14);

  await refusals(place);
});

/** What is not gone on with. */
async function refusals(place: Workplace): Promise<void> {
  const path = join(place.folder, 'out', 'run.json');
  const text = readFileSync(path, 'utf8');
  const samples = readFileSync(join(place.folder, 'out', 'samples.csv'), 'utf8');
  const refused = async (wanted: RegExp, ...args: string[]) => {
    const { code, err, out } = await ci(place, '--base', 'HEAD', '--out', 'out', '--resume', ...args);
    assert.is(code, 2, err);
    assert.match(err, wanted);
    assert.is(out, '');
  };
  await refused(/began with --seed 1, not 2/, '--seed', '2');
  await refused(/began with --margin 0\.02, not 0\.05/, '--margin', '5%');
  const changed = (change: (run: { environment: { fingerprint: string } } & Record<string, unknown>) => void) => {
    const run = JSON.parse(text);
    change(run);
    writeFileSync(path, JSON.stringify(run));
  };
  changed((run) => (run.schemaVersion = 99));
  await refused(/run\.json: .*schemaVersion/);
  changed((run) => (run.environment.fingerprint = 'elsewhere'));
  await refused(/began in another environment \(elsewhere/);
  writeFileSync(path, text.slice(0, text.length / 2));
  await refused(/run\.json: not JSON/);
  writeFileSync(path, text);
  commit(place, { 'own.suite.mts': suiteText(['sum', 'new']) });
  await refused(/began with base HEAD at [0-9a-f]{12}, which is now [0-9a-f]{12}; start a new one/);
  assert.is(readFileSync(join(place.folder, 'out', 'samples.csv'), 'utf8'), samples, 'nothing is added to what is refused');
}

test('Ctrl-C while the base is made ready ends with 130, and nothing is left', async () => {
  // A script that waits stands in for a long installation.
  const manifest = (name: string) => ({
    'package.json': JSON.stringify({ name, version: '1.0.0', scripts: { prepare: 'sleep 20' } }),
    'package-lock.json': JSON.stringify({
      name,
      version: '1.0.0',
      lockfileVersion: 3,
      requires: true,
      packages: { '': { name, version: '1.0.0' } },
    }),
    'own.suite.mts': suiteText(['sum']),
  });
  const place = repository(manifest('slow'));
  const began = performance.now();
  const { code, err } = await ciWith(place, ['--base', 'HEAD', '--out', 'out'], signalAt('building HEAD', 'SIGINT'));
  assert.is(code, 130, err);
  assert.match(err, /interrupted before anything was measured/);
  assert.ok(performance.now() - began < 15_000);
  assert.is(worktrees(place).length, 1);
  assert.not.ok(existsSync(join(place.folder, 'out')));
  const cache = join(place.folder, 'cache', 'ci');
  // What is installed in whole is kept; a folder that is being installed into has the process's number behind a dot.
  assert.equal(
    readdirSync(cache).filter((name) => name.includes('.')),
    [],
  );
});

test('a base whose dependencies do not install is a failure in one line', async () => {
  const broken = {
    'package.json': '{"name":"own","version":"1.0.0","dependencies":{"left-pad":"1.3.0"}}',
    'own.suite.mts': suiteText(['sum']),
  };
  const fixed = { 'package.json': '{"name":"own","version":"1.0.0"}' };
  for (const lock of [
    '{"name": "own", "lockfil',
    '{"name":"own","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"own","version":"1.0.0"}}}',
  ]) {
    const place = repository({ ...broken, 'package-lock.json': lock }, fixed);
    const { code, err, out } = await ci(place, '--base', 'HEAD~1', '--out', 'out');
    assert.is(code, 3, err);
    assert.match(err, /^bench: HEAD~1: its dependencies do not install: .* .*; try npm ci in a checkout of it$/m);
    assert.not.match(err, /\n\s+at /);
    assert.is(out, '');
    assert.is(worktrees(place).length, 1);
  }
  const { code, err } = await ci(repository(broken, fixed), '--base', 'HEAD~1', '--out', 'out');
  assert.is(code, 3);
  assert.match(err, /no package-lock\.json/);
});

test('a base that lacks the suite leaves nothing to compare: exit 4, never a pass', async () => {
  const place = repository({ 'other.txt': 'nothing' }, suiteText(['sum']));
  const { code, out, err } = await ci(place, '--base', 'HEAD~1', '--out', 'out');
  assert.is(code, 4, err);
  assert.match(out, /own\/sum sum: invalid \(head-only\): the base does not have it/);
});

test('a base whose suite does not load, or that does not build, is a failure in one line', async () => {
  const unloadable = await ci(repository('export default {', suiteText(['sum'])), '--base', 'HEAD~1', '--out', 'out');
  assert.is(unloadable.code, 3, unloadable.err);
  assert.match(unloadable.out, /own\/sum sum: invalid \(failed\): base: .*own\.suite\.mts: cannot be loaded/);
  assert.match(unloadable.out, /what only the base has of the suite own is not known/);
  const built = (prepare: string) => ({
    'package.json': JSON.stringify({ name: 'own', version: '1.0.0', scripts: { prepare } }),
    'package-lock.json': JSON.stringify({ name: 'own', version: '1.0.0', lockfileVersion: 3, packages: {} }),
    'own.suite.mts': suiteText(['sum']),
  });
  const place = repository(built(`node -e "console.error('own.ts(3,1): ; expected'); process.exit(2)"`), built('true'));
  const { code, err, out } = await ci(place, '--base', 'HEAD~1', '--out', 'out');
  assert.is(code, 3, err);
  assert.match(err, /^bench: HEAD~1: it does not build: own\.ts\(3,1\): ; expected; try npm run prepare in a checkout of it$/m);
  assert.is(out, '');
  assert.is(worktrees(place).length, 1);
});

/** Whether a process is one of an arm, and not yet gone. */
const isArm = (pid: number): boolean => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('arm.ts');
  } catch {
    return false;
  }
};

test('a process of an arm that is killed fails its benchmark, and --resume tries that again', async () => {
  const place = repository(suiteText(['sum']));
  let poll: NodeJS.Timeout | undefined;
  const ended = new Set<number>();
  const killed = await ciWith(place, LONG, {
    watch(err, _, pid) {
      if (poll || !err.includes('fork 3')) return;
      // One that has told its last is no loss to the gate, so the next is killed too, until one is missed.
      poll = setInterval(() => {
        const arm = familyOf(pid).find((one) => !ended.has(one) && isArm(one));
        if (arm === undefined) return;
        ended.add(arm);
        process.kill(arm, 'SIGKILL');
      }, 5);
    },
  });
  clearInterval(poll);
  assert.is(killed.code, 3, killed.err);
  assert.match(killed.out, /own\/sum sum: invalid \(failed\): (base|head): the arm's process was killed by SIGKILL/);
  const before = samplesOf(place).length;
  assert.ok(before >= 4, 'finished pairs are kept');
  const resumed = await ciWith(place, [...LONG, '--resume'], signalAt('fork 5', 'SIGINT'));
  assert.is(resumed.code, 130, resumed.err);
  assert.not.match(resumed.err, /fork 2,/);
  assert.ok(samplesOf(place).length > before);
});

test('a benchmark that throws on one side is a failure of that side, with its words', async () => {
  const throwing = suiteText(['sum'], { run: "throw new Error('out of luck');" });
  const thrown = await ci(repository(suiteText(['sum']), throwing), '--base', 'HEAD~1', '--out', 'out');
  assert.is(thrown.code, 3, thrown.err);
  assert.match(thrown.out, /invalid \(failed\): head: out of luck/);
  const before = await ci(repository(throwing, suiteText(['sum'])), '--base', 'HEAD~1', '--out', 'out');
  assert.is(before.code, 3);
  assert.match(before.out, /invalid \(failed\): base: out of luck/);
});

test('what a benchmark prints on one side does not end up in the results', async () => {
  const noisy = suiteText(['sum'], {
    run: 'if (!globalThis.said) { globalThis.said = true; console.log(\'{"id":1,"answer":7}\'); process.stdout.write(\'\\u0000\\u0007 not a table\'); }',
  });
  const { code, out, err } = await ci(repository(suiteText(['sum']), noisy), '--base', 'HEAD~1', '--out', 'out');
  assert.ok(code === 0 || code === 4, err);
  assert.not.match(out, /answer|not a table/);
  assert.match(out, /own\/sum\s+sum\s+\d/);
});

test('a disk that fills ends with exit 4 and the name of the file; finished pairs are in it', async () => {
  const place = repository(suiteText(['sum']));
  const { code, err } = await ciWith(place, LONG, { under: "trap '' XFSZ; ulimit -f 8" });
  assert.is(code, 4, err);
  assert.match(err, /samples\.csv: cannot be written/);
  assert.ok(samplesOf(place).length >= 4);
  assert.is(worktrees(place).length, 1);
  const resumed = await ciWith(place, [...LONG, '--resume'], signalAt('case 1/1', 'SIGINT'));
  assert.is(resumed.code, 130, resumed.err);
});

test('a disk that fills while a revision is checked out ends with exit 4', async () => {
  const place = repository({ 'own.suite.mts': suiteText(['sum']), 'large.txt': 'x'.repeat(65536) });
  const { code, err, out } = await ciWith(place, ['--base', 'HEAD'], { under: "trap '' XFSZ; ulimit -f 8" });
  assert.is(code, 4, err);
  assert.match(err, /cannot be written: the disk is full; make room/);
  assert.is(out, '');
  assert.is(worktrees(place).length, 1);
});

test('a folder of a process that lives is left alone', async () => {
  const place = repository(suiteText(['sum']));
  const root = join(tmpdir(), `bench-ci-${process.pid}-living`);
  git(place.folder, 'worktree', 'add', '--detach', '--quiet', join(root, 'tree'));
  await ci(place, '--base', 'HEAD', '--filter', 'arm==none');
  assert.ok(existsSync(root));
  rmSync(root, { recursive: true });
});

test.run();
