// The dataload suite: where the time of a training step goes when batches come from storage: fetch, decode, copy or compute? By the differential method:
// the same steps with the batch on the device, copied from the host, loaded from memory, read cold (see dataload/analysis.ts).

import { DATASETS } from '../framework/data/index.ts';
import { type Case, type FunctionArm, type Request, type Suite, UsageError } from '../harness/suite.ts';
import { coldRefusal, type DataOptions, DELAYS, SYNTHETIC, sampleBytes } from './dataload/data.ts';
import type { Delays } from './dataload/delays.ts';
import { coldBatches } from './dataload/feed.ts';
import { MODELS } from './dataload/step.ts';
import { verdict } from './dataload/verdict.ts';
import { COLD_CALLS, WAYS, workOf } from './dataload/work.ts';
import { countOf, listOf } from './options.ts';

const BATCH = 16;
const IMAGE = 224;
const QUICK_IMAGE = 96;
const MOST_WORKERS = 64;
/** Pixels of a step that a software adapter trains on in a time that is worth the wait. */
const SOFTWARE_PIXELS = 16 * 128 * 128;

/** Whole numbers from 0, with commas between. */
function numbersOf({ options }: Request, option: string, fallback: readonly number[], most: number): readonly number[] {
  const given = options[option];
  if (typeof given !== 'string') return fallback;
  const values = given.split(',').map(Number);
  const wrong = values.findIndex((value) => !(Number.isInteger(value) && value >= 0 && value <= most));
  if (wrong >= 0)
    throw new UsageError(`--${option}: '${given.split(',')[wrong]}' is no whole number from 0 to ${most}; expected some, such as 0,1,2`);
  return [...new Set(values)];
}

/** Milliseconds of a batch: `fetch=5,decode=10,copy=1,compute=8`. */
function delaysOf({ options }: Request): Delays {
  const delays = { fetch: 4, decode: 6, copy: 1, compute: 8 };
  const given = options.delays;
  if (typeof given !== 'string') return delays;
  for (const item of given.split(',')) {
    const [stage, value] = item.split('=').map((part) => part.trim());
    if (!(stage in delays) || !(Number(value) >= 0 && Number(value) <= 1e4))
      throw new UsageError(
        `--delays: '${item}' is none of fetch, decode, copy, compute with milliseconds; expected such as fetch=5,decode=10`,
      );
    delays[stage as keyof Delays] = Number(value);
  }
  return delays;
}

function dataOf(request: Request): DataOptions {
  const { data = 'synthetic' } = request.options;
  const image = countOf(request, 'image') ?? (request.quick ? QUICK_IMAGE : IMAGE);
  return { data: String(data), batch: countOf(request, 'batch') ?? BATCH, image, delays: delaysOf(request) };
}

/** No workers always, since the work of each part is found by that; a prefetch needs workers. */
function settingsOf(request: Request): { workers: number; prefetch: number }[] {
  const workers = numbersOf(request, 'workers', request.quick ? [0, 1] : [0, 1, 2], MOST_WORKERS);
  const prefetch = numbersOf(request, 'prefetch', request.quick ? [2] : [0, 1, 4], 1024);
  const some = workers.filter((count) => count > 0).flatMap((count) => prefetch.map((ahead) => ({ workers: count, prefetch: ahead })));
  return [{ workers: 0, prefetch: 0 }, ...some];
}

function cases(request: Request): Case[] {
  if (request.shapes !== undefined) throw new UsageError('--shapes: dataload goes by --image, --batch and --data');
  const { devices, threads, seed } = request;
  const [model] = listOf(request, 'model', MODELS, ['small-cnn']);
  const data = dataOf(request);
  const isDelayed = data.data === DELAYS;
  const title = data.data.split(/[\\/]/).findLast(Boolean);
  const isResized = !isDelayed && (data.data === SYNTHETIC || !DATASETS.includes(data.data));
  const name = isDelayed ? DELAYS : [title, model, ...(isResized ? [`${data.image}px`] : []), `b${data.batch}`].join('/');
  const isLarge = isResized && (model === 'resnet18' || data.batch * data.image ** 2 > SOFTWARE_PIXELS);
  let known: Promise<number> | undefined;
  const sample = () => (known ??= sampleBytes(data));
  const places = devices.flatMap((device) => (device === 'cpu' && !isDelayed ? threads : [undefined]).map((count) => ({ device, count })));
  return settingsOf(request).flatMap((setting) => {
    const refusal = coldRefusal(data, coldBatches(setting, COLD_CALLS));
    return places.map(({ device, count }): Case => {
      const place = count === undefined ? device : `${device}/${count}`;
      const arms = WAYS.map(
        (way): FunctionArm => ({
          name: `${way}@${place}`,
          device,
          threads: count,
          // The loader's batches, one that stays, and the device's.
          bytes: async () => data.batch * (await sample()) * (setting.prefetch + 3),
          refuses: ({ limits }) => {
            if (way === 'cold' && refusal !== undefined) return refusal;
            return limits.softwareAdapter && isLarge && request.options.image === undefined
              ? 'a software adapter takes seconds for a step on images of this size; ask for it by --image'
              : undefined;
          },
          make: () => workOf(way, { ...data, ...setting, model, seed, device, threads: count, isCold: refusal === undefined }),
        }),
      );
      return {
        name: `dataload/${name}/w${setting.workers}${setting.workers > 0 ? `p${setting.prefetch}` : ''}/${place}`,
        arms,
        dtype: 'f32',
        items: { name: 'images', count: data.batch },
        loops: [],
        extra: { ...setting },
      };
    });
  });
}

const suite: Suite = {
  name: 'dataload',
  question: 'Where does the time of a training step go when its batches are loaded: fetch, decode, copy or compute, and what would help?',
  options: [
    {
      flags: '--data <name>',
      description: 'synthetic (pictures made here), mnist, cifar10, a folder or archive of images; delays: a test pipeline',
    },
    { flags: '--model <name>', description: MODELS.join(' or ') },
    { flags: '--workers <list>', description: 'threads that load (default: 0,1,2; 0 is always among them)' },
    { flags: '--prefetch <list>', description: 'batches that workers may be ahead (default: 0,1,4)' },
    { flags: '--batch <count>', description: 'images of a step (default: 16)' },
    { flags: '--image <pixels>', description: "an image's side after its transforms (default: 224)" },
    { flags: '--delays <list>', description: 'of the test pipeline, milliseconds of a batch: fetch=4,decode=6,copy=1,compute=8' },
  ],
  cases,
  verdict,
};

export default suite;
