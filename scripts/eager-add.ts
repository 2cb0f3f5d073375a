// What an eager op costs before there is much to compute: `add` of 10 elements on the CPU, by itself and recorded for a gradient. `node scripts/eager-add.ts`

import { close, open, type Tensor, tensor } from '../framework/index.ts';

const CALLS = 20_000;
const ROUNDS = 15;

const device = await open('cpu', { threads: 2 });
const values = Float32Array.from({ length: 10 }, (_, i) => i);
const [x, y] = [tensor(values), tensor(values)];
const leaf = tensor(values, { requiresGrad: true });

/** Median microseconds of a call, over rounds of many, after as many to warm up. */
function microseconds(call: () => Tensor): number {
  const round = () => {
    const start = performance.now();
    for (let i = 0; i < CALLS; i++) call().dispose();
    return ((performance.now() - start) / CALLS) * 1000;
  };
  for (let i = 0; i < 5; i++) round();
  const times = Array.from({ length: ROUNDS }, round).sort((a, b) => a - b);
  return times[ROUNDS >> 1];
}

for (const [name, call] of [
  ['add of two tensors', () => x.add(y)],
  ['add of a number', () => x.add(2)],
  ['recorded add', () => leaf.add(y)],
] as const)
  console.log(`${name.padEnd(20)} ${microseconds(call).toFixed(2)} us`);
await close(device);
