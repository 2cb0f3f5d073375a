// Trials on a machine that is made up: a runner whose samples are computed.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { kernelsFor } from '../../kernels/catalog.ts';
import { seededRandom } from '../../kernels/random.ts';
import { exampleHeader as header } from './fixtures/example.ts';
import { Journal } from './journal.ts';
import type { Runner } from './runner.ts';
import { Trials } from './trials.ts';

const folder = mkdtempSync(join(tmpdir(), 'tilebench-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const kernel = kernelsFor('matmul', 'cpu').find(({ name }) => name === 'direct')!;
let made = 0;

/** Trials whose `sample(MR, n)` gives the microseconds of the n-th sample of a configuration. */
async function trialsOf(sample: (MR: number, n: number) => number, wanted: readonly number[]): Promise<Trials> {
  using journal = new Journal(join(folder, `${++made}.jsonl`), header);
  const taken = new Map<number, number>();
  const knobOf = (id: string) => Number(/MR[^\d]*(\d+)/.exec(id)![1]);
  const runner = {
    spent: { start: 0, compile: 0, prove: 0, time: 0 },
    compile: async (list: { id: string }[]) => list.map(({ id }) => ({ id, compileNs: 1 })),
    prove: async () => ({ proofs: 3, maxRelErr: 0, validationNs: 1 }),
    warm: async (id: string) => ({ iterations: 1, callNs: 1e3 * sample(knobOf(id), -1), spentNs: 1 }),
    time: async (samples: { id: string }[]) =>
      samples.map(({ id }) => {
        const MR = knobOf(id);
        taken.set(MR, (taken.get(MR) ?? -1) + 1);
        return 1e3 * sample(MR, taken.get(MR)!);
      }),
    drop: async () => {},
  } as unknown as Runner;
  const options = { seed: 1, sampleNs: 1, signal: new AbortController().signal, progress: () => {} };
  const trials = new Trials(runner, new Map([[kernel, journal]]), options);
  for (const MR of wanted) await trials.measure([{ kernel, tunables: { MR, NR: 8 } }]);
  return trials;
}
const microseconds = (trials: Trials, MR: number): number =>
  1e6 * [...trials.known.values()].find(({ tunables }) => tunables.MR === MR)!.seconds!;

test('half of the samples may take four times as long, and the faster is still told', async () => {
  const random = seededRandom(5);
  const trials = await trialsOf((MR, n) => (MR === 2 ? 25 : 24) * (n >= 0 && random() < 0.4 ? 4 : 1), [6, 2, 4]);
  assert.is(trials.best()!.tunables.MR === 2, false);
  for (const MR of [6, 4]) assert.ok(Math.abs(microseconds(trials, MR) - 24) < 0.5, String(microseconds(trials, MR)));
});

test('a best that was best by luck is found out in the races that it leads', async () => {
  // 4 seems to take 9 in its own race and takes 12 from then on; 2 and 5 take 11 always.
  const trials = await trialsOf((MR, n) => (MR === 4 ? (n < 5 ? 9 : 12) : MR === 6 ? 13 : 11), [6, 4, 2, 5, 8, 3]);
  assert.is(trials.best()!.seconds, 11e-6);
  assert.ok(Math.abs(microseconds(trials, 4) - 12) < 0.01, String(microseconds(trials, 4)));
});

test('a first that was disturbed throughout makes no newcomer look slow', async () => {
  const trials = await trialsOf((MR, n) => (MR === 6 ? (n < 5 ? 45 : 25) : 24), [6, 2]);
  assert.ok(Math.abs(microseconds(trials, 2) - 24) < 0.01, String(microseconds(trials, 2)));
  assert.ok(Math.abs(microseconds(trials, 6) - 25) < 0.01, String(microseconds(trials, 6)));
});

test('nothing is given up for its time while the best is slow too', async () => {
  // Warming up 2 and timing 6 beside it fall into a bad time, once.
  let bad = 0;
  const trials = await trialsOf(
    (MR, n) => (MR === 2 && n === -1 && bad++ === 0 ? 100 : MR === 6 && n === 5 ? 99 : MR === 6 ? 25 : 24),
    [6, 2],
  );
  assert.ok(Math.abs(microseconds(trials, 2) - 24) < 0.01, String(microseconds(trials, 2)));
  const hopeless = await trialsOf((MR) => (MR === 6 ? 25 : 100), [6, 2]);
  assert.is([...hopeless.known.values()].at(-1)!.result.x?.dropped, 'first sample');
});

test.run();
