// Whether a tuned table pays: for each problem what is chosen by the table and what is chosen without one, timed beside each other in fresh processes.
//
//   node scripts/tuned-against-default.ts OUT.csv OP SHAPES [TABLE.json, default: the shipped ones] [threads, default 2] [seconds of this call, default 140]
//
// Call it again with the same file until it prints the verdict: each call goes on where the last ended, and ends after `seconds`. Where both choices are the same
// there is nothing to time, and the ratio is 1. A ratio is the median over three processes of the median over 15 rounds, default over tuned; its interval is a
// bootstrap over processes and rounds, that of the geometric mean one over problems. Problems that the table does not hold are chosen for by their
// neighbours' lines, so shapes that were never tuned show what those are worth.

import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type PlannedTuning, planTuning } from '../harness/cli/tune-plan.ts';
import { readCsv } from '../harness/csv.ts';
import { clusteredInterval, median, ratioOfForks } from '../harness/statistics.ts';
import { type Choice, choose } from '../kernels/catalog.ts';
import type { DeviceKind } from '../kernels/kernel.ts';
import { shippedTable } from '../kernels/tuned/active.ts';
import { parseTable } from '../kernels/tuned/file.ts';
import { EMPTY_TABLE, TunedTable } from '../kernels/tuned/table.ts';
import { retime } from './retiming.ts';

const [ROUNDS, SAMPLE_NS, SEED] = [15, 4e6, 1];
const COLUMNS = ['case', 'source', 'default', 'tuned', 'default_us', 'tuned_us', 'ratio', 'low', 'high'];

const [out, op, shapes, tablePath = '', threads = '2', seconds = '140'] = process.argv.slice(2);
if (!out || !op || !shapes || !(Number(threads) >= 1) || !(Number(seconds) > 0)) {
  console.error(
    `tuned-against-default: got ${process.argv.slice(2).join(' ')}, expected: OUT.csv OP SHAPES [TABLE.json] [threads] [seconds]`,
  );
  process.exit(2);
}
const began = performance.now();
const left = () => Number(seconds) - (performance.now() - began) / 1000;

const table = tablePath === '' ? shippedTable : new TunedTable(parseTable(readFileSync(tablePath, 'utf8'), tablePath).entries);
const { tunings } = await planTuning(op, { shapes, device: ['cpu'], threads: [Number(threads)] });
if (!existsSync(out)) writeFileSync(out, `${COLUMNS.join()}\r\n`);
const rowsOf = () => readCsv(readFileSync(out, 'utf8')).rows.map(({ values }) => values);
const done = new Set(rowsOf().map((row) => row.case));
let slowest = 8;
for (const planned of tunings.filter(({ name }) => !done.has(name))) {
  if (left() < 1.3 * slowest) {
    console.log(`${rowsOf().length} of ${tunings.length} problems are done; call again to go on`);
    process.exit(0);
  }
  const before = performance.now();
  appendFileSync(out, `${(await compared(planned)).map(quoted).join()}\r\n`);
  slowest = Math.max(slowest, (performance.now() - before) / 1000);
}
report();

function quoted(field: string | number): string {
  return typeof field === 'number' ? field.toPrecision(5) : `"${field.replaceAll('"', '""')}"`;
}

async function compared(planned: PlannedTuning): Promise<(string | number)[]> {
  const { name, problem, constants, place } = planned;
  const target = { ...place.traits, kind: place.device as DeviceKind };
  const base = choose(problem, target, { constants, table: EMPTY_TABLE });
  const tuned = choose(problem, target, { constants, table });
  const [first, second] = [base, tuned].map(worded);
  if (first === second) return [name, tuned.source, first, second, '', '', 1, 1, 1];
  const configurations = [base, tuned].map(({ kernel, tunables }) => ({ kernel: kernel.name, tunables }));
  const [slow, fast] = await retime(planned, configurations, { rounds: ROUNDS, sampleNs: SAMPLE_NS });
  const pairs = slow.map((times, fork) => times.map((ns, round) => ({ base: ns, head: fast[fork][round] })));
  const { ratio, low, high } = ratioOfForks(pairs, SEED)!;
  const us = (forks: number[][]) => median(forks.map(median)) / 1e3;
  return [name, tuned.source, first, second, us(slow), us(fast), ratio, low!, high!];
}

function worded({ kernel, tunables }: Choice): string {
  const knobs = Object.entries(tunables).sort(([a], [b]) => (a < b ? -1 : 1));
  return [kernel.name, ...knobs.map(([knob, value]) => `${knob}=${value}`)].join(' ');
}

function report(): void {
  const rows = rowsOf().map((row) => ({
    name: row.case,
    isSame: row.default === row.tuned,
    ratio: Number(row.ratio),
    low: Number(row.low),
    high: Number(row.high),
  }));
  for (const { name, ratio, low, high } of rows.filter(({ isSame }) => !isSame))
    console.log(`${ratio.toFixed(3)}  ${low.toFixed(3)} to ${high.toFixed(3)}  ${name}`);
  const mean = (logs: readonly (readonly number[])[]) => Math.exp(logs.flat().reduce((sum, log) => sum + log, 0) / logs.flat().length);
  const logs = rows.map(({ ratio }) => [Math.log(ratio)]);
  const interval = clusteredInterval(logs, mean, SEED);
  const bounds = interval ? ` (${interval.low.toFixed(3)} to ${interval.high.toFixed(3)})` : '';
  console.log(`${rows.length} problems: geometric mean ${mean(logs).toFixed(3)}${bounds}`);
  const count = (test: (row: (typeof rows)[number]) => boolean) => rows.filter(test).length;
  console.log(
    `${count(({ low }) => low > 1)} faster beyond noise, ${count(({ high }) => high < 1)} slower beyond noise, ${count(({ isSame }) => isSame)} are chosen alike`,
  );
}
