// How well dataload finds what was put in: pipelines with known delays, measured, analysed, and held against the delays. Prints a row for each and the score.
//
//   node scripts/stall-pipelines.ts [first, default 0] [count, default 40] [file that rows are added to, for runs in pieces]
//
// A pipeline has a bottleneck by its delays alone, found by formulas that know nothing of the model: without workers or prefetch the largest part; else the
// larger part of the slower of three, loading over workers, copy and compute, and the processor's work over its cores. What is within a third of a tie is redrawn.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { NoiseMonitor } from '../harness/noise.ts';
import { median } from '../harness/statistics.ts';
import type { Work } from '../harness/suite.ts';
import { seededRandom } from '../kernels/random.ts';
import { bottleneckOf, type Steps, wholeOf } from '../suites/dataload/analysis.ts';
import { roundsPerMs } from '../suites/dataload/delays.ts';
import { errorOf, type Measured, tried, workIn } from '../suites/dataload/measured.ts';
import { STAGES, type Stage, type StepWork } from '../suites/dataload/queue.ts';
import { type Way, workOf } from '../suites/dataload/work.ts';

const CORES = availableParallelism();
const CALLS = 12;
const ROUNDS = 5;
/** A round in which the machine did something else is taken again, as the harness does, until so many were tried. */
const MOST_ROUNDS = 2 * ROUNDS;
/** How far ahead a part or side must be of the next one. */
const CLEAR = 4 / 3;

interface Pipeline {
  readonly delays: StepWork;
  readonly workers: number;
  readonly prefetch: number;
  /** The step waits as for a GPU. */
  readonly waits: boolean;
  readonly bottleneck: Stage;
}

/** The first of parts by size, where it is clearly the first. */
function clearFirst<T>(parts: readonly (readonly [T, number])[]): T | undefined {
  const [first, second] = parts.toSorted(([, a], [, b]) => b - a);
  return second === undefined || first[1] >= CLEAR * second[1] ? first[0] : undefined;
}

function bottleneck({ delays, workers, prefetch, waits }: Omit<Pipeline, 'bottleneck'>): Stage | undefined {
  const of = (stages: readonly Stage[]) => clearFirst(stages.map((stage) => [stage, delays[stage]] as const));
  if (workers === 0 || prefetch === 0) return of(STAGES);
  const { fetch, decode, copy, compute } = delays;
  const computing: Stage[] = waits ? ['decode', 'copy'] : ['decode', 'copy', 'compute'];
  const side = clearFirst<readonly Stage[]>([
    [['fetch', 'decode'], (fetch + decode) / workers],
    [['copy', 'compute'], copy + compute],
    [computing, computing.reduce((sum, stage) => sum + delays[stage], 0) / CORES],
  ]);
  return side && of(side);
}

/** The pipelines, the same in every run. */
function pipelines(count: number): Pipeline[] {
  const random = seededRandom(40);
  const found: Pipeline[] = [];
  while (found.length < count) {
    const part = () => Number((0.4 + 9.6 * random() ** 1.5).toFixed(2));
    const delays = { fetch: part(), decode: part(), copy: part(), compute: part() };
    const workers = Math.floor(found.length / STAGES.length) % 3;
    const prefetch = workers === 0 ? 0 : workers === 1 ? [0, 1, 4][Math.floor(3 * random())] : [0, 4][Math.floor(2 * random())];
    const drawn = { delays, workers, prefetch, waits: random() < 0.5 };
    const stage = bottleneck(drawn);
    // Every part in turn, so that none is rare.
    if (stage === STAGES[found.length % STAGES.length]) found.push({ ...drawn, bottleneck: stage });
  }
  return found;
}

const optionsOf = ({ delays, waits }: Pipeline, workers: number, prefetch: number) =>
  ({
    data: 'delays',
    delays,
    model: 'small-cnn',
    batch: 4,
    image: 4,
    seed: 1,
    device: waits ? 'webgpu' : 'cpu',
    workers,
    prefetch,
    isCold: true,
  }) as const;

const monitor = new NoiseMonitor();
/** Why rounds did not count. */
const disturbed: string[] = [];

interface Sampled {
  /** Milliseconds. */
  readonly step: number;
  readonly figures: Readonly<Record<string, number>>;
}

/** Milliseconds of a step, each way in turn, and what the main thread did in the cold ones. */
async function measure(pipeline: Pipeline, workers: number, prefetch: number): Promise<Measured> {
  const ways: readonly Way[] = ['resident', 'host', 'cached', 'cold', 'half'];
  roundsPerMs(true);
  const samples = new Map<Way, Sampled[]>(ways.map((way) => [way, []]));
  const works = new Map<Way, Work>();
  for (const way of ways) works.set(way, await workOf(way, optionsOf(pipeline, workers, prefetch)));
  monitor.watch([]);
  for (let clean = 0, tried = 0; clean < ROUNDS; tried++) {
    const round = new Map<Way, Sampled>();
    for (const [way, work] of works) {
      await work.steady!(CALLS);
      const began = performance.now();
      for (let i = 0; i < CALLS; i++) await work.run();
      const step = (performance.now() - began) / CALLS;
      const figures = await work.figures!();
      round.set(way, { step, figures: Object.fromEntries(figures.map(({ metric, value }) => [metric, value])) });
    }
    const { contamination } = monitor.round([]);
    if (contamination !== undefined) disturbed.push(contamination);
    if (contamination !== undefined && MOST_ROUNDS - tried > ROUNDS - clean) continue;
    clean++;
    for (const [way, sampled] of round) samples.get(way)!.push(sampled);
  }
  for (const work of works.values()) await work.close!();
  // The sample in the middle, with what was seen in it.
  const middle = ways.map((way) => samples.get(way)!.sort((a, b) => a.step - b.step)[Math.floor(ROUNDS / 2)]);
  const [resident, host, cached, cold, half] = middle.map(({ step }) => step);
  const { wait, copy, compute, ready } = middle[ways.indexOf('cold')].figures;
  const threads = pipeline.waits ? 0 : 1;
  return {
    setting: { workers, prefetch, cores: CORES, threads },
    steps: { resident, host, cached, cold },
    half,
    direct: { wait, copy, compute, ready },
  };
}

interface Row {
  readonly index: number;
  readonly text: string;
  readonly isRight: boolean;
  /** Differences of the parts found to those put in, milliseconds, and whether each is within 5 % or 0.5 ms. */
  readonly differences: readonly number[];
  readonly recovered: readonly boolean[];
  readonly errors: readonly number[];
  /** Largest distance of the parts that were timed directly from the step, as a share. */
  readonly unaccounted: number;
}

async function rowOf(index: number, pipeline: Pipeline): Promise<Row> {
  const { delays, workers, prefetch, waits } = pipeline;
  const settings = [await measure(pipeline, 0, 0)];
  if (workers > 0) settings.push(await measure(pipeline, workers, prefetch), await measure(pipeline, 2 * workers, prefetch));
  const work = workIn(settings)!;
  const own = settings[workers > 0 ? 1 : 0];
  const named = bottleneckOf(work, own.setting);
  const differences = STAGES.map((stage) => work[stage] - delays[stage]);
  const whole = (steps: Steps) => wholeOf(steps);
  const errors = tried(settings, work).flatMap((one) => errorOf(one) ?? []);
  const unaccounted = Math.max(
    ...settings.map(({ direct, steps }) => Math.abs((direct!.wait + direct!.copy + direct!.compute) / whole(steps) - 1)),
  );
  const list = (parts: StepWork) => STAGES.map((stage) => parts[stage].toFixed(2)).join(' ');
  const isRight = named === pipeline.bottleneck;
  const text = `| ${index} | ${workers} | ${prefetch} | ${waits ? 'waits' : 'computes'} | ${list(delays)} | ${list(work)} | ${whole(own.steps).toFixed(2)} | ${pipeline.bottleneck} | ${named}${isRight ? '' : ' (wrong)'} | ${(100 * median(errors)).toFixed(1)} % |`;
  const recovered = STAGES.map((stage, i) => Math.abs(differences[i]) <= Math.max(0.5, 0.05 * delays[stage]));
  return { index, text, isRight, differences, recovered, errors, unaccounted };
}

function summary(rows: readonly Row[]): string {
  const differences = rows.flatMap((row) => row.differences.map(Math.abs));
  const recovered = rows.flatMap((row) => row.recovered);
  const errors = rows.flatMap((row) => row.errors);
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  return [
    `bottleneck named: ${rows.filter(({ isRight }) => isRight).length} of ${rows.length}`,
    `delays recovered within 5 % or 0.5 ms: ${recovered.filter(Boolean).length} of ${recovered.length}; half within ${median(differences).toFixed(3)} ms, the worst off by ${Math.max(...differences).toFixed(2)} ms`,
    `predictions tried: ${errors.length}; half off by ${percent(median(errors))} or less, the worst by ${percent(Math.max(...errors))}`,
    `parts timed directly against the step: off by ${percent(median(rows.map(({ unaccounted }) => unaccounted)))} in the middle, ${percent(Math.max(...rows.map(({ unaccounted }) => unaccounted)))} at most`,
  ].join('\n');
}

const [first = 0, count = 40] = process.argv.slice(2, 4).map(Number);
const file = process.argv[4];
const rows: Row[] = file && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
console.log(
  '| no. | workers | prefetch | step | put in: fetch decode copy compute (ms) | found | step (ms) | bottleneck | named | predictions off by |',
);
console.log('|---|---|---|---|---|---|---|---|---|---|');
for (const [index, pipeline] of pipelines(first + count).entries()) {
  if (index < first) continue;
  const row = await rowOf(index, pipeline);
  console.log(row.text);
  rows.push(row);
  if (file) writeFileSync(file, JSON.stringify(rows));
}
console.log(summary(rows));
if (disturbed.length > 0) console.log(`${disturbed.length} rounds were disturbed, the first: ${disturbed[0]}`);
