// Which decoder is fastest, and how near is it to Pillow's pixels: node scripts/decoders.ts FOLDER [MODULES], of a folder of JPEG photographs. Every arm
// decodes all of them from memory on the thread it is called in; `prepared` is the shorter side to 256 and the middle 224 as well, where the arm can.
// MODULES is a node_modules folder that has the packages to compare with; Pillow is that of python3. Run it with one core: taskset -c 0.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { imageDecoder } from '../framework/data/decode/image.ts';
import { Pipeline } from '../framework/data/transforms/pipeline.ts';
import { standardTransforms } from '../framework/data/transforms/transform.ts';

const [folder, modules] = process.argv.slice(2);
const files = readdirSync(folder)
  .sort()
  .map((name) => readFileSync(join(folder, name)));

type Work = (bytes: Buffer) => unknown;

/** Images a second, the best of five passes; undefined where one is refused. */
async function rate(work: Work): Promise<number | undefined> {
  let best = 0;
  for (let pass = 0; pass < 5; pass++) {
    const began = performance.now();
    for (const file of files) {
      try {
        await work(file);
      } catch {
        return undefined;
      }
    }
    best = Math.max(best, (files.length / (performance.now() - began)) * 1000);
  }
  return best;
}

const shown = (value: number | undefined): string => (value === undefined ? '' : value.toFixed(0)).padStart(8);
async function report(name: string, decode: Work, prepared?: Work): Promise<void> {
  console.log(`${name.padEnd(44)} ${shown(await rate(decode))} ${shown(prepared && (await rate(prepared)))}`);
}

const decode = await imageDecoder();
const pipeline = new Pipeline(standardTransforms(224));
const SIZE = 3 * 224 * 224;
const planes = new Uint8Array(SIZE);
const ours: Work = (bytes) => pipeline.write(pipeline.apply(decode(bytes), Math.random), planes);

// biome-ignore lint/suspicious/noExplicitAny: packages that are not installed with the project have no types here.
type Load = (name: string) => any;
type Arms = readonly (readonly [string, Work, Work?])[];

/** Packages that are looked for in MODULES. Each gives its arms: what decodes, and what prepares. */
const PACKAGES: Readonly<Record<string, (load: Load) => Arms | Promise<Arms>>> = {
  sharp: (load) => {
    const sharp = load('sharp');
    sharp.cache(false);
    sharp.concurrency(1);
    const cut = { left: 16, top: 16, width: 224, height: 224 };
    const prepare = (kernel?: string) => (bytes: Buffer) =>
      sharp(bytes, kernel && { sequentialRead: true })
        .resize(256, 256, { fit: 'outside', ...(kernel && { kernel }) })
        .extract(cut)
        .raw()
        .toBuffer();
    return [
      ['sharp, defaults', (bytes) => sharp(bytes).raw().toBuffer(), prepare()],
      ['sharp, linear, sequential', (bytes) => sharp(bytes, { sequentialRead: true }).raw().toBuffer(), prepare('linear')],
    ];
  },
  '@napi-rs/image': (load) => [['@napi-rs/image (zune-jpeg)', (bytes) => new (load('@napi-rs/image').Transformer)(bytes).rawPixelsSync()]],
  '@cwasm/jpeg-turbo': (load) => [['@cwasm/jpeg-turbo (WebAssembly)', (bytes) => load('@cwasm/jpeg-turbo').decode(bytes)]],
  'jpeg-js': (load) => [['jpeg-js (JavaScript)', (bytes) => load('jpeg-js').decode(bytes, { useTArray: true, formatAsRGBA: false })]],
  '@cornerstonejs/codec-libjpeg-turbo-8bit': async (load) => {
    const module = await load(join(modules, '@cornerstonejs/codec-libjpeg-turbo-8bit/dist/libjpegturbowasm_decode.js'))();
    const decoder = new module.JPEGDecoder();
    return [
      [
        '@cornerstonejs/codec-libjpeg-turbo-8bit',
        (bytes) => {
          decoder.getEncodedBuffer(bytes.length).set(bytes);
          decoder.decode();
          return decoder.getDecodedBuffer();
        },
      ],
    ];
  },
};

/** Pillow's rates, and our pixels against its: the mean absolute difference over all images, and the worst image's. */
function pillow(): void {
  const work = mkdtempSync(join(tmpdir(), 'tilebench-decoders-'));
  const out = join(work, 'pillow.bin');
  const { stdout, status } = spawnSync('/usr/bin/python3', [fileURLToPath(new URL('decoders.py', import.meta.url)), folder, out], {
    encoding: 'utf8',
  });
  if (status !== 0) {
    console.log('Pillow: python3 has none');
    return;
  }
  const [decoded, prepared] = stdout.split(' ').map(Number);
  console.log(`${'Pillow'.padEnd(44)} ${shown(decoded)} ${shown(prepared)}`);
  const theirs = readFileSync(out);
  rmSync(work, { recursive: true });
  const differences = files.map((file, n) => {
    ours(file);
    let sum = 0;
    for (let i = 0; i < SIZE / 3; i++)
      for (let c = 0; c < 3; c++) sum += Math.abs(planes[c * (SIZE / 3) + i] - theirs[n * SIZE + 3 * i + c]);
    return sum / SIZE;
  });
  const mean = differences.reduce((a, b) => a + b, 0) / differences.length;
  console.log(
    `tilebench against Pillow: mean difference ${mean.toFixed(2)} of 255, the worst image ${Math.max(...differences).toFixed(2)}`,
  );
}

console.log(`${`images a second, ${files.length} files`.padEnd(44)} ${'decoded'.padStart(8)} prepared`);
await report('tilebench (@julusian/jpeg-turbo, own resize)', decode, ours);
for (const [name, arms] of Object.entries(PACKAGES)) {
  if (!modules || !existsSync(join(modules, name))) continue;
  const load = createRequire(join(modules, 'any.js'));
  for (const arm of await arms((path) => load(path))) await report(...arm);
}
pillow();
