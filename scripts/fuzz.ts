// Reads mutated files with every reader of framework/data: node scripts/fuzz.ts [COUNT] [FIRST SEED] [TARGET..]; exit 1 where one ends in anything but a
// FormatError or what the reader promises. A seed that fails is to be kept in framework/data/fuzz.test.ts.

import { fuzz, fuzzTargets } from '../framework/data/fuzz.ts';

const [count = '10000', first = '0', ...names] = process.argv.slice(2);
const from = Number(first);
for (const target of await fuzzTargets()) {
  if (names.length > 0 && !names.includes(target.name)) continue;
  const began = performance.now();
  const { read, refused, slowestMs, failures } = fuzz(target, from, from + Number(count));
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(
    `${target.name.padEnd(12)} ${read} read, ${refused} refused, ${failures.length} failed, slowest ${slowestMs.toFixed(1)} ms, ${seconds} s in all`,
  );
  for (const { seed, what } of failures.slice(0, 10)) console.log(`  seed ${seed}: ${what}`);
  if (failures.length > 0) process.exitCode = 1;
}
const { rss } = process.memoryUsage();
console.log(`memory at the end: ${Math.round(rss / 2 ** 20)} MiB`);
