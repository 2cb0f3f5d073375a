import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fuzz, fuzzTargets, mutated } from './fuzz.ts';

/** Seeds that once ended in something else than a FormatError of one line. */
const KEPT: Readonly<Record<string, readonly number[]>> = {
  // A line break inside a column's name came out in the message.
  csv: [369],
};

const COUNT = 10_000;

for (const target of await fuzzTargets())
  test(`${target.name}: mutated files end in a FormatError of one line, or in what the reader promises`, () => {
    const { read, refused, failures } = fuzz(target, 0, COUNT);
    assert.equal(failures, []);
    for (const seed of KEPT[target.name] ?? []) assert.equal(fuzz(target, seed, seed + 1).failures, [], `seed ${seed}`);
    assert.is(read + refused, COUNT);
    assert.ok(read > 0 && refused > 0, `${read} read and ${refused} refused: mutations are neither all harmless nor all fatal`);
  });

test('the files as they are can be read', async () => {
  for (const { files, read } of await fuzzTargets()) for (const file of files) read(file);
});

test('a reader that breaks is caught, with its seed', async () => {
  const broken = {
    name: 'broken',
    files: [Uint8Array.of(1, 2, 3)],
    read: (bytes: Uint8Array) => {
      if (bytes[0] !== 1) throw new TypeError('undefined is not a function');
    },
  };
  const { failures } = fuzz(broken, 0, 50);
  assert.ok(failures.length > 0);
  assert.match(failures[0].what, /TypeError: undefined is not a function/);
  assert.equal(mutated(broken, failures[0].seed), mutated(broken, failures[0].seed), 'the seed makes the same file again');
});

test.run();
