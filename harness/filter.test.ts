import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseFilter } from './filter.ts';

const row = { device: 'cpu', kernel: 'packed', case: 'matmul/64x64x64/nn/f32', threads: 2, gflops: 50, verified: true, adapter: undefined };
const verdict = (text: string) => parseFilter(text).test(row);

test('text compares by == and !=, numbers by all', () => {
  for (const text of ['device==cpu', 'kernel != naive', 'threads==2', 'threads>=2', 'gflops > 49.5', 'verified==true', "kernel=='packed'"])
    assert.is(verdict(text), true, text);
  for (const text of ['device==webgpu', 'kernel!=packed', 'threads==1', 'gflops<50', 'kernel=="pack"'])
    assert.is(verdict(text), false, text);
});

test('a star stands for anything, and other signs for themselves', () => {
  assert.is(verdict('case==*/64x*'), true);
  assert.is(verdict('case==matmul/6.x*'), false);
  assert.is(verdict('kernel==p*d'), true);
});

test('and binds before or; brackets and not are heard', () => {
  assert.is(verdict('device==webgpu && gflops>1 || threads==2'), true);
  assert.is(verdict('device==webgpu && (gflops>1 || threads==2)'), false);
  assert.is(verdict('!(device==webgpu) && !kernel==naive'), true);
});

test('an empty column decides nothing, unless the rest decides', () => {
  assert.is(verdict('adapter==intel'), undefined);
  assert.is(verdict('roof_pct>50 && device==cpu'), undefined);
  assert.is(verdict('roof_pct>50 && device==webgpu'), false);
  assert.is(verdict('roof_pct>50 || device==cpu'), true);
  assert.is(verdict('!roof_pct>50'), undefined);
});

test('it tells the columns that it reads', () => {
  assert.equal(parseFilter('device==cpu && (gflops>1 || device==webgpu)').columns, ['device', 'gflops']);
});

test('a damaged filter says where it stops', () => {
  for (const text of ['', 'device', 'device==', '==cpu', '(device==cpu', 'device==cpu gflops>1', 'device=cpu', 'gflops>fast', 'a==b &&'])
    assert.throws(() => parseFilter(text), SyntaxError, text);
  assert.throws(() => parseFilter('device =='), /expected a value but found the end/);
});

test.run();
