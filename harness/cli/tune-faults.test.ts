import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CPU_FAULTS } from '../tuner/fixtures/faulty-cpu.kernel.ts';
import { WEBGPU_FAULTS } from '../tuner/fixtures/faulty-webgpu.kernel.ts';
import { readJournal } from '../tuner/journal.ts';
import { Workplace } from './bench-process.ts';

const place = new Workplace();
test.after(() => place.remove());

/** Tunes a faulty kernel over its whole space and gives what each configuration came to, by its value of FAULT, and the winner's. */
async function tuned(device: string, journal: string, ...flags: string[]) {
  const module = fileURLToPath(new URL(`../tuner/fixtures/faulty-${device}.kernel.ts`, import.meta.url));
  const out = `tuned-${device}`;
  const args = ['tune', module, '--strategy', 'exhaustive', '--samples', '3', '--no-roof', '--no-save', '--out', out, ...flags];
  const ended = await place.bench(args);
  assert.is(ended.code, 0, ended.err);
  const { results } = readJournal(join(place.folder, out, journal));
  const verdicts = new Map(results.map((line) => [Number(line.configuration.FAULT), line.invalidity]));
  const reasons = new Map(results.map((line) => [Number(line.configuration.FAULT), String(line.x?.reason)]));
  const winner = place.rows(out, 'summary.csv').find(({ arm }) => arm === 'tuned')!;
  return { verdicts, reasons, results, winner, err: ended.err };
}

test('faults planted among candidates of the CPU are all caught, none wins, and the run goes on', async () => {
  const { verdicts, reasons, results, winner } = await tuned(
    'cpu',
    'matmul-96x64x80-f32.cpu-2.faulty.jsonl',
    '--threads',
    '2',
    '--timeout',
    '2',
  );
  const { none, tail, nan, race, stale, past, hang, compile, close, trap } = CPU_FAULTS;
  const expected = { [none]: 'correct', [hang]: 'timeout', [compile]: 'compile', [trap]: 'runtime' };
  for (const fault of [tail, nan, race, stale, past, close]) assert.is(verdicts.get(fault), 'correctness', `fault ${fault}`);
  for (const [fault, verdict] of Object.entries(expected))
    assert.is(verdicts.get(Number(fault)), verdict, `fault ${fault}: ${reasons.get(Number(fault))}`);
  assert.is(results.length, 11, 'both right configurations were measured, one of them after every fault but one');
  assert.match(reasons.get(past)!, /past the end|outside/);
  assert.match(reasons.get(nan)!, /is NaN, expected/);
  assert.match(reasons.get(tail)!, /is -6259\d+, expected/);
  assert.match(winner.tunables, /"FAULT":0/);
  assert.is(winner.failed_evaluations, '9');
});

test('faults planted among candidates of WebGPU are all caught, a hang in a process that is killed', async () => {
  const { verdicts, reasons, results, winner } = await tuned('webgpu', 'matmul-32x32x48-f32.webgpu.faulty.jsonl', '--timeout', '5');
  const { none, tail, nan, barrier, stale, hang, compile } = WEBGPU_FAULTS;
  for (const fault of [tail, nan, barrier, stale]) assert.is(verdicts.get(fault), 'correctness', `fault ${fault}: ${reasons.get(fault)}`);
  assert.equal(
    [none, hang, compile].map((fault) => verdicts.get(fault)),
    ['correct', 'timeout', 'compile'],
  );
  assert.is(results.length, 8);
  assert.match(winner.tunables, /"FAULT":0/);
});

test.run();
