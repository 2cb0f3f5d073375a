// Soak: thousands of training steps of the lecture's two-layer net, to see that nothing grows. `node scripts/soak.ts [eager|static] [steps] [threads]`
//
// After the first 100 steps: live buffers, device bytes and pages of WebAssembly memory must stay the same, the heap after a forced collection within 1 MB,
// resident memory within 5 %. Exits with 1 where one does not.
//
// V8 doubles its young generation whenever as much as it holds has survived collections of it, in any program that allocates, and its pages count as resident
// when they are touched first. So that this is not taken for ours, the steps run under a young generation of fixed size, that garbage has passed through before.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { close, graph, mseLoss, nn, open, optim, scope, type Tensor, uniform } from '../framework/index.ts';
import type { CpuDevice } from '../kernels/cpu/device.ts';

const [BATCH, INPUTS, HIDDEN, OUTPUTS] = [64, 1000, 100, 10];
const WARM_UP = 100;

const [style = 'eager', stepsText = '10000', threadsText = '2'] = process.argv.slice(2);
const [steps, threads] = [Number(stepsText), Number(threadsText)];
if (!['eager', 'static'].includes(style) || !(steps > WARM_UP) || !(threads >= 1)) {
  console.error(`soak: got ${process.argv.slice(2).join(' ')}, expected: [eager|static] [steps above ${WARM_UP}] [threads]`);
  process.exit(2);
}

const FIXED_YOUNG_GENERATION = ['--min-semi-space-size=16', '--max-semi-space-size=16'];
if (!FIXED_YOUNG_GENERATION.every((flag) => process.execArgv.includes(flag))) {
  const { status } = spawnSync(
    process.execPath,
    [...FIXED_YOUNG_GENERATION, fileURLToPath(import.meta.url), style, stepsText, threadsText],
    { stdio: 'inherit' },
  );
  process.exit(status ?? 1);
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const device = (await open('cpu', { threads })) as CpuDevice;
const probe = device.alloc(4);

/** What may grow, each with its bound: the largest difference allowed to what it was after the warm-up, as a share of it or in its unit. */
interface Amounts {
  readonly 'live buffers': number;
  readonly 'device bytes': number;
  readonly 'wasm pages': number;
  readonly 'heap MB': number;
  readonly 'resident MB': number;
}
const bounds: Record<keyof Amounts, (before: number) => number> = {
  'live buffers': () => 0,
  'device bytes': () => 0,
  'wasm pages': () => 0,
  'heap MB': () => 1,
  'resident MB': (before) => 0.05 * before,
};

function amounts(): Amounts {
  const { liveBuffers, liveBytes } = device.memory();
  collect();
  const { heapUsed, rss } = process.memoryUsage();
  return {
    'live buffers': liveBuffers,
    'device bytes': liveBytes,
    'wasm pages': device.view(probe).buffer.byteLength / 65536,
    'heap MB': heapUsed / 1e6,
    'resident MB': rss / 1e6,
  };
}

const x = uniform([BATCH, INPUTS], { seed: 1 });
const y = uniform([BATCH, OUTPUTS], { seed: 2 });
const net = new nn.Sequential(new nn.Linear(INPUTS, HIDDEN), nn.relu(), new nn.Linear(HIDDEN, OUTPUTS, { seed: 1 }));

/** One training step of each style. */
async function stepper(): Promise<() => unknown> {
  if (style === 'eager') {
    const optimizer = new optim.Sgd(net.parameters(), { lr: 1e-3, momentum: 0.9 });
    return () =>
      scope(() => {
        optimizer.zeroGrad();
        mseLoss(net.forward(x), y).backward();
        optimizer.step();
      });
  }
  const nodes = await nn.inGraph(net);
  const [input, target] = [graph.placeholder(x.shape), graph.placeholder(y.shape)];
  const loss = mseLoss(nodes.forward(input), target);
  const step = new graph.GradientDescent({ rate: 1e-3, momentum: 0.9 }).minimize(loss, nodes.parameters);
  const session = new graph.Session();
  const host = async (tensor: Tensor) => (await tensor.read()) as Float32Array<ArrayBuffer>;
  const feeds: [typeof input, Float32Array<ArrayBuffer>][] = [
    [input, await host(x)],
    [target, await host(y)],
  ];
  return () => session.run(step, feeds);
}

/** Allocates without keeping anything, until every page of the young generation was touched. */
function touchYoungGeneration(): void {
  let last: object | undefined;
  for (let i = 0; i < 4e6; i++) last = { i, last: undefined };
  if (!last) throw new Error('nothing was allocated');
}

const step = await stepper();
touchYoungGeneration();
for (let i = 0; i < WARM_UP; i++) await step();
const [before, start] = [amounts(), performance.now()];
for (let i = WARM_UP; i < steps; i++) await step();
const seconds = (performance.now() - start) / 1000;
const after = amounts();

console.log(`${style}, ${threads} threads: ${steps} steps, ${((seconds / (steps - WARM_UP)) * 1e6).toFixed(0)} us a step`);
let grown = 0;
for (const name of Object.keys(bounds) as (keyof Amounts)[]) {
  const [difference, bound] = [after[name] - before[name], bounds[name](before[name])];
  const isWithin = Math.abs(difference) <= bound;
  if (!isWithin) grown++;
  const text = (value: number) => (Number.isInteger(value) ? `${value}` : value.toFixed(2));
  console.log(
    `${name.padEnd(13)} ${text(before[name])} after ${WARM_UP} steps, ${text(after[name])} after ${steps}: ${isWithin ? 'within' : 'NOT within'} ${text(bound)}`,
  );
}
await close(device);
process.exitCode = grown === 0 ? 0 : 1;
