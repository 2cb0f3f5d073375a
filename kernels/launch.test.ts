import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { im2col } from './cpu/conv2d/im2col.ts';
import { naive } from './cpu/conv2d/naive.ts';
import { openCpu } from './cpu/device.ts';
import type { Buffer } from './device.ts';
import { Launch } from './launch.ts';
import { conv2d, conv2dOperands } from './problems/conv2d.ts';

const device = await openCpu({ threads: 1 });
test.after(() => device.close());

/** One channel and one tap: the gradient of the input is the gradient of the output times the filter. */
const problem = conv2d({ input: [1, 1, 2, 2], filter: [1, 1, 1, 1], pass: 'input-grad' });

const buffers = (filter: number, outputGrad: readonly number[]): Record<string, Buffer> => {
  const made = Object.fromEntries(
    Object.entries(conv2dOperands(problem)).map(([name, { elements }]) => [name, device.alloc(4 * elements)]),
  );
  device.write(made.filter, Float32Array.of(filter));
  device.write(made.outputGrad, Float32Array.from(outputGrad));
  return made;
};
const floats = async (buffer: Buffer) => [...new Float32Array((await device.read(buffer)).buffer)];
const launchOf = (constants?: string[]) => new Launch(device, im2col, problem, undefined, { constants });

test('a constant operand is turned by the first run and not read again; the others are seen to change', async () => {
  const launch = launchOf(['filter']);
  const operands = buffers(3, [1, 2, 3, 4]);
  launch.run(operands);
  assert.equal(await floats(operands.inputGrad), [3, 6, 9, 12]);
  device.write(operands.filter, Float32Array.of(100));
  device.write(operands.outputGrad, Float32Array.of(5, 6, 7, 8));
  launch.run(operands);
  assert.equal(await floats(operands.inputGrad), [15, 18, 21, 24]);
  const { filter: _, ...rest } = operands;
  launch.run(rest);
  assert.equal(await floats(operands.inputGrad), [15, 18, 21, 24]);
  launch.free();
});

test('what is not held for constant is turned by every run', async () => {
  const launch = launchOf();
  const operands = buffers(3, [1, 2, 3, 4]);
  launch.run(operands);
  device.write(operands.filter, Float32Array.of(10));
  launch.run(operands);
  assert.equal(await floats(operands.inputGrad), [10, 20, 30, 40]);
  launch.free();
});

test('a launch that borrows keeps only what it has prepared', async () => {
  const launch = new Launch(device, im2col, problem, undefined, { constants: ['filter'], borrows: true });
  const lent = Object.entries(launch.scratch);
  const held = launch.workspaceBytes - lent.reduce((sum, [, bytes]) => sum + bytes, 0);
  assert.ok(lent.length > 0 && held > 0);
  const operands = buffers(3, [1, 2, 3, 4]);
  for (let run = 0; run < 2; run++) {
    // Whatever others have left in it.
    const scratch = Object.fromEntries(lent.map(([name, bytes]) => [name, device.alloc(bytes)]));
    for (const buffer of Object.values(scratch)) device.fill(buffer, 0x7fc00000);
    launch.run({ ...operands, ...scratch });
    assert.equal(await floats(operands.inputGrad), [3, 6, 9, 12]);
    for (const buffer of Object.values(scratch)) device.free(buffer);
  }
  launch.free();
});

test('two launches do not share what they have prepared', async () => {
  const launches = [launchOf(['filter']), launchOf(['filter'])];
  const operands = [buffers(3, [1, 1, 1, 1]), buffers(7, [1, 1, 1, 1])];
  for (const turn of [0, 1, 0, 1]) launches[turn].run(operands[turn]);
  assert.equal(await floats(operands[0].inputGrad), [3, 3, 3, 3]);
  assert.equal(await floats(operands[1].inputGrad), [7, 7, 7, 7]);
  for (const launch of launches) launch.free();
});

test('a launch says which operands later runs read', () => {
  const [constant, plain] = [launchOf(['filter']), launchOf()];
  assert.equal(
    ['filter', 'outputGrad'].map((name) => constant.reads(name)),
    [false, true],
  );
  assert.equal(
    ['filter', 'outputGrad'].map((name) => plain.reads(name)),
    [true, true],
  );
  // A kernel that prepares nothing goes on to read its constants.
  const direct = new Launch(device, naive, problem, undefined, { constants: ['filter'] });
  assert.ok(direct.reads('filter'));
  for (const launch of [constant, plain, direct]) launch.free();
});

test('free gives back what was prepared', () => {
  const before = device.memory().liveBytes;
  const launch = launchOf(['filter']);
  const operands = buffers(1, [1, 1, 1, 1]);
  launch.run(operands);
  for (const buffer of Object.values(operands)) device.free(buffer);
  assert.ok(device.memory().liveBytes > before);
  launch.free();
  assert.is(device.memory().liveBytes, before);
});

test.run();
