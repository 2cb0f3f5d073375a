// The order of arms within rounds: random, so that nothing periodic falls on one arm, and balanced, so that no arm has the early place.

import { shuffled } from '../kernels/random.ts';

/**
 * Orders of the arms, round after round, without end: a random permutation, then the same one reversed, then a new one.
 *
 * Over each pair of rounds every arm has the same mean place, and every two arms stand before each other once.
 */
export function* balancedOrders<T>(arms: readonly T[], random: () => number): Generator<T[], never> {
  for (;;) {
    const order = shuffled(arms, random);
    yield order;
    yield order.toReversed();
  }
}
