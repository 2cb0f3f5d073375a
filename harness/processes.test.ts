import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cpuSecondsOf, familyOf } from './processes.ts';

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
    assert.ok(cpuSecondsOf([child.pid!])! > 0);
  } finally {
    child.kill('SIGKILL');
  }
});

test('a process that is gone has no time', () => {
  assert.is(cpuSecondsOf([2 ** 22 + 1]), undefined);
  assert.equal(familyOf(2 ** 22 + 1), [2 ** 22 + 1]);
});

test.run();
