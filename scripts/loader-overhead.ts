// What the loader itself costs: batches of 64 images of MNIST's size from memory, where a sample is a copy of 784 bytes. `node scripts/loader-overhead.ts [epochs]`

import { ArrayDataset, DataLoader } from '../framework/data/index.ts';
import { median } from '../harness/statistics.ts';

const epochs = Number(process.argv[2] ?? 7);
const images = 60_000;
const digits = new ArrayDataset({
  image: { dtype: 'u8', shape: [images, 1, 28, 28], values: Uint8Array.from({ length: images * 784 }, (_, i) => i) },
  label: { dtype: 'i32', shape: [images], values: Int32Array.from({ length: images }, (_, i) => i % 10) },
});

for (const workers of [0, 1, 2]) {
  await using loader = new DataLoader(digits, { batchSize: 64, shuffle: true, workers });
  const rates: number[] = [];
  // The first epoch starts threads and compiles.
  for (let epoch = 0; epoch <= epochs; epoch++) {
    const began = performance.now();
    for await (const _ of loader.read(epoch));
    if (epoch > 0) rates.push((images / (performance.now() - began)) * 1000);
  }
  const range = `${Math.min(...rates).toFixed(0)} to ${Math.max(...rates).toFixed(0)}`;
  console.log(`workers ${workers}: ${median(rates).toFixed(0)} images/s (${range} over ${epochs} epochs)`);
}
