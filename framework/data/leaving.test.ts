// Threads that are asked to leave: who is inside is waited for, but not for ever; who comes later is turned away.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Leaving } from './leaving.ts';

test('who is inside is waited for, who comes later is turned away', async () => {
  const leaving = new Leaving(3);
  const worker = new Leaving(leaving.memory);
  assert.ok(worker.enter(0) && worker.enter(2));
  leaving.ask();
  assert.ok(worker.isAsked);
  assert.not(worker.enter(1));
  let isAll = false;
  const all = leaving.within(20_000).then(() => {
    isAll = true;
  });
  worker.leave(0);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.not(isAll, 'worker 2 is still inside');
  worker.leave(2);
  await all;
  leaving.waitWithin(20_000);
});

test('one that hangs is waited for as long as was said', async () => {
  const leaving = new Leaving(2);
  leaving.enter(1);
  leaving.ask();
  for (const wait of [() => leaving.within(60), () => leaving.waitWithin(60)]) {
    const began = performance.now();
    await wait();
    assert.ok(performance.now() - began >= 59);
  }
});

test.run();
