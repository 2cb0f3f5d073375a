import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ChoiceTarget, choose, kernelsFor } from '../catalog.ts';
import { apply, input, scalar } from '../expression.ts';
import type { DeviceKind, Tunables } from '../kernel.ts';
import { conv2d, matmul, type Problem, pointwise, random } from '../problem.ts';
import { activeTable, shippedTable, useTable } from './active.ts';
import { codeVersion, type Machine, machineOf, type TunedEntry } from './entry.ts';
import { bucketKey, distance, placeOf, problemKey } from './problem-key.ts';
import { invalidate, REACH, TunedTable } from './table.ts';

const here: ChoiceTarget = {
  kind: 'cpu',
  name: 'Some Processor 9000',
  features: new Set(['simd', 'relaxed-simd', 'threads']),
  limits: { threads: 2, l1Bytes: 32768, l2Bytes: 2 ** 20, l3Bytes: 2 ** 25 },
  identity: { name: 'Some Processor 9000', vendor: 'some', architecture: 'x64', runtime: 'node 24.21.0' },
};
const kernelNamed = (name: string, op: Problem['op'] = 'matmul') => kernelsFor(op, 'cpu').find((kernel) => kernel.name === name)!;

/** A line for a kernel with its defaults for the problem on a machine like `here`. */
function line(
  problem: Problem,
  name: string,
  seconds: number,
  changes: Partial<TunedEntry> = {},
  machine: Partial<Machine> = {},
): TunedEntry {
  const kernel = kernelNamed(name, problem.op);
  const tunables: Tunables = changes.tunables ?? kernel.defaults(problem, here);
  const on = { ...machineOf(here), ...machine };
  const code = codeVersion(kernel, problem, tunables, { features: new Set(on.features), limits: here.limits });
  return { machine: on, problem, kernel: name, tunables, code, seconds, ...changes };
}
const problem = matmul({ m: 96, n: 96, k: 96 });
const chosen = (entries: readonly TunedEntry[], of: Problem = problem, on = here): string => {
  const { kernel, source } = choose(of, on, { table: new TunedTable(entries) });
  return `${kernel.name} ${source}`;
};
const unasked = chosen([]);

test('without a line that holds, a kernel takes its defaults', () => assert.is(unasked, 'direct default'));

test('the fastest of the measured kernels is taken, where the one that would be chosen was measured beside it', () => {
  assert.is(chosen([line(problem, 'direct', 2e-5), line(problem, 'packed', 1e-5)]), 'packed exact');
  assert.is(chosen([line(problem, 'direct', 1e-5), line(problem, 'packed', 2e-5)]), 'direct exact');
  assert.is(chosen([line(problem, 'packed', 1e-5)]), unasked, 'packed alone says nothing about direct');
  const held = line(problem, 'packed', 1e-5, { constants: ['B'] });
  assert.is(chosen([held, line(problem, 'direct', 2e-5, { constants: ['B'] })]), 'direct exact', 'measured under other conditions');
});

test('levels follow each other from this problem on this device to what holds everywhere', () => {
  const near = matmul({ m: 96, n: 128, k: 96 });
  const lines = {
    exact: line(problem, 'direct', 1e-5),
    runtime: line(problem, 'direct', 1e-5, {}, { runtime: 'node 24.22.1' }),
    nearest: line(near, 'direct', 1e-5),
    architecture: line(problem, 'direct', 1e-5, {}, { name: 'Another Processor' }),
    vendor: line(problem, 'direct', 1e-5, {}, { name: 'Yet another', architecture: 'arm64' }),
    portable: line(problem, 'direct', 1e-5, {}, { name: undefined, vendor: undefined, architecture: undefined, runtime: undefined }),
  };
  const order = Object.keys(lines) as (keyof typeof lines)[];
  for (const [i, level] of order.entries()) {
    const rest = order.slice(i).map((name) => lines[name]);
    assert.is(chosen(rest), `direct ${level}`);
    assert.is(chosen(rest.toReversed()), `direct ${level}`, 'the order of lines does not matter');
  }
  assert.is(chosen([line(problem, 'direct', 1e-5, {}, { name: 'Yet another', vendor: 'else' })]), unasked);
});

test('what was measured under other conditions is left out: features, a runtime of another generation, code that has changed', () => {
  assert.is(chosen([line(problem, 'direct', 1e-5, {}, { features: ['simd'] })]), unasked);
  assert.is(chosen([line(problem, 'direct', 1e-5, {}, { runtime: 'node 23.9.0' })]), unasked);
  assert.is(chosen([line(problem, 'direct', 1e-5, { code: '0123456789abcdef' })]), unasked);
});

test('a line is checked against the kernel and the device before it is followed', () => {
  const tunables = line(problem, 'direct', 1).tunables;
  const broken = (changes: Tunables) => line(problem, 'direct', 1e-5, { tunables: { ...tunables, ...changes }, code: 'x' });
  assert.is(chosen([broken({ MR: 7 })]), unasked, 'no such value');
  assert.is(chosen([broken({ MR: 8, NR: 16 })]), unasked, 'a constraint');
  assert.is(chosen([broken({ WG: 64 })]), unasked, 'no such tunable');
  assert.is(chosen([{ ...line(problem, 'direct', 1e-5), kernel: 'gone' }]), unasked);
  // The next best takes the place of a line that does not hold.
  const near = line(matmul({ m: 96, n: 128, k: 96 }), 'direct', 1e-5);
  assert.is(chosen([broken({ MR: 7 }), near]), 'direct nearest');
});

test('an entry that failed is left out for the rest of the process', () => {
  const [entry, other] = [line(problem, 'direct', 1e-5), line(matmul({ m: 96, n: 128, k: 96 }), 'direct', 1e-5)];
  const table = new TunedTable([entry, other]);
  assert.is(choose(problem, here, { table }).source, 'exact');
  invalidate(entry);
  assert.is(choose(problem, here, { table }).source, 'nearest');
  invalidate(other);
  assert.is(choose(problem, here, { table }).source, 'default');
});

test('the nearest problem is the one that differs least, and one too far away says nothing', () => {
  const at = (m: number, n: number, k: number, NB = 192) => {
    const of = matmul({ m, n, k });
    return line(of, 'direct', 1e-5, { tunables: { ...kernelNamed('direct').defaults(of, here), NB } });
  };
  const table = new TunedTable([at(96, 96, 512, 48), at(96, 96, 128, 96), at(1024, 1024, 96, 384)]);
  assert.is(choose(problem, here, { table }).tunables.NB, 96);
  assert.is(choose(matmul({ m: 96, n: 96, k: 400 }), here, { table }).tunables.NB, 48);
  assert.is(choose(matmul({ m: 8, n: 8, k: 8 }), here, { table }).source, 'default');
  const transposed = matmul({ m: 96, n: 96, k: 96, transposeA: true });
  assert.is(choose(transposed, here, { table }).source, 'default', 'another class');
});

test('where nothing beat the defaults of the nearest problem, a problem goes by its own', () => {
  const [near, own] = [600, 900].map((k) => matmul({ m: 200, n: 8, k, transposeA: true }));
  const packed = kernelNamed('packed');
  const [before, expected] = [near, own].map((of) => packed.defaults(of, here));
  assert.is.not(before.KC, expected.KC, 'the two problems have different defaults');
  const choice = (tunables: Tunables) =>
    choose(own, here, { kernel: 'packed', table: new TunedTable([line(near, 'packed', 1e-5, { tunables })]) });
  assert.equal([choice(before).source, choice(before).tunables], ['nearest', expected]);
  const better = { ...before, MC: 96 };
  assert.equal(choice(better).tunables, better, 'what was better is carried over');
});

test('how work is shared does not carry over to another number of threads', () => {
  const large = matmul({ m: 512, n: 512, k: 512 });
  const alone = line(large, 'packed', 1e-3, {}, { threads: 1 });
  const on = line(large, 'packed', 1e-3, { tunables: { ...alone.tunables, THREADS: 1, TASKS: 6, KC: 256 } }, { threads: 1 });
  const { source, tunables } = choose(large, here, { kernel: 'packed', table: new TunedTable([on]) });
  assert.is(source, 'architecture');
  assert.equal([tunables.THREADS, tunables.KC], [0, 256]);
});

test('a deterministic device goes by the shipped table alone', () => {
  const before = activeTable();
  const learnt = new TunedTable([line(problem, 'direct', 2e-5), line(problem, 'packed', 1e-5)]);
  try {
    useTable(shippedTable.with(learnt));
    assert.is(choose(problem, here).kernel.name, 'packed');
    assert.is(choose(problem, { ...here, deterministic: true }).source, 'default');
  } finally {
    useTable(before);
  }
});

test('keys: the order of fields does not matter, nor what changes nothing about the speed', () => {
  const { op, ...fields } = conv2d({ input: [1, 4, 9, 9], filter: [8, 4, 3, 3] });
  const reversed = Object.fromEntries(Object.entries(fields).reverse()) as typeof fields;
  assert.is(problemKey({ op, ...reversed }), problemKey({ op, ...fields }));
  assert.is.not(problemKey({ op, ...fields }), problemKey({ op, ...fields, batch: 2 }));
  const scaled = (by: number) => pointwise({ shape: [8], inputs: [{}], expression: apply('mul', input(0), scalar(0)), scalars: [by] });
  assert.is(problemKey(scaled(2)), problemKey(scaled(3)));
  const drawn = (seed: number) => random({ distribution: 'normal', elements: 100, seed });
  assert.is(problemKey(drawn(1)), problemKey(drawn(2)));
  assert.is(problemKey(matmul({ m: 4, n: 4, k: 4, alpha: 2 })), problemKey(matmul({ m: 4, n: 4, k: 4 })));
});

test('distance: 0 to itself, symmetric, a factor in one size within reach, ragged sizes further apart', () => {
  const place = (m: number, n = 96, k = 96) => placeOf(matmul({ m, n, k }));
  assert.is(distance(place(96), place(96)), 0);
  assert.ok(Math.abs(distance(place(96), place(200)) - distance(place(200), place(96))) < 1e-12);
  assert.ok(distance(place(96), place(192)) < REACH);
  assert.ok(distance(place(96), place(960)) > REACH);
  assert.ok(distance(place(96), place(97)) > distance(place(96), place(100)));
  assert.is(distance(place(96), placeOf(matmul({ m: 96, n: 96, k: 96, dtype: 'f16' }))), Number.POSITIVE_INFINITY);
});

test('buckets: sizes within a power of √2 of each other, if both divide by four', () => {
  const bucket = (m: number) => bucketKey(matmul({ m, n: 64, k: 64 }));
  assert.is(bucket(64), bucket(60));
  assert.is.not(bucket(64), bucket(61));
  assert.is.not(bucket(64), bucket(68));
  assert.is(bucket(76), bucket(88));
});

test('every shipped line names a kernel and tunables that exist, and holds on the machine it is from', () => {
  for (const { problem, machine, kernel: name, tunables } of shippedTable.entries) {
    const kernel = kernelsFor(problem.op, machine.kind as DeviceKind).find((each) => each.name === name);
    assert.ok(kernel, name);
    for (const [knob, value] of Object.entries(tunables)) assert.ok(kernel.tunables[knob]?.includes(value), `${name}: ${knob}=${value}`);
    assert.equal(Object.keys(tunables).sort(), Object.keys(kernel.tunables).sort(), `${name}: a value for every tunable`);
  }
});

test.run();
