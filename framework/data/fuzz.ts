// Mutated files for every reader: each must end in a FormatError or in what the reader promises, soon, and in nothing else. A case is a target
// and a seed, so that every one can be made again. The test runs 10,000 of each, scripts/fuzz.ts as many as it is told.

import { crc32, deflateSync } from 'node:zlib';
import { seededRandom } from '../../kernels/random.ts';
import { FormatError } from '../formats/array.ts';
import { joined } from '../formats/bytes.ts';
import { type Image, imageDecoder } from './decode/image.ts';
import { fixture, fixtureJson, fromBase64 } from './fixture.ts';
import { cifarPlanes } from './readers/cifar.ts';
import { readTable } from './readers/csv.ts';
import { readIdx } from './readers/idx.ts';
import { readLabelFile } from './readers/label-file.ts';
import { unpacked } from './readers/read-file.ts';
import { indexTar } from './readers/tar.ts';

export interface Target {
  readonly name: string;
  readonly files: readonly Uint8Array[];
  /** Reads bytes, and throws a plain Error where what comes out is not what the reader promises. */
  readonly read: (bytes: Uint8Array) => void;
  /** Makes checksums right again, so that damage gets past them. */
  readonly seal?: (bytes: Uint8Array) => void;
}

const check = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(`a broken promise: ${what}`);
};

const isImage = ({ width, height, pixels }: Image): void =>
  check(pixels.length === width * height * 3, `${pixels.length} bytes for ${width}x${height}`);

/** Right checksums for the chunks of a PNG file, as far as they can be followed. */
function sealPng(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 8; at + 12 <= bytes.length; ) {
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > bytes.length) return;
    view.setUint32(end, crc32(bytes.subarray(at + 4, end)));
    at = end + 4;
  }
}

/** Right checksums for every block of a tar archive that may be a header. */
function sealTar(bytes: Uint8Array): void {
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    if (bytes[at] === 0 || String.fromCharCode(...bytes.subarray(at + 257, at + 262)) !== 'ustar') continue;
    bytes.fill(32, at + 148, at + 156);
    let sum = 0;
    for (let i = at; i < at + 512; i++) sum += bytes[i];
    bytes.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, '0')}\0 `), at + 148);
  }
}

/** A PNG file of 13 bytes of IHDR and the filtered rows after them, with a palette of four colours. */
function pngOf(bytes: Uint8Array): Uint8Array {
  const chunk = (type: string, data: Uint8Array) =>
    Buffer.concat([Buffer.from([0, 0, data.length >> 8, data.length]), Buffer.from(type), data, Buffer.alloc(4)]);
  const rows = deflateSync(bytes.subarray(13), { level: 1 });
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  const parts = [
    chunk('IHDR', bytes.subarray(0, 13)),
    chunk('PLTE', new Uint8Array(12)),
    chunk('IDAT', rows),
    chunk('IEND', new Uint8Array()),
  ];
  const file = Buffer.concat([signature, ...parts]);
  sealPng(file);
  return file;
}

/** Headers with rows that fit them: grey of 1 bit, palette of 2, colour of 8 interlaced, grey with alpha of 16. */
const ROWS = [
  [9, 5, 1, 0, 0, 5 * 3],
  [9, 5, 2, 3, 0, 5 * 4],
  [3, 4, 8, 2, 1, 43],
  [4, 3, 16, 4, 0, 3 * 17],
].map(([width, height, depth, type, interlace, bytes]) =>
  Uint8Array.from([0, 0, 0, width, 0, 0, 0, height, depth, type, 0, 0, interlace, ...new Uint8Array(bytes)]),
);

function readTar(bytes: Uint8Array): void {
  for (const { name, offset, size } of indexTar((from, length) => bytes.subarray(from, from + length), bytes.length)) {
    check(offset + size <= bytes.length, `${name} ends at ${offset + size} of ${bytes.length}`);
    check(!name.startsWith('/') && !name.split('/').includes('..'), `the name ${name}`);
  }
}

/** Every reader with files that other programs wrote. */
export async function fuzzTargets(): Promise<readonly Target[]> {
  const decode = await imageDecoder();
  const pngs = Object.values<{ file: string }>(fixtureJson('png.json')).map(({ file }) => fromBase64(file));
  const tars = ['pax.tar', 'gnu.tar', 'ustar.tar', 'gnutar.tar'].map(fixture);
  const idx = ['images-idx3-ubyte', 'labels-idx1-ubyte'].map(fixture);
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
  return [
    {
      name: 'idx',
      files: idx,
      read: (bytes) => check(readIdx(bytes).values.length === readIdx(bytes).shape.reduce((a, b) => a * b, 1), 'shape'),
    },
    {
      name: 'idx-gzip',
      files: ['images-idx3-ubyte.gz', 'labels-idx1-ubyte.gz'].map(fixture),
      read: (bytes) => void readIdx(unpacked('file', bytes, 2 ** 24)),
    },
    {
      name: 'cifar',
      files: [fixture('cifar.bin')],
      read: (bytes) => check(cifarPlanes([{ name: 'file', bytes }]).length === bytes.length / 3073, 'number of images'),
    },
    {
      name: 'csv',
      files: [fixture('flowers.csv')],
      read: (bytes) => {
        const { features, labels, columns, classes } = readTable(text(bytes));
        check(features.length === labels.length * columns.length && features.every(Number.isFinite), 'features');
        check(
          labels.every((label) => label >= 0 && label < classes.length),
          'labels',
        );
      },
    },
    {
      name: 'labels',
      files: [Buffer.from('file,label,class\na/x.jpg,1,one\nb/y.jpg,0,zero\n')],
      read: (bytes) => {
        const { labels, classes, rows } = readLabelFile(bytes);
        check(
          labels.every((label) => label >= 0 && label < classes.length),
          'labels',
        );
        check(
          rows.every(({ file }) => !file.startsWith('/') && !file.split('/').includes('..')),
          'names',
        );
      },
    },
    { name: 'tar', files: tars, read: readTar },
    { name: 'tar-sealed', files: tars, read: readTar, seal: sealTar },
    {
      name: 'jpeg',
      files: ['colour', 'subsampled', 'progressive', 'grey'].map((name) => fixture(`${name}.jpg`)),
      read: (bytes) => isImage(decode(bytes)),
    },
    { name: 'png', files: pngs, read: (bytes) => isImage(decode(bytes)) },
    { name: 'png-sealed', files: pngs, read: (bytes) => isImage(decode(bytes)), seal: sealPng },
    { name: 'png-rows', files: ROWS, read: (bytes) => isImage(decode(pngOf(bytes))) },
  ];
}

const ODD = [0, 1, 0x7f, 0x80, 0xff, 0x20, 0x2c, 0x22, 0x0a, 0x2f, 0x2e];
const ODD_WORDS = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x10000, 0xffff];

/** The file that a seed makes of one of several: some bytes or bits changed, cut off, left out, doubled, or mixed with another. */
export function mutated({ files, seal }: Target, seed: number): Uint8Array {
  const random = seededRandom(seed);
  const below = (end: number) => Math.floor(random() * end);
  let bytes: Uint8Array = Uint8Array.from(files[below(files.length)]);
  for (let changes = 1 + below(4); changes > 0 && bytes.length > 0; changes--) {
    const at = below(bytes.length);
    const length = 1 + below(Math.min(64, bytes.length - at));
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    const kind = below(8);
    if (kind < 2) bytes[at] ^= 1 << below(8);
    else if (kind === 2) bytes[at] = ODD[below(ODD.length)];
    else if (kind === 3 && at + 4 <= bytes.length)
      new DataView(bytes.buffer).setUint32(at, ODD_WORDS[below(ODD_WORDS.length)], random() < 0.5);
    else if (kind === 4) bytes = before.slice();
    else if (kind === 5) bytes = joined([before, after.subarray(length)]);
    else if (kind === 6) bytes = joined([before, after.subarray(0, length), after]);
    else bytes = joined([before, files[below(files.length)].subarray(at)]);
  }
  seal?.(bytes);
  return bytes;
}

export interface Outcome {
  readonly read: number;
  readonly refused: number;
  readonly slowestMs: number;
  /** Seeds whose files ended in another way, with what happened. */
  readonly failures: readonly { readonly seed: number; readonly what: string }[];
}

/** Milliseconds after which a file of a few kilobytes counts as hung: thousands of times what the slowest takes. */
const LIMIT_MS = 10_000;

/** Reads the files of seeds from `from` to before `to`. */
export function fuzz(target: Target, from: number, to: number): Outcome {
  let [read, refused, slowestMs] = [0, 0, 0];
  const failures: { seed: number; what: string }[] = [];
  for (let seed = from; seed < to; seed++) {
    const bytes = mutated(target, seed);
    const began = performance.now();
    try {
      target.read(bytes);
      read++;
    } catch (error) {
      if (error instanceof FormatError && /^\S.*\S$/.test(error.message)) refused++;
      else failures.push({ seed, what: `${(error as Error).name}: ${(error as Error).message}` });
    }
    const ms = performance.now() - began;
    slowestMs = Math.max(slowestMs, ms);
    if (ms > LIMIT_MS) failures.push({ seed, what: `it took ${ms.toFixed(0)} ms` });
  }
  return { read, refused, slowestMs, failures };
}
