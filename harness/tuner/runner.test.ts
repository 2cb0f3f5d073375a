import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { matmul } from '../../kernels/problem.ts';
import { Runner } from './runner.ts';

const entry = fileURLToPath(new URL('fixtures/frail-child.ts', import.meta.url));
const runner = () =>
  new Runner({
    arm: { name: 'frail', kind: 'kernel', device: 'cpu', threads: 1, flags: 'tuned' },
    entry,
    order: { problem: matmul({ m: 4, n: 4, k: 4 }), proofs: [], constants: [], seed: 1 },
    patience: 20,
    verbose: false,
    features: [],
  });
const sampleOf = (id: string) => ({ id, iterations: 1 });

test('a round is one question, and one process answers all of it', async () => {
  await using one = runner();
  const [first, second] = await one.time([sampleOf('a'), sampleOf('b')]);
  assert.type(first, 'number');
  assert.is(first, second);
});

test('who takes the process along in a round fails alone; the others are sampled in a fresh one', async () => {
  await using one = runner();
  const ids = ['a', 'frail', 'b'];
  await one.compile(ids.map((id) => ({ id, kernel: 'direct', tunables: {} })));
  const [before] = await one.time([sampleOf('a')]);
  const [a, frail, b] = await one.time(ids.map(sampleOf));
  assert.equal([typeof a, typeof b], ['number', 'number']);
  assert.is.not(a, before);
  assert.equal(frail, { status: 'failed', reason: "the arm's process ended with exit code 9" });
});

test.run();
