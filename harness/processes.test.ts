import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { familyOf, involuntarySwitchesOf, processorTimeOf } from './processes.ts';

const linux = existsSync('/proc/self/stat') ? test : test.skip;

linux('a process that another has started is of its family, and its time is counted', async () => {
  const child = spawn(process.execPath, [
    '-e',
    'const end = Date.now() + 100; while (Date.now() < end); console.log(1); setInterval(() => {}, 1e3)',
  ]);
  try {
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const family = familyOf(process.pid);
    assert.is(family[0], process.pid);
    assert.ok(family.includes(child.pid!));
    const one = processorTimeOf([child.pid!])!;
    assert.ok(one.seconds > 0);
    // A tick for user and one for system time of each process, and one for each further thread that can run at once.
    assert.ok(one.error > 0.02 && one.error < 0.0206 + 0.01 * availableParallelism());
    assert.ok(processorTimeOf([child.pid!, process.pid])!.error > one.error + 0.02);
    assert.ok(involuntarySwitchesOf([child.pid!])! >= 0);
  } finally {
    child.kill('SIGKILL');
  }
});

linux('what a process has another do, and waits for, is counted as its own', () => {
  const before = processorTimeOf([process.pid])!.seconds;
  execFileSync(process.execPath, ['-e', 'while (process.cpuUsage().user < 2e5);']);
  const used = processorTimeOf([process.pid])!.seconds - before;
  assert.ok(used >= 0.18, `${used} s`);
});

test('a process that is gone has no time', () => {
  assert.is(processorTimeOf([2 ** 22 + 1]), undefined);
  assert.is(involuntarySwitchesOf([2 ** 22 + 1]), undefined);
  assert.equal(familyOf(2 ** 22 + 1), [2 ** 22 + 1]);
});

test.run();
