import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { kernelsFor } from '../../kernels/catalog.ts';
import { matmul } from '../../kernels/problem.ts';
import { rankedBy, rankedIn } from './ranking.ts';
import { type Recording, readRecording } from './recording.ts';
import { foundAfter, replays, standing } from './replay.ts';
import { Space } from './space.ts';
import { guided } from './strategies/guided.ts';

const folder = fileURLToPath(new URL('recordings/', import.meta.url));
const read = (pattern: RegExp): Recording[] =>
  readdirSync(folder)
    .filter((name) => pattern.test(name))
    .map((name) => readRecording(folder + name));
const tiled = read(/cpu-2\.(direct|packed|im2col|pointwise)\./);

test('what models rank first in the recorded spaces is fast there, and the best is among it', () => {
  assert.is(tiled.length, 8);
  for (const recording of tiled) {
    const { space, seconds, name } = recording;
    const optimum = Math.min(...seconds);
    const ranked = rankedIn(recording).map((configuration) => seconds[space.indexOf(configuration)] / optimum);
    assert.ok(ranked.length >= 16 && ranked.length <= Math.max(16, space.size / 9), name);
    assert.ok(Math.min(...ranked) < 1.02, `${name}: the best of the ranked is ${Math.min(...ranked)} times the optimum`);
    const middle = ranked.toSorted((a, b) => a - b)[ranked.length >> 1];
    assert.ok(middle < 1.15, `${name}: the median of the ranked is ${middle} times the optimum`);
  }
});

test('guided finds more in ten evaluations where a model ranks', () => {
  const found = (ranks: boolean) => {
    const options = { seeds: 8, evaluations: 10, batch: 8 };
    const all = tiled.flatMap((recording) =>
      foundAfter(replays(recording, guided, { ...options, ranked: ranks ? rankedIn(recording) : undefined }), 10),
    );
    return standing(all).mean;
  };
  const [ranked, blind] = [found(true), found(false)];
  assert.ok(ranked < 1.03 && ranked < blind, `${ranked} with a model, ${blind} without`);
});

test('a kernel without a model ranks nothing, and a recording of a strange kernel is refused', () => {
  const problem = matmul({ m: 64, n: 64, k: 64 });
  const traits = { features: new Set(['simd']), limits: { threads: 1 } };
  const naive = kernelsFor('matmul', 'cpu').find(({ name }) => name === 'naive')!;
  assert.equal(rankedBy(naive, new Space({ tunables: { A: [1, 2] } }), problem, traits, 1), []);
  assert.throws(() => rankedIn({ space: tiled[0].space, name: 'somebody else’s' }), /--model: somebody else’s is not of a kernel of ours/);
});

test.run();
