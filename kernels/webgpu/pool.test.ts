import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BufferPool } from './pool.ts';

const destroyed: string[] = [];
const buffer = (label: string, size: number) => ({ label, size, destroy: () => destroyed.push(label) }) as unknown as GPUBuffer;

test('a buffer comes back for exactly its size', () => {
  const pool = new BufferPool(100);
  const small = buffer('small', 8);
  pool.give(small);
  assert.is(pool.bytes, 8);
  assert.is(pool.take(4), undefined);
  assert.is(pool.take(8), small);
  assert.is(pool.take(8), undefined);
  assert.is(pool.bytes, 0);
});

test('beyond its limit the pool destroys the size that was given back longest ago', () => {
  destroyed.length = 0;
  const pool = new BufferPool(100);
  for (const [label, size] of [
    ['first', 40],
    ['second', 30],
    ['third', 40],
  ] as const)
    pool.give(buffer(label, size));
  // 'third' is as large as 'first', so their size is young again and 'second' has waited longest.
  assert.equal(destroyed, ['second']);
  assert.is(pool.bytes, 80);
  pool.give(buffer('huge', 1000));
  assert.is(pool.bytes, 0);
  assert.ok(destroyed.includes('huge'));
});

test('clear destroys all that is kept', () => {
  destroyed.length = 0;
  const pool = new BufferPool(100);
  pool.give(buffer('a', 4));
  pool.give(buffer('b', 4));
  pool.give(buffer('c', 8));
  pool.clear();
  assert.equal(destroyed.sort(), ['a', 'b', 'c']);
  assert.is(pool.bytes, 0);
});

test.run();
