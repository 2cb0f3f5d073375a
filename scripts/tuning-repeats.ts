// Whether a tuning repeated finds the same: one problem tuned many times with other seeds, then all its winners timed beside each other.
//
//   node scripts/tuning-repeats.ts DIR [tunings, default 20] [seconds of this call, default 140] [options of bench tune, default: a matmul of 127]
//
// Call it again with the same DIR until it prints the verdict: each call goes on where the last ended, and ends after `seconds`. Every tuning begins cold: from
// no table, and keeps nothing in one. The winners are then compiled in three fresh processes and timed in 40 interleaved rounds each. A winner's time is the median
// over processes of the lower quartile of its rounds, as the tuner's own samples count.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { planTuning } from '../harness/cli/tune-plan.ts';
import { readCsv } from '../harness/csv.ts';
import { median } from '../harness/statistics.ts';
import { calm } from '../harness/tuner/race.ts';
import type { Tunables } from '../kernels/kernel.ts';
import { retime } from './retiming.ts';

const BENCH = fileURLToPath(new URL('../harness/cli/bench.mjs', import.meta.url));
const EXAMPLE = ['matmul', '--shapes', '127x127x127', '--kernels', 'direct', '--budget', '10s,60'];
const WITHIN = 1.02;

const [dir, countText = '20', secondsText = '140', ...given] = process.argv.slice(2);
const [count, seconds] = [Number(countText), Number(secondsText)];
if (!dir || !(count >= 1) || !(seconds > 0)) {
  console.error(`tuning-repeats: got ${process.argv.slice(2).join(' ')}, expected: DIR [tunings] [seconds] [options of bench tune]`);
  process.exit(2);
}
const [op, ...options] = given.length > 0 ? given : EXAMPLE;

interface Winner {
  readonly kernel: string;
  readonly tunables: string;
}

/** What the tuning with a seed has found; undefined where it is not done. */
function winnerOf(seed: number): (Winner & { seconds: number; ownPct: number }) | undefined {
  const path = join(dir, String(seed), 'summary.csv');
  if (!existsSync(path)) return undefined;
  const row = readCsv(readFileSync(path, 'utf8')).rows.find(({ values }) => values.arm === 'tuned' && values.status === 'ok')?.values;
  return row && { kernel: row.kernel, tunables: row.tunables, seconds: Number(row.tune_s), ownPct: Number(row.tuner_pct) };
}

const began = performance.now();
const left = () => seconds - (performance.now() - began) / 1000;
const seeds = Array.from({ length: count }, (_, i) => i + 1);

for (const seed of seeds.filter((each) => winnerOf(each) === undefined)) {
  const slowest = Math.max(12, ...seeds.map((each) => winnerOf(each)?.seconds ?? 0));
  if (left() < slowest + 3) pause(`${seeds.filter((each) => winnerOf(each)).length} of ${count} tunings are done`);
  const out = join(dir, String(seed));
  const resume = existsSync(join(out, 'run.json')) ? ['--resume'] : [];
  const flags = ['--seed', String(seed), '--no-save', '--no-warm', '--no-roof', '--out', out, ...resume];
  const { status, stderr } = spawnSync(process.execPath, [BENCH, 'tune', op, ...options, ...flags], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the tuning with seed ${seed} ended with ${status}: ${stderr}`);
}
if (left() < 45) pause('all tunings are done, and their winners are to be timed');

/** Ends this call. */
function pause(done: string): never {
  console.log(`${done}; call again to go on`);
  process.exit(0);
}

const found = seeds.map((seed) => winnerOf(seed)!);
const idOf = ({ kernel, tunables }: Winner) => `${kernel} ${tunables}`;
const different = [...new Map(found.map((winner) => [idOf(winner), winner])).values()];
const option = (name: string) => (options.includes(name) ? options[options.indexOf(name) + 1] : undefined);
const threads = option('--threads');
const { tunings } = await planTuning(op, { shapes: option('--shapes'), threads: threads === undefined ? undefined : [Number(threads)] });
const winners = different.map(({ kernel, tunables }) => ({ kernel, tunables: JSON.parse(tunables) as Tunables }));
const times = (await retime(tunings[0], winners)).map((forks) => median(forks.map(calm)));
report();

function report(): void {
  const best = Math.min(...times);
  const rows = different.map((winner, i) => ({
    ...winner,
    us: times[i] / 1e3,
    above: times[i] / best,
    tunings: found.filter((one) => idOf(one) === idOf(winner)).length,
  }));
  for (const { kernel, tunables, us, above, tunings } of rows.sort((a, b) => a.above - b.above))
    console.log(
      `${String(tunings).padStart(3)} tunings  ${us.toFixed(2)} us  ${((above - 1) * 100).toFixed(1)} % above  ${kernel} ${tunables}`,
    );
  const near = rows.filter(({ above }) => above <= WITHIN).reduce((sum, { tunings }) => sum + tunings, 0);
  const [own, took] = [found.map(({ ownPct }) => ownPct), found.map((one) => one.seconds)];
  console.log(`${near} of ${count} within 2 % of the best; ${Math.min(...took).toFixed(1)} to ${Math.max(...took).toFixed(1)} s each`);
  console.log(`of that the tuner's own: ${Math.min(...own).toFixed(1)} to ${Math.max(...own).toFixed(1)} %`);
}
