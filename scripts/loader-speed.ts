// How fast photographs become batches: our loader against PyTorch's with Pillow, in turns on the same files. `node scripts/loader-speed.ts FOLDER [workers] [rounds] [passes]`
//
// A sample is `passes` passes over the folder in one epoch, decoded, shorter side to 256, the middle 224, f32 in batches of 32. Both keep their workers between
// samples, and make nothing ahead of them. The first batches are compared pixel by pixel before anything is timed.

import { DataLoader, openDataset, subset } from '../framework/data/index.ts';
import { centerCrop, resize, toTensor } from '../framework/data/transforms/transform.ts';
import { type LoaderCase, meansOf } from '../harness/peers/loader.ts';
import { torch } from '../harness/peers/torch.ts';
import { median } from '../harness/statistics.ts';
import { seededRandom, shuffled } from '../kernels/random.ts';

const [BATCH, SHORTER, SIZE] = [32, 256, 224];
const [folder, workersText = '2', roundsText = '9', passesText = '3'] = process.argv.slice(2);
const [workers, rounds, passes] = [Number(workersText), Number(roundsText), Number(passesText)];
if (!folder || !(workers >= 0) || !(rounds >= 1) || !(passes >= 1)) {
  console.error(`loader-speed: got ${process.argv.slice(2).join(' ')}, expected: FOLDER [workers] [rounds] [passes]`);
  process.exit(2);
}

const photos = await openDataset(folder, { transforms: [resize(SHORTER), centerCrop(SIZE), toTensor()] });
const indices = Array.from({ length: photos.length * passes }, (_, i) => i % photos.length);
await using loader = new DataLoader(subset(photos, indices), { batchSize: BATCH, workers, prefetch: 2 * workers });

/** Nanoseconds of a pass by our loader, and its first batch where that is wanted. */
async function ours(first?: (values: Float32Array) => void): Promise<number> {
  const began = performance.now();
  for await (const batch of loader.read(0)) if (batch.number === 0) first?.(Float32Array.from(batch.arrays.image.values));
  return (performance.now() - began) * 1e6;
}

let mine = new Float32Array();
await ours((values) => {
  mine = Float32Array.from(values);
});
const asked: LoaderCase = {
  kind: 'loader',
  files: indices.map((index) => photos.nameOf?.(index) as string),
  batch: BATCH,
  shorter: SHORTER,
  size: SIZE,
  workers,
  prefetch: 2,
  means: meansOf(mine, BATCH),
};
const peer = await torch.open({ load: () => undefined, version: () => '' }, { threads: 1 });
const { configuration: _, ...versions } = peer.versions();
console.log(JSON.stringify(versions));
const run = await peer.prepare(asked, {});
await run.run();
const theirs = await run.read();
const difference = mine.reduce((sum, value, i) => sum + Math.abs(value - theirs[i]), 0) / mine.length;
console.log(`first batch: mean difference ${(difference * 255).toFixed(3)}/255`);
if (!(difference <= 2 / 255))
  throw new Error(`the arms do not load the same pictures: mean difference ${difference * 255}/255, expected at most 2`);

const random = seededRandom(1);
const rates = { ours: [] as number[], torch: [] as number[] };
const arms = { ours: () => ours(), torch: () => run.time!(1) };
loader.forget();
for (let round = 0; round < rounds; round++)
  for (const arm of shuffled(['ours', 'torch'] as const, random)) rates[arm].push((indices.length / (await arms[arm]())) * 1e9);
await peer.close();

const ratios = rates.ours.map((rate, i) => rate / rates.torch[i]);
const told = (values: number[], digits: number) =>
  `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)})`;
console.log(`ours:  ${told(rates.ours, 0)} images/s with ${workers} workers`);
console.log(`torch: ${told(rates.torch, 0)} images/s with ${workers} workers`);
console.log(`ratio: ${told(ratios, 3)} over ${rounds} rounds of ${indices.length} images`);
const { samples, fetchNs, decodeNs, transformNs, otherNs, occupancy } = loader.report();
const each = (ns: number) => `${(ns / samples / 1e6).toFixed(3)} ms`;
console.log(
  `ours, an image: fetch ${each(fetchNs)}, decode ${each(decodeNs)}, transform ${each(transformNs)}, other ${each(otherNs)}; queue ${occupancy}`,
);
