// By hand with arrays: products, loss and gradients written out on the host. Every later form computes just this.

import type { Start } from '../start.ts';

type Matrix = Float32Array<ArrayBuffer>;

/** a [m, k] · b [k, n]. */
function dot(a: Matrix, b: Matrix, m: number, k: number, n: number): Matrix {
  const c = new Float32Array(m * n);
  for (let i = 0; i < m; i++) for (let p = 0; p < k; p++) for (let j = 0; j < n; j++) c[i * n + j] += a[i * k + p] * b[p * n + j];
  return c;
}

/** a [m, n], its rows as columns. */
const transpose = (a: Matrix, m: number, n: number): Matrix => a.map((_, at) => a[(at % m) * n + Math.floor(at / m)]);

export async function* arrays({ N, D, H, rate, x, y, ...start }: Start) {
  let { w1, w2 } = start;
  for (;;) {
    const hidden = dot(x, w1, N, D, H);
    const active = hidden.map((value) => Math.max(value, 0));
    const difference = dot(active, w2, N, H, D).map((value, i) => value - y[i]);
    const loss = difference.reduce((sum, value) => sum + value ** 2, 0) / (N * D);

    const upstream = difference.map((value) => (2 * value) / (N * D));
    const gradW2 = dot(transpose(active, N, H), upstream, H, N, D);
    const back = dot(upstream, transpose(w2, H, D), N, D, H).map((value, i) => (hidden[i] > 0 ? value : 0));
    const gradW1 = dot(transpose(x, N, D), back, D, N, H);

    w1 = w1.map((value, i) => value - rate * gradW1[i]);
    w2 = w2.map((value, i) => value - rate * gradW2[i]);
    yield loss;
  }
}
