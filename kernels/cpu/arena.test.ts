import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Arena } from './arena.ts';

const MIB = 2 ** 20;
const arena = (limit: number) => new Arena(new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true }), 1000, limit);

test('blocks are aligned, do not overlap, and the memory grows for them', () => {
  const it = arena(64 * MIB);
  const sizes = [1, 63, 64, 65, 4096, 3 * MIB];
  const blocks = sizes.map((size) => ({ size, address: it.alloc(size) }));
  for (const { address } of blocks) assert.is(address % 64, 0);
  blocks.slice(1).forEach((block, i) => {
    assert.ok(block.address >= blocks[i].address + blocks[i].size);
  });
  assert.ok(blocks[0].address >= 1000);
  assert.ok(it.memory.buffer.byteLength > 3 * MIB);
});

test('a freed block is reused for the same size, and counted', () => {
  const it = arena(64 * MIB);
  const first = it.alloc(1000);
  const other = it.alloc(2000);
  it.free(first);
  assert.is(it.pooledBytes, 1024);
  assert.is(it.alloc(1020), first);
  assert.is(it.pooledBytes, 0);
  assert.is(it.liveBlocks, 2);
  it.free(other);
  it.free(first);
  assert.is(it.liveBytes, 0);
  assert.is(it.peakBytes, 1024 + 2048);
});

test('at the limit, freed neighbours are merged before it gives up', () => {
  const it = arena(4 * MIB);
  const parts = Array.from({ length: 3 }, () => it.alloc(MIB));
  assert.throws(() => it.alloc(2 * MIB), /cannot allocate 2.0 MiB: 3.0 MiB are in use and the limit is 4.0 MiB/);
  it.free(parts[0]);
  it.free(parts[1]);
  assert.is(it.alloc(2 * MIB), parts[0]);
  assert.throws(() => it.alloc(MIB), /cannot allocate/);
  it.free(parts[2]);
  assert.is(it.alloc(MIB), parts[2]);
  assert.is(it.pooledBytes, 0);
});

test('freeing twice or a foreign address is an error', () => {
  const it = arena(4 * MIB);
  const address = it.alloc(64);
  it.free(address);
  assert.throws(() => it.free(address), /freed twice/);
});

test.run();
