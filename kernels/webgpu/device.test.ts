import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Buffer, DeviceError } from '../device.ts';
import type { Source } from '../kernel.ts';
import { webgpuForTests } from './adapter.ts';
import { openWebgpu } from './device.ts';

const device = await webgpuForTests();

/** y = x + term, word by word, up to 64 words a workgroup. */
const add = (label = 'add'): Source & { readonly code: string } => ({
  label,
  code: `// ${label}
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> term: u32;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x < arrayLength(&y)) { y[id.x] = x[id.x] + term; }
}`,
  entries: {
    main: {
      buffers: [
        { name: 'x', access: 'read' },
        { name: 'y', access: 'write' },
      ],
      arguments: [{ name: 'term', type: 'u32' }],
    },
  },
});

const broken = (label: string, body: string): Source => ({
  label,
  code: `@compute @workgroup_size(1) fn main() {\n${body}\n}`,
  entries: { main: { buffers: [], arguments: [] } },
});

async function rejection(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason) => reason,
  );
  assert.instance(error, DeviceError);
  return error.message;
}

if (device) {
  test.after(() => device.close());
  const words = async (buffer: Buffer) => [...new Uint32Array((await device.read(buffer)).buffer)];

  test('bytes come back as they were written, from any offset', async () => {
    const buffer = device.alloc(10);
    device.write(buffer, Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
    assert.equal([...(await device.read(buffer))], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.equal([...(await device.read(buffer, 3, 4))], [3, 4, 5, 6]);
    assert.is((await device.read(buffer, 10)).length, 0);
    device.write(buffer, Uint8Array.of(50, 60), 8);
    assert.equal([...(await device.read(buffer, 7))], [7, 50, 60]);
    device.write(buffer, new Uint8Array([9, 9, 1, 2, 3, 4]).subarray(2), 4);
    assert.equal([...(await device.read(buffer, 4, 4))], [1, 2, 3, 4]);
    assert.throws(() => device.write(buffer, Uint8Array.of(1), 2), /multiples of 4/);
    assert.throws(() => device.write(buffer, new Uint32Array(3), 0), /12 bytes at offset 0 lie outside of a buffer of 10/);
    assert.match(await rejection(device.read(buffer, 8, 3)), /3 bytes at offset 8 lie outside/);
    device.free(buffer);
  });

  test('memory returns to its mark, and a freed buffer is used again', async () => {
    const before = device.memory();
    const buffers = [device.alloc(1000), device.alloc(1000), device.alloc(24)];
    assert.is(device.memory().liveBytes, before.liveBytes + 2024);
    assert.is(device.memory().liveBuffers, before.liveBuffers + 3);
    const [first] = buffers;
    for (const buffer of buffers) device.free(buffer);
    const after = device.memory();
    assert.is(after.liveBytes, before.liveBytes);
    assert.is(after.liveBuffers, before.liveBuffers);
    assert.ok(after.peakBytes >= before.liveBytes + 2024);
    assert.ok(after.pooledBytes >= before.pooledBytes + 2024 - 24);
    const again = device.alloc(1000);
    assert.is(device.memory().pooledBytes, after.pooledBytes - 1000);
    assert.throws(() => device.free(first), /freed before/);
    device.free(again);
  });

  test('a buffer freed in a batch is not handed out before the batch is submitted', async () => {
    const program = device.prepare(add());
    await program.ready;
    const [x, y] = [device.alloc(260), device.alloc(260)];
    device.fill(x, 1);
    device.dispatch(program, 'main', [x, y], [1], [2, 1, 1]);
    device.free(x);
    const pooled = device.memory().pooledBytes;
    device.submit();
    assert.is(device.memory().pooledBytes, pooled + 260);
    device.free(y);
  });

  test('writes, copies and fills fall in dispatch order', async () => {
    const program = device.prepare(add());
    await program.ready;
    const [x, first, second, third, fourth] = [1, 2, 3, 4, 5].map(() => device.alloc(16));
    device.write(x, Uint32Array.of(1, 2, 3, 4));
    device.dispatch(program, 'main', [x, first], [10], [1, 1, 1]);
    device.write(x, Uint32Array.of(5, 6, 7, 8));
    device.dispatch(program, 'main', [x, second], [10], [1, 1, 1]);
    device.copy(second, x);
    device.dispatch(program, 'main', [x, third], [100], [1, 1, 1]);
    device.fill(x, 7);
    device.dispatch(program, 'main', [x, fourth], [0], [1, 1, 1]);
    device.fill(x, 0);
    assert.equal(await words(first), [11, 12, 13, 14]);
    assert.equal(await words(second), [15, 16, 17, 18]);
    assert.equal(await words(third), [115, 116, 117, 118]);
    assert.equal(await words(fourth), [7, 7, 7, 7]);
    assert.equal(await words(x), [0, 0, 0, 0]);
    for (const buffer of [x, first, second, third, fourth]) device.free(buffer);
  });

  test('arguments stay apart over more dispatches than the uniform buffer holds', async () => {
    const program = device.prepare(add());
    await program.ready;
    const zero = device.alloc(4);
    const outputs = Array.from({ length: 1500 }, () => device.alloc(4));
    device.fill(zero, 0);
    outputs.forEach((output, i) => {
      device.dispatch(program, 'main', [zero, output], [i], [1, 1, 1]);
    });
    const all = device.alloc(outputs.length * 4);
    outputs.forEach((output, i) => {
      device.copy(output, all, 0, i * 4);
    });
    assert.equal(
      await words(all),
      outputs.map((_, i) => i),
    );
    for (const buffer of [zero, all, ...outputs]) device.free(buffer);
  });

  test('copies take offsets, and fills reach the last word of large buffers', async () => {
    const [from, to] = [device.alloc(300_004), device.alloc(300_004)];
    device.fill(from, 0xabcd0123);
    device.fill(to, 0);
    device.copy(from, to, 8, 4, 8);
    assert.equal((await words(to)).slice(0, 4), [0, 0xabcd0123, 0xabcd0123, 0]);
    assert.ok((await words(from)).every((word) => word === 0xabcd0123));
    assert.throws(() => device.copy(from, from, 0, 8, 4), /same one/);
    assert.throws(() => device.copy(from, to, 2, 0, 4), /multiples of 4/);
    device.free(from);
    device.free(to);
  });

  test('wrong calls are refused by name', () => {
    const program = device.prepare(add('adder'));
    const [x, y] = [device.alloc(4), device.alloc(4)];
    assert.throws(
      () => device.dispatch(program, 'main', [x], [1], [1, 1, 1]),
      /adder: called with 1 buffers and 1 arguments, expected buffers x, y and arguments term/,
    );
    assert.throws(() => device.dispatch(program, 'other', [x, y], [1], [1, 1, 1]), /adder: there is no entry point other; there are main/);
    assert.throws(() => device.dispatch(program, 'main', [x, x], [1], [1, 1, 1]), /adder: y is written/);
    assert.throws(() => device.dispatch(program, 'main', [x, y], [1], [1e6, 1, 1]), /adder: the grid is 1000000x1x1, expected/);
    assert.throws(() => device.alloc(0), /bytes is 0/);
    assert.throws(() => device.alloc(2 ** 45), /35184372088832 bytes are more than the \d+ that/);
    device.free(x);
    assert.throws(() => device.dispatch(program, 'main', [x, y], [1], [1, 1, 1]), /adder: a buffer was freed before/);
    device.free(y);
  });

  test('WGSL errors have the name of the program, line and column', async () => {
    const program = device.prepare(broken('half', '  let x = 1u +;'));
    assert.match(await rejection(program.ready), /^half: WGSL 2:\d+: /);
    assert.throws(() => device.dispatch(program, 'main', [], [], [1, 1, 1]), /^half: WGSL 2/);
    assert.match(await rejection(device.prepare({ ...add('bytes'), code: 'fn main() {}' }).ready), /^bytes: /);
  });

  test('a program dispatched before it is ready compiles late, and its error surfaces once, at the next sync', async () => {
    const late = device.memory().lateCompiles;
    const [x, y] = [device.alloc(4), device.alloc(4)];
    device.fill(x, 41);
    const program = device.prepare(add('late'));
    device.dispatch(program, 'main', [x, y], [1], [1, 1, 1]);
    assert.is(device.memory().lateCompiles, late + 1);
    assert.equal(await words(y), [42]);
    const wrong = device.prepare(broken('unsigned', '  let x: u32 = -1i;'));
    device.dispatch(wrong, 'main', [], [], [1, 1, 1]);
    assert.match(await rejection(device.sync()), /^unsigned: WGSL 2:/);
    await device.sync();
    device.free(x);
    device.free(y);
  });

  test('what only WebGPU notices is blamed on the programs of the batch', async () => {
    // The layout promises to only read what the code writes.
    const source: Source = {
      ...add('liar'),
      entries: {
        main: {
          ...add().entries.main,
          buffers: [
            { name: 'x', access: 'read' },
            { name: 'y', access: 'read' },
          ],
        },
      },
    };
    const program = device.prepare(source);
    assert.match(await rejection(program.ready), /^liar: /);
    // A uniform block that the binding does not cover is seen when the batch is submitted.
    const wide: Source = {
      ...add('wide'),
      code: add('wide').code.replace('term: u32;', 'term: array<vec4<u32>, 4>;').replace('+ term', '+ term[3].x'),
    };
    const [x, y] = [device.alloc(4), device.alloc(4)];
    device.dispatch(device.prepare(wide), 'main', [x, y], [1], [1, 1, 1]);
    assert.match(await rejection(device.sync()), /^wide: /);
    device.free(x);
    device.free(y);
    await device.sync();
  });

  test('a span is the time of its dispatches, and work after it is not in it', async () => {
    const program = device.prepare(add());
    await program.ready;
    const [x, y] = [device.alloc(2 ** 20), device.alloc(2 ** 20)];
    device.fill(x, 1);
    const one = await device.span(() => device.dispatch(program, 'main', [x, y], [1], [4096, 1, 1]));
    const none = await device.span(() => {});
    assert.ok(one > 0 && none >= 0);
    assert.equal((await words(y)).slice(0, 2), [2, 2]);
    await rejection(device.span(() => device.dispatch(program, 'nothing', [x, y], [1], [1, 1, 1])));
    assert.ok((await device.span(() => device.copy(x, y))) > 0);
    device.free(x);
    device.free(y);
  });

  test('traits are what the adapter has', () => {
    assert.is(device.limits.softwareAdapter, Number(device.isSoftware));
    assert.ok(device.limits.maxComputeInvocationsPerWorkgroup >= 128);
    assert.is(device.timestampQuantumNs !== undefined, device.features.has('timestamp-query'));
    assert.ok(device.name.length > 0);
  });

  test('a lost device says so on every later call, and a closed one too', async () => {
    const lost = await openWebgpu();
    const buffer = lost.alloc(4);
    const pending = lost.sync();
    lost.gpu.destroy();
    await pending.catch(() => {});
    await lost.gpu.lost;
    assert.throws(() => lost.write(buffer, new Uint32Array(1)), /was lost \(destroyed\)/);
    assert.match(await rejection(lost.read(buffer)), /was lost/);
    assert.match(await rejection(lost.sync()), /was lost/);
    await lost.close();
    const closed = await openWebgpu();
    await closed.close();
    await closed.close();
    assert.throws(() => closed.alloc(4), /is closed; open another one/);
  });

  test('a program that never closes its device ends by itself', () => {
    const program = `
      import { openWebgpu } from ${JSON.stringify(new URL('./device.ts', import.meta.url).href)};
      const device = await openWebgpu();
      const buffer = device.alloc(64);
      device.fill(buffer, 3);
      console.log((await device.read(buffer))[0]);`;
    const child = spawnSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8', timeout: 30_000 });
    assert.is(child.stdout, '3\n', child.stderr);
    assert.is(child.status, 0);
  });
}

test.run();
