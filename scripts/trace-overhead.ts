// What recording a trace costs: training steps that are recorded and training steps that are not, by turns. Prints the ratio of their times, with its interval.
//
//   node scripts/trace-overhead.ts [seconds per fresh start, default 2] [fresh starts, default 6] [subject by number, or all] [control]
//
// What is recorded is handed over between the samples, as in a run, and belongs to neither side. Two processes of the same code differ by a per cent or two, by where
// their code and data happen to lie. So on the CPU one process does both: its recorder refuses by turns, and its crew then notes nothing. What that leaves on both
// sides is a function around each verb, and asking. On WebGPU, where a traced queue is another queue, there are pairs of processes.
// With `control` neither side records: the figure should then be 0, and its interval says what the way of measuring can tell apart.

import { fork } from 'node:child_process';
import { type Training, trainingData } from '../framework/exact/training.ts';
import { type Pair, ratioOfForks } from '../harness/statistics.ts';
import type { DeviceKind } from '../kernels/kernel.ts';
import { openDevice } from '../kernels/open.ts';
import { seededRandom } from '../kernels/random.ts';
import { Recorder, startTracing } from '../kernels/span.ts';
import { twoLayer } from '../suites/lecture/start.ts';
import { inEagerStyle, inStaticStyle } from '../suites/train/steps.ts';

const SAMPLE_MS = 25;
const WARM_UP = 8;

interface Subject {
  readonly name: string;
  readonly style: 'static' | 'eager';
  readonly training: Training;
  readonly device: DeviceKind;
  readonly threads?: number;
}

const subject = (style: Subject['style'], sizes: readonly [number, number, number], device: DeviceKind, threads?: number): Subject => ({
  name: `two-layer ${sizes.join('x')}, ${style}, ${device}${threads ? `/${threads}` : ''}`,
  ...{ style, training: twoLayer(...sizes, 16), device, threads },
});

const SUBJECTS: readonly Subject[] = [
  subject('static', [64, 1000, 100], 'cpu', 1),
  subject('eager', [64, 1000, 100], 'cpu', 1),
  subject('static', [512, 1024, 512], 'cpu', 1),
  subject('static', [512, 1024, 512], 'cpu', 2),
  subject('eager', [512, 1024, 512], 'cpu', 2),
  subject('static', [64, 1000, 100], 'webgpu'),
  subject('eager', [64, 1000, 100], 'webgpu'),
];

/** A recorder that can be told to refuse everything. */
class Refusing extends Recorder {
  refuses = false;
  override admits(): boolean {
    return !this.refuses && super.admits();
  }
}

/** The child: starts a training, and times a sample of its steps whenever it is asked. */
async function serve(index: number, isTraced: boolean): Promise<void> {
  const recorder = isTraced ? (startTracing(new Refusing()) as Refusing) : undefined;
  const { style, training, device: kind, threads } = SUBJECTS[index];
  const device = await openDevice(kind, { threads });
  const steps = (style === 'static' ? inStaticStyle : inEagerStyle)(training, trainingData(training, 1), device);
  let calls = 1;
  process.on('message', async (message) => {
    if (message === 'end') {
      await steps.return(undefined);
      await device.close();
      process.exit(0);
    }
    if (recorder) recorder.refuses = message === 'off';
    // One step outside of the sample: in it the crew hears whether it is to note its shares.
    await steps.next();
    recorder?.take();
    const began = performance.now();
    for (let i = 0; i < calls; i++) await steps.next();
    const ms = performance.now() - began;
    const events = recorder?.take().spans.length ?? 0;
    process.send!({ ms: ms / calls, calls, events });
    if (ms < SAMPLE_MS) calls = Math.ceil((calls * SAMPLE_MS) / Math.max(ms, 1));
  });
  process.send!('ready');
}

interface Answer {
  readonly ms: number;
  readonly calls: number;
  readonly events: number;
}

interface Start {
  /** Base is what records, so that a ratio above 1 says how much slower that is. */
  readonly pairs: Pair[];
  /** What each side said last. */
  readonly last: readonly Answer[];
}

/** Pairs of samples of fresh processes. */
async function pairsOf(index: number, seed: number, seconds: number, isControl: boolean): Promise<Start> {
  const modes = SUBJECTS[index].device === 'cpu' ? ['on'] : ['off', isControl ? 'off' : 'on'];
  const children = modes.map((mode) => fork(import.meta.filename, ['serve', String(index), mode]));
  const next = (child: (typeof children)[number]) =>
    new Promise<Answer>((resolve) => child.once('message', (reply) => resolve(reply as Answer)));
  await Promise.all(children.map(next));
  const random = seededRandom(seed);
  const pairs: Pair[] = [];
  const last: Answer[] = [];
  const end = performance.now() + seconds * 1e3;
  for (let round = 0; performance.now() < end || pairs.length < 3; round++) {
    for (const side of random() < 0.5 ? [0, 1] : [1, 0]) {
      const child = children[side] ?? children[0];
      const reply = next(child);
      child.send(side === 1 && !isControl ? 'on' : 'off');
      last[side] = await reply;
    }
    // The first rounds find how many calls a sample has, and let V8 compile.
    if (round >= WARM_UP) pairs.push({ base: last[1].ms, head: last[0].ms });
  }
  for (const child of children) child.send('end');
  return { pairs, last };
}

async function compare(index: number, seconds: number, starts: number, isControl: boolean): Promise<void> {
  const all: Start[] = [];
  for (let seed = 0; seed < starts; seed++) all.push(await pairsOf(index, seed, seconds, isControl));
  const { ratio, low, high, pairs } = ratioOfForks(
    all.map((start) => start.pairs),
    1,
  )!;
  const percent = (ratio: number) => ((ratio - 1) * 100).toFixed(2);
  const interval = low === undefined || high === undefined ? '' : ` [${percent(low)}, ${percent(high)}]`;
  const [off, on] = all[all.length - 1].last;
  const seen = `${off.ms.toFixed(3)} ms a step, ${(on.events / on.calls).toFixed(1)} spans in it`;
  console.log(`${SUBJECTS[index].name}: ${percent(ratio)} %${interval} slower (${starts} fresh starts, ${pairs} pairs; ${seen})`);
}

const [first, ...rest] = process.argv.slice(2);
if (first === 'serve') await serve(Number(rest[0]), rest[1] === 'on');
else {
  const [starts = '6', only = 'all', control] = rest;
  for (const index of only === 'all' ? SUBJECTS.keys() : [Number(only)])
    await compare(index, Number(first ?? 2), Number(starts), control === 'control');
}
