import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { matmulCost } from './matmul.ts';
import { matmul, matmulOperands, transposeName } from './problem.ts';
import { seededRandom, shuffled } from './random.ts';
import { matmulBound, matmulElement, matmulError, matmulReference, sampledIndices } from './reference.ts';

test('sizes that are not whole, not positive or beyond memory are named', () => {
  for (const bad of [0, -1, 1.5, Number.NaN, 2 ** 31])
    assert.throws(() => matmul({ m: bad, n: 2, k: 2 }), new RegExp(`matmul: m is ${bad}, expected a whole number from 1 to`));
  assert.throws(() => matmul({ m: 65536, n: 65536, k: 1 }), /operand C of 65536x65536x1 needs 17179869184 bytes, more than the 4294967296/);
});

test('operands have the elements that the sizes say', () => {
  const problem = matmul({ m: 2, n: 3, k: 5, batch: 7, epilogue: { bias: true, relu: false } });
  assert.equal(matmulOperands(problem), { A: 70, B: 105, bias: 3, C: 42 });
  assert.is(transposeName({ transposeA: true, transposeB: false }), 'tn');
});

test('a product that is added to C reads it, and takes no epilogue', () => {
  const problem = matmul({ m: 1, n: 2, k: 1, alpha: -1, accumulate: true });
  assert.equal([...matmulReference(problem, { A: [3], B: [5, 7], C: [100, 10] })], [85, -11]);
  assert.is(matmulElement(problem, { A: [3], B: [5, 7], C: [100, 10] }, 1).scale, 31);
  assert.is(matmulCost(problem).bytes, 4 * (1 + 2 + 2 * 2));
  for (const bad of [{ epilogue: { bias: true, relu: false } }, { epilogue: { bias: false, relu: true } }, { dtype: 'f16' as const }])
    assert.throws(() => matmul({ ...problem, ...bad }), /only an f32 product without an epilogue can be added to what C holds/);
});

test('the reference agrees with a product done by hand, in every storage order', () => {
  // [1 2; 3 4] · [5 6; 7 8] = [19 22; 43 50]
  const stored = { n: [1, 2, 3, 4], t: [1, 3, 2, 4] };
  const right = { n: [5, 6, 7, 8], t: [5, 7, 6, 8] };
  for (const a of ['n', 't'] as const)
    for (const b of ['n', 't'] as const) {
      const problem = matmul({ m: 2, n: 2, k: 2, transposeA: a === 't', transposeB: b === 't' });
      assert.equal([...matmulReference(problem, { A: stored[a], B: right[b] })], [19, 22, 43, 50], a + b);
    }
  const problem = matmul({ m: 2, n: 2, k: 2, alpha: -2, epilogue: { bias: true, relu: true } });
  assert.equal([...matmulReference(problem, { A: stored.n, B: right.n, bias: [40, 0] })], [2, 0, 0, 0]);
  assert.is(matmulElement(problem, { A: stored.n, B: right.n, bias: [40, 0] }, 0).scale, 78);
});

test('the error is relative to the scale of the sum, and a wrong NaN is infinite', () => {
  const problem = matmul({ m: 1, n: 2, k: 2 });
  const operands = { A: [1, -1], B: [3, 3, 1, 1] };
  assert.is(matmulError(problem, operands, [2, 2], [0, 1]), 0);
  // Products 3 and -1: the sum 2 is off by 1 of a scale of 4.
  assert.is(matmulError(problem, operands, [3, 2], [0]), 0.25);
  assert.is(matmulError(problem, operands, [Number.NaN, 0], [0]), Infinity);
  assert.is(matmulError(problem, { A: [Number.NaN, 0], B: operands.B }, [Number.NaN, Number.NaN], [0, 1]), 0);
  assert.is(matmulBound({ k: 4, dtype: 'f32' }), 2 ** -20);
});

test('sampled elements hold the corners and the edges, and repeat for the same seed', () => {
  const problem = matmul({ m: 100, n: 50, k: 3, batch: 2 });
  const indices = sampledIndices(problem, seededRandom(1));
  for (const corner of [0, 49, 99 * 50, 99 * 50 + 49, 9999]) assert.ok(indices.includes(corner), `${corner}`);
  assert.ok(indices.length > 300 && indices.every((index, i) => index < 10000 && (i === 0 || index > indices[i - 1])));
  assert.equal(indices, sampledIndices(problem, seededRandom(1)));
});

test('shuffling is a permutation that the seed decides', () => {
  const items = Array.from({ length: 50 }, (_, i) => i);
  const order = shuffled(items, seededRandom(3));
  assert.equal(
    [...order].sort((a, b) => a - b),
    items,
  );
  assert.equal(order, shuffled(items, seededRandom(3)));
  assert.not.equal(order, shuffled(items, seededRandom(4)));
});

test.run();
