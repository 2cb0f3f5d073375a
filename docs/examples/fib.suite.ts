// A suite of one's own: npx bench run ./docs/examples/fib.suite.ts --baseline recursive

import type { Suite } from 'tilebench/suite';

const recursive = (n: number): number => (n < 2 ? n : recursive(n - 1) + recursive(n - 2));
const iterative = (n: number): number => {
  let [a, b] = [0, 1];
  for (let i = 0; i < n; i++) [a, b] = [b, a + b];
  return a;
};
const expected = (n: number) => Math.round(((1 + Math.sqrt(5)) / 2) ** n / Math.sqrt(5));

const arm = (fib: (n: number) => number, n: number) => ({
  name: fib.name,
  make: () => ({ run: () => fib(n), verify: () => (fib(n) === expected(n) ? undefined : `fib(${n}) is ${fib(n)}, not ${expected(n)}`) }),
});

export default {
  name: 'fib',
  question: 'Which way to compute Fibonacci numbers?',
  cases: () => [10, 20].map((n) => ({ name: `fib/${n}`, arms: [arm(recursive, n), arm(iterative, n)] })),
} satisfies Suite;
