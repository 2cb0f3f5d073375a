// A trace shows what each worker did and when the reader waited, on one clock.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { clockNs, MAIN_THREAD, type Recorder, startTracing, stopTracing } from '../../kernels/span.ts';
import { Numbers } from './fixtures/numbers.ts';
import { DataLoader } from './loader.ts';

let recorder: Recorder;
test.before(() => {
  recorder = startTracing();
});
test.after(stopTracing);

for (const workers of [0, 2])
  test(`${workers} workers: batches, stages and waits`, async () => {
    const began = clockNs();
    {
      await using loader = new DataLoader(new Numbers({ length: 12, busyMs: [1], into: true }), { batchSize: 4, workers });
      for await (const { number } of loader) assert.ok(number < 3);
      const { spans, counts } = recorder.take();
      const ended = clockNs();
      assert.ok(spans.every(({ startNs, durationNs }) => startNs >= began && startNs + durationNs <= ended));
      const named = (name: string) => spans.filter((span) => span.name === name);
      const args = (name: string, key: string) =>
        named(name)
          .map((span) => span.args![key] as number)
          .sort((a, b) => a - b);
      assert.equal(args('batch', 'batch'), [0, 1, 2]);
      assert.equal(args('next batch', 'batch'), [0, 1, 2]);
      assert.equal(
        args('fetch', 'sample'),
        Array.from({ length: 12 }, (_, i) => i),
        'each sample took a millisecond',
      );
      for (const { track } of named('fetch')) assert.match(track, workers ? /^loader worker [12]$/ : new RegExp(MAIN_THREAD));
      for (const batch of named('batch')) {
        const inside = named('fetch').filter(
          ({ track, startNs }) => track === batch.track && startNs >= batch.startNs && startNs < batch.startNs + batch.durationNs,
        );
        assert.is(inside.length, 4);
      }
      assert.equal(
        counts.map(({ name }) => name),
        Array(3).fill('batches ready'),
      );
    }
    recorder.take();
  });

test.run();
