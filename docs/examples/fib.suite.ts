// A suite of one's own: which way to compute Fibonacci numbers? Run it with: npx bench run ./docs/examples/fib.suite.ts --baseline recursive

import type { Suite } from 'tilebench/suite';

const recursive = (n: number): number => (n < 2 ? n : recursive(n - 1) + recursive(n - 2));

function iterative(n: number): number {
  let [a, b] = [0, 1];
  for (let i = 0; i < n; i++) [a, b] = [b, a + b];
  return a;
}

const arm = (name: string, fib: (n: number) => number, n: number, expected: number) => ({
  name,
  make: () => ({ run: () => fib(n), verify: () => (fib(n) === expected ? undefined : `fib(${n}) is ${fib(n)}, expected ${expected}`) }),
});

const suite: Suite = {
  name: 'fib',
  question: 'Which way to compute Fibonacci numbers?',
  cases: () =>
    [
      [10, 55],
      [20, 6765],
    ].map(([n, expected]) => ({
      name: `fib/${n}`,
      arms: [arm('recursive', recursive, n, expected), arm('iterative', iterative, n, expected)],
    })),
};

export default suite;
