import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { seededRandom } from '../kernels/random.ts';
import { balancedOrders } from './order.ts';

test('every round has every arm once', () => {
  const orders = balancedOrders(['a', 'b', 'c', 'd'], seededRandom(1));
  for (let round = 0; round < 20; round++) assert.equal(orders.next().value.toSorted(), ['a', 'b', 'c', 'd']);
});

test('over two rounds every arm has the same mean place', () => {
  const orders = balancedOrders(['a', 'b', 'c'], seededRandom(2));
  for (let pair = 0; pair < 10; pair++) {
    const [first, second] = [orders.next().value, orders.next().value];
    for (const arm of first) assert.is(first.indexOf(arm) + second.indexOf(arm), 2);
  }
});

test('the same seed gives the same orders, and orders differ over time', () => {
  const take = (seed: number) => {
    const orders = balancedOrders([1, 2, 3, 4, 5], seededRandom(seed));
    return Array.from({ length: 8 }, () => orders.next().value.join(''));
  };
  assert.equal(take(3), take(3));
  assert.ok(new Set(take(3)).size > 4);
});

test.run();
