import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throttled } from './wait.ts';

const after = <T>(ms: number, value: T) => new Promise<T>((resolve) => setTimeout(resolve, ms, value));

test('the value comes through, and so does a rejection', async () => {
  assert.is(await throttled(Promise.resolve(7)), 7);
  assert.is(await throttled(after(5, 'late')), 'late');
  const reason = new Error('no');
  assert.is(await throttled(Promise.reject(reason)).catch((error) => error), reason);
});

test('several waits go on side by side, and one may begin while another ends', async () => {
  const order: number[] = [];
  const wait = (ms: number) => throttled(after(ms, ms)).then((value) => order.push(value));
  await Promise.all([wait(200), wait(5), wait(30).then(() => wait(1))]);
  assert.equal(order, [5, 30, 1, 200]);
});

test('the event loop turns seldom while something is awaited', async () => {
  let turns = 0;
  let waiting = true;
  const count = () => {
    turns++;
    if (waiting) setImmediate(count);
  };
  count();
  await throttled(after(200, undefined));
  waiting = false;
  // A spinning loop makes some hundred thousand turns in that time, a throttled one about a thousand at most.
  assert.ok(turns < 10_000, `${turns} turns`);
});

test.run();
