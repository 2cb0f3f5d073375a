import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assemble, i32, loopWhileBelow, set, task } from './assembly.ts';
import { openCpu } from './device.ts';

const NOTHING = { buffers: [], arguments: [] } as const;
/** Every task that a worker gets never ends; those of the caller take a moment, so that the worker gets one. */
const hanging = assemble('test/hang', {
  main: task(NOTHING, { i: i32, end: i32 }, ({ thread, i, end }) => {
    set(end, 8_000_000);
    // A worker's counter is put back at every step.
    loopWhileBelow(i, end, 1, () => set(i, i32.mul(i, i32.sub(1, thread))));
  }),
});

test('a thread that hangs is an error on the call, the device says so from then on, and it can be closed', async () => {
  const device = await openCpu({ threads: 2, lostAfterMs: 300 });
  const program = device.prepare(hanging);
  assert.throws(
    () => device.dispatch(program, 'main', [], [], [64, 1, 1]),
    /made no progress for 0.3 s with \d+ tasks of test\/hang unfinished/,
  );
  assert.throws(() => device.dispatch(program, 'main', [], [], [64, 1, 1]), /cannot run: its crew made no progress.*open a new device/);
  await device.close();
});

const program = `
  import { openCpu } from ${JSON.stringify(new URL('./device.ts', import.meta.url).href)};
  import { packed } from ${JSON.stringify(new URL('./matmul/packed.ts', import.meta.url).href)};
  import { Launch } from ${JSON.stringify(new URL('../launch.ts', import.meta.url).href)};
  import { matmul } from ${JSON.stringify(new URL('../problem.ts', import.meta.url).href)};
  const device = await openCpu({ threads: 2 });
  const operands = { A: device.alloc(40000), B: device.alloc(40000), C: device.alloc(40000) };
  for (const name of ['A', 'B']) device.write(operands[name], new Float32Array(10000).fill(1));
  new Launch(device, packed, matmul({ m: 100, n: 100, k: 100 })).run(operands);
  console.log(new Float32Array((await device.read(operands.C)).buffer)[5050]);
`;

test('a program that never closes its device still ends by itself', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  assert.is(stderr, '');
  assert.is(stdout, '100\n');
  assert.is(status, 0);
});

test.run();
