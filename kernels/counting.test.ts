import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CountingDevice } from './counting.ts';
import { openCpu } from './cpu/device.ts';
import { packed } from './cpu/matmul/packed.ts';
import type { Device } from './device.ts';
import { Launch } from './launch.ts';
import { matmul } from './problem.ts';

test('it counts what the CPU device holds and moves, and computes nothing', async () => {
  const cpu = await openCpu({ threads: 1 });
  const counting = new CountingDevice('cpu', cpu);
  const problem = matmul({ m: 70, n: 33, k: 19 });
  const use = async (device: Device) => {
    const launch = new Launch(device, packed, problem);
    const [A, B, C] = [70 * 19, 19 * 33, 70 * 33].map((elements) => device.alloc(4 * elements));
    device.write(A, new Float32Array(70 * 19).fill(1));
    device.fill(B, 0x3f800000);
    launch.run({ A, B, C });
    const [first] = new Float32Array((await device.read(C, 0, 4)).buffer);
    const held = device.memory();
    launch.free();
    for (const buffer of [A, B, C]) device.free(buffer);
    const { pooledBytes: _, ...left } = device.memory();
    return { first, held: [held.liveBytes, held.liveBuffers], left };
  };
  const [real, counted] = [await use(cpu), await use(counting)];
  assert.equal(
    [counted.held, counted.left],
    [real.held, { ...real.left }].map((each) => each),
  );
  assert.equal([real.first, counted.first], [19, 0]);
  await Promise.all([cpu.close(), counting.close()]);
});

test.run();
