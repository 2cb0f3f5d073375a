import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { kernelsFor } from '../../kernels/catalog.ts';
import { type Finalist, verdict } from './final.ts';
import { exampleResult } from './fixtures/example.ts';
import { idOf } from './trials.ts';

const kernel = kernelsFor('matmul', 'cpu').find(({ name }) => name === 'direct')!;

/** A finalist that took `ns` in each round of three forks, with some noise that all share. */
function finalist(MR: number, ns: number): Finalist {
  const tunables = { MR };
  const forks = [0, 1, 2].map((fork) => [1, 1.02, 0.99].map((noise) => ns * noise * (1 + fork / 100)));
  return {
    kernel,
    tunables,
    id: idOf({ kernel, tunables }),
    seconds: ns / 1e9,
    result: exampleResult(tunables, ns / 1e6),
    fresh: true,
    forks,
    iterations: [1, 1, 1],
    ns: ns * 1.01,
  };
}

test('the fastest wins where it is faster than what is equal, with its ratio to the default', () => {
  const [base, fast] = [finalist(6, 120), finalist(2, 100)];
  const { winner, ratio } = verdict([base, finalist(4, 110), fast], base, 1);
  assert.is(winner, fast);
  assert.ok(Math.abs(ratio!.ratio - 1.2) < 1e-9);
  assert.ok(ratio!.low! <= 1.2 && 1.2 <= ratio!.high!);
});

test('the default stays unless another is faster by more than the indifference zone', () => {
  const base = finalist(6, 101.4);
  assert.is(verdict([finalist(2, 100), base], base, 1).winner, base);
  const slower = finalist(6, 101.6);
  assert.is(verdict([finalist(2, 100), slower], slower, 1).winner.tunables.MR, 2);
});

test('the default stays where a faster median may be noise', () => {
  const base = finalist(6, 104);
  const slower = [1.1, 0.9, 1.1, 0.9];
  const noisy = { ...finalist(2, 100), forks: [0, 1, 2].map((fork) => slower.map((noise) => 104 * noise * (1 + fork / 100))) };
  const steady = { ...base, forks: [0, 1, 2].map((fork) => slower.map(() => 104 * (1 + fork / 100))) };
  const { winner, ratio } = verdict([noisy, steady], steady, 1);
  assert.is(winner, steady);
  assert.equal([ratio!.ratio, ratio!.low, ratio!.high], [1, 1, 1]);
});

test('among equals the first of the space wins, whatever the order and the noise', () => {
  const base = finalist(8, 130);
  // The values of MR are declared 6, 4, 5, 3, 8, 2.
  const equals = [finalist(2, 100), finalist(3, 101), finalist(5, 100.5)];
  assert.is(verdict([...equals, base], base, 1).winner.tunables.MR, 5);
  assert.is(verdict([base, ...equals.toReversed()], base, 2).winner.tunables.MR, 5);
});

test('where the default failed there is a winner, and no ratio', () => {
  const { winner, base, ratio } = verdict([finalist(2, 100)], undefined, 1);
  assert.equal([winner.tunables.MR, base, ratio], [2, undefined, undefined]);
});

test.run();
