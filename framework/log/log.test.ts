// What logs write, against a file that TensorBoard's own writer made (fixtures/make.py), and against what they were told.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { crc32c } from '../formats/crc32.ts';
import { gradients } from '../graph/gradients.ts';
import { cond, constant, placeholder, variable, whileLoop } from '../graph/index.ts';
import { refuses, rejection } from '../refuses.ts';
import { graphDefOf } from './graph-def.ts';
import { histogramOf } from './histogram.ts';
import { Log, open } from './index.ts';
import { pngOf } from './png.ts';
import { framed } from './records.ts';
import { csvWriter, eventWriter } from './writers.ts';

const TIME = 1700000000250;

/** A sink that keeps everything. */
function kept() {
  const chunks: Uint8Array[] = [];
  const sink = { write: (bytes: Uint8Array) => void chunks.push(bytes.slice()), close: () => undefined };
  return { sink, bytes: () => Buffer.concat(chunks) };
}

// Nodes without a name are called by their number: this test makes the first ones.
test("event files are TensorBoard's own, byte by byte: version, graph, scalars, histograms", () => {
  const { sink, bytes } = kept();
  const [x, w] = [placeholder([2, 3], 'f32', 'x'), variable([[1], [2], [3]], 'net.0.weight')];
  const log = new Log([eventWriter(sink, TIME)], { now: () => TIME });
  log.graph(x.matmul(w).mul(0.5).sum());
  log.scalar('train/loss', 2.25, 0);
  log.scalar('train/loss', Number.NaN, 1);
  log.scalar('größe/0', 0, 2 ** 40);
  log.histogram('weights', [-1.5, 2, -0.5, 0, 1], 3);
  log.histogram('still', new Float32Array(2), 4);
  log.close();
  const expected = readFileSync(new URL('fixtures/tensorboard.tfevents', import.meta.url));
  assert.is(bytes().toString('hex'), expected.toString('hex'));
});

test('a record is known as damaged by either checksum', () => {
  // Appendix B.4 of RFC 3720 has these checksums.
  assert.is(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.is(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
  const record = framed(new TextEncoder().encode('abc'));
  assert.is(record.length, 19);
  assert.is(new DataView(record.buffer).getBigUint64(0, true), 3n);
});

test('curves as CSV: scalars alone, fields quoted where they must be', () => {
  const { sink, bytes } = kept();
  const log = new Log([csvWriter('a,b', sink)], { now: () => TIME });
  log.scalar('train "loss"', 0.25, 7);
  log.histogram('weights', [1, Number.POSITIVE_INFINITY, Number.NaN], 8);
  log.close();
  const time = '2023-11-14T22:13:20.250Z';
  assert.is(
    bytes().toString(),
    `run,tag,step,time_utc,value\r\n"a,b","train ""loss""",7,${time},0.25\r\n"a,b",weights/not finite,8,${time},2\r\n`,
  );
});

test('a histogram counts every finite value once', () => {
  const values = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i) * 3);
  const { count, min, max, limits, counts, sum, sumOfSquares } = histogramOf(values);
  assert.is(count, 1000);
  assert.equal([min, max], [Math.min(...values), Math.max(...values)]);
  assert.is(limits.at(-1), max);
  const starts = [min, ...limits];
  for (const [i, limit] of limits.entries()) {
    const expected = values.filter((value) => value >= starts[i] && (value < limit || (i === limits.length - 1 && value === max))).length;
    assert.ok(Math.abs(counts[i] - expected) <= 1, `bucket ${i}`);
  }
  assert.is(
    counts.reduce((total, each) => total + each, 0),
    1000,
  );
  assert.ok(Math.abs(sum - values.reduce((total, each) => total + each, 0)) < 1e-9 && sumOfSquares > 0);
  assert.equal(histogramOf([Number.NaN]).count, 0);
  assert.equal(histogramOf([-1e308, 1e308]).counts, [2]);
});

test('an image is a PNG with its pixels', () => {
  const pixels = Uint8Array.from({ length: 150 * 160 * 3 }, (_, i) => (i * 7) & 255);
  const png = Buffer.from(pngOf({ height: 150, width: 160, channels: 3, pixels }));
  const at = png.indexOf('IDAT');
  const rows = inflateSync(png.subarray(at + 4, at + 4 + png.readUInt32BE(at - 4)));
  assert.is(rows.length, 150 * (160 * 3 + 1));
  for (const row of [0, 149]) {
    assert.is(rows[row * 481], 0);
    assert.equal([...rows.subarray(row * 481 + 1, (row + 1) * 481)], [...pixels.subarray(row * 480, (row + 1) * 480)]);
  }
  assert.equal([png.readUInt32BE(16), png.readUInt32BE(20), png[24], png[25]], [160, 150, 8, 2]);
});

test('loops and conditionals are drawn with their subgraphs, every input a node that stands before', () => {
  const w = variable([2, 3], 'w');
  const offset = constant([1, 1], 'offset');
  const [, state] = whileLoop(
    (i) => i.lt(3),
    (i, y) => [i.add(1), y.mul(w)],
    [constant(Int32Array.of(0), 'i', { shape: [] }), offset],
  );
  const chosen = cond(
    state.sum().gt(5),
    () => state.add(offset),
    () => state,
  );
  const drawn = nodesOf(graphDefOf([chosen.sum(), ...gradients(chosen.sum(), [w])]));
  const names = drawn.map(({ name }) => name);
  assert.is(new Set(names).size, names.length);
  for (const [at, { name, inputs }] of drawn.entries())
    for (const input of inputs) assert.ok(names.slice(0, at).includes(input.replace(/:\d+$/, '')), `${name} reads ${input}`);
  const inputsOf = (name: RegExp) => drawn.filter((node) => name.test(node.name)).map(({ inputs }) => inputs);
  assert.equal(inputsOf(/^while_0$/), [['i', 'offset', 'w']]);
  assert.equal(inputsOf(/^while_0\/body\/w$/), [['w']]);
  assert.equal(inputsOf(/^cond_\d\/then\/offset$/)[0], ['offset']);
  assert.equal(inputsOf(/^unwind_\d\/body\/w$/), [['w']]);
});

test('files in a folder: a run of its own each, whole while they grow', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'log-'));
  try {
    const log = await open(folder, { run: 'cnn/seed-1' });
    log.scalar('loss', 1, 0);
    const inside = join(folder, 'cnn', 'seed-1');
    const [events] = readdirSync(inside).filter((name) => /^events\.out\.tfevents\.\d{10}\./.test(name));
    const before = readFileSync(join(inside, events)).length;
    assert.is(readFileSync(join(inside, 'scalars.csv'), 'utf8').split('\r\n').length, 3);
    log.scalar('loss', 0.5, 1);
    assert.ok(readFileSync(join(inside, events)).length > before);
    log.close();
    log.close();
    refuses(() => log.scalar('loss', 0, 2), 'log: it was closed');
    using again = await open(folder, { formats: ['csv'] });
    again.scalar('loss', 0, 2);
    assert.match(await rejection(open(folder, { run: '../elsewhere' })), /RangeError: log: the run '..\/elsewhere' lies outside of/);
    const unknown = 'TypeError: log: there is no format html; there are tensorboard, csv';
    assert.is(await rejection(open(folder, { formats: ['html' as never] })), unknown);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('what is no point of a curve is refused', () => {
  const log = new Log([]);
  refuses(() => log.scalar('', 1, 0), "log: the tag is ''");
  refuses(() => log.scalar('loss', 1, 0.5), 'log: the step of loss is 0.5, expected a whole number from 0');
  refuses(() => log.scalar('loss', '1' as never, 0), 'log: the scalar loss is 1, expected a number');
  refuses(
    () => log.image('digit', { height: 2, width: 2, channels: 1, pixels: new Uint8Array(3) }, 0),
    'log: the image digit has 3 values, expected 2 x 2 pixels of 1',
  );
});

/** Names and inputs of a GraphDef's nodes, read by its field numbers. */
function nodesOf(graph: Uint8Array) {
  const fields = (bytes: Uint8Array) => {
    const found: { field: number; bytes: Uint8Array }[] = [];
    for (let at = 0; at < bytes.length; ) {
      const key = bytes[at++];
      let [length, shift] = [0, 0];
      do {
        length |= (bytes[at] & 0x7f) << shift;
        shift += 7;
      } while (bytes[at++] & 0x80);
      found.push({ field: key >> 3, bytes: bytes.subarray(at, at + length) });
      at += length;
    }
    return found;
  };
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return fields(graph).map(({ bytes }) => {
    const inner = fields(bytes);
    const inputs = inner.filter(({ field }) => field === 3).map(({ bytes }) => text(bytes));
    return { name: text(inner.find(({ field }) => field === 1)!.bytes), inputs };
  });
}

test.run();
