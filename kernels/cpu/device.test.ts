import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assemble, f32, i32, set, task } from './assembly.ts';
import { openCpu } from './device.ts';

const one = await openCpu({ threads: 1 });
const two = await openCpu({ threads: 2 });
test.after(async () => {
  await one.close();
  await two.close();
});

const OUT = {
  buffers: [{ name: 'out', access: 'write' }],
  arguments: [
    { name: 'scale', type: 'f32' },
    { name: 'offset', type: 'u32' },
  ],
} as const;
/** out[task] = scale * (task + offset) */
const numbers = assemble('test/numbers', {
  main: task(OUT, {}, ({ task }, { out, offset }, { scale }) => {
    f32.store({}, i32.add(out, i32.shl(task, 2)), f32.mul(scale, f32.convert_i32_u(i32.add(task, offset))));
  }),
});
const NOTHING = { buffers: [], arguments: [] } as const;
const trapping = assemble('test/trap', {
  main: task(NOTHING, { zero: i32 }, ({ task, zero }) => {
    set(zero, i32.div_u(task, i32.gt_u(task, 1000)));
  }),
});

test('tasks are shared by the threads, each done once', async () => {
  for (const device of [one, two]) {
    const out = device.alloc(4000);
    device.dispatch(device.prepare(numbers), 'main', [out], [0.5, 3], [10, 100, 1]);
    const values = new Float32Array((await device.read(out)).buffer);
    assert.equal(
      [...values],
      Array.from({ length: 1000 }, (_, i) => 0.5 * (i + 3)),
    );
    device.free(out);
  }
});

test('many short dispatches in a row stay in order', async () => {
  const out = two.alloc(64);
  const program = two.prepare(numbers);
  for (let round = 0; round < 3000; round++) {
    two.dispatch(program, 'main', [out], [1, round], [16, 1, 1]);
    if (round % 500 === 0) assert.is(new Float32Array((await two.read(out)).buffer)[15], 15 + round);
  }
  two.free(out);
});

test('the same bytes compile once', () => {
  const before = one.memory().programs;
  const first = one.prepare(numbers);
  assert.is(one.prepare({ ...numbers, label: 'another name' }), first);
  assert.is(one.memory().programs, before);
});

test('a trap is an error on the call that caused it, and the device goes on', async () => {
  for (const device of [one, two]) {
    assert.throws(() => device.dispatch(device.prepare(trapping), 'main', [], [], [50, 1, 1]), /test\/trap trapped: divide by zero/);
    const out = device.alloc(4);
    device.dispatch(device.prepare(numbers), 'main', [out], [1, 7], [1, 1, 1]);
    assert.is(new Float32Array((await device.read(out)).buffer)[0], 7);
    device.free(out);
  }
});

test('bytes written are bytes read, at any offset; copies and fills too', async () => {
  const a = one.alloc(100);
  const b = one.alloc(100);
  one.fill(a, 0x01020304);
  one.write(a, new Uint8Array([9, 8, 7]), 5);
  one.copy(a, b, 4, 8, 12);
  assert.equal([...(await one.read(b, 8, 6))], [4, 9, 8, 7, 4, 3]);
  assert.throws(() => one.write(a, new Uint8Array(10), 95), /write of 10 bytes at offset 95 does not fit a buffer of 100 bytes/);
  const views = one.memory();
  assert.is(views.readBytes >= 6, true);
  one.free(a);
  one.free(b);
});

test('long copies arrive whole on one thread and two, at odd offsets, also where they overlap', async () => {
  const length = 2 ** 21 + 77;
  const values = Uint8Array.from({ length }, (_, i) => (i * 2654435761) >>> 13);
  for (const device of [one, two]) {
    const [a, b] = [device.alloc(length + 20), device.alloc(length + 20)];
    device.fill(b, 0x05050505);
    device.write(a, values, 3);
    device.copy(a, b, 3, 9, length);
    assert.equal(await device.read(b, 9, length), values);
    assert.equal([...(await device.read(b, 0, 9)), ...(await device.read(b, 9 + length, 8))], new Array(17).fill(5));
    device.copy(a, a, 3, 5, length);
    assert.equal(await device.read(a, 5, length), values);
    device.write(a, device.view(b, 9, length), 1);
    assert.equal(await device.read(a, 1, length), values);
    const read = await device.read(a, 1, length);
    assert.is(read.buffer.byteLength, length, 'what was read stands alone');
    for (const buffer of [a, b]) device.free(buffer);
  }
});

test('memory returns to its mark, and a limit is a clear error', async () => {
  const mark = one.memory().liveBytes;
  const buffers = Array.from({ length: 50 }, (_, i) => one.alloc(i * 1000 + 1));
  for (const buffer of buffers) one.free(buffer);
  assert.is(one.memory().liveBytes, mark);
  const small = await openCpu({ threads: 1, memoryLimit: 4 * 2 ** 20 });
  assert.throws(() => small.alloc(5 * 2 ** 20), /cannot allocate 5.0 MiB: 0.0 MiB are in use and the limit is 4.0 MiB/);
  await small.close();
  assert.throws(() => small.alloc(1), /the device is closed/);
});

test('wrong calls are told what is expected', async () => {
  const program = one.prepare(numbers);
  assert.throws(() => one.dispatch(program, 'start', [], [], [1, 1, 1]), /no entry start; it has main/);
  assert.throws(() => one.dispatch(program, 'main', [], [], [1, 1, 1]), /takes 1 buffers and 2 arguments, got 0 and 0/);
  await openCpu({ threads: 0 }).then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, /threads is 0, expected a whole number from 1 to 64/),
  );
});

test('a module that is not valid is an error with its name', () => {
  assert.throws(
    () => one.prepare({ label: 'test/broken', code: new Uint8Array([0, 97, 115]), entries: {} }),
    /test\/broken does not compile/,
  );
});

test.run();
