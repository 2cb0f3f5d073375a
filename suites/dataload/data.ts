// Where the samples come from: a data set by its name or path, or the test pipeline; and whether it has files of its own that could be read cold.

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { dataFolder } from '../../framework/data/data-folder.ts';
import { type Dataset, openDataset } from '../../framework/data/index.ts';
import { listImages } from '../../framework/data/readers/list-images.ts';
import { sizeOf } from '../../framework/shape.ts';
import { UsageError } from '../../harness/suite.ts';
import { type Delays, delayedDataset, roundsFor } from './delays.ts';

export interface DataOptions {
  /** `mnist`, `synthetic`, a path, or `delays`. */
  readonly data: string;
  readonly batch: number;
  /** Pixels of an image's side, where it is resized. */
  readonly image: number;
  /** Of the test pipeline. */
  readonly delays: Delays;
  /** Threads that load: beside them the test pipeline computes otherwise. */
  readonly workers?: number;
}

export interface OpenData {
  readonly dataset: Dataset & { readonly classes: readonly string[] };
  /** The file of each sample; undefined where samples are no files. */
  readonly files?: readonly string[];
}

export const DELAYS = 'delays';
export const SYNTHETIC = 'synthetic';
const SYNTHETIC_COUNT = 256;
const DELAYED_SAMPLES = 4096;

/** Opens the data; `isCold` says whether the test pipeline has its fetch delay. Rejects with an error that names the file. */
export async function openData({ data, batch, image, delays, workers = 0 }: DataOptions, isCold: boolean): Promise<OpenData> {
  if (data === DELAYS) {
    const own = isCold ? delays : { ...delays, fetch: 0 };
    return { dataset: delayedDataset({ delays: own, rounds: roundsFor(workers), batch, length: DELAYED_SAMPLES }) };
  }
  const dataset = await openDataset(data, { normalize: true, size: image });
  if (dataset.fields.image?.dtype !== 'f32' || dataset.fields.image.shape.length !== 3)
    throw new RangeError(`${data}: its samples are no images of [channels, height, width]; dataload trains on images`);
  const first = dataset.nameOf?.(0);
  const isFiles = first !== undefined && existsSync(first) && dataset.nameOf!(dataset.length - 1) !== first;
  return { dataset, files: isFiles ? Array.from({ length: dataset.length }, (_, i) => dataset.nameOf!(i)) : undefined };
}

/** Bytes of a sample as a step takes it. Rejects with a UsageError where the data are missing, damaged, or no images: before anything is measured. */
export async function sampleBytes(options: DataOptions): Promise<number> {
  const { data, image } = options;
  const bytesOf = (elements: number) => 4 * (elements + 1);
  if (data === DELAYS) return bytesOf(1);
  // They are made by the arms where they are missing.
  if (data === SYNTHETIC) return bytesOf(3 * image ** 2);
  try {
    const { dataset } = await openData(options, false);
    return bytesOf(sizeOf(dataset.fields.image.shape));
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Files of a data set of pictures, as many as there are or will be; 0 where its samples are no files. Looks at the folder only. */
function filesOf(data: string): number {
  const path = data === SYNTHETIC ? join(dataFolder(), SYNTHETIC) : data;
  if (data === SYNTHETIC && !existsSync(path)) return SYNTHETIC_COUNT;
  if (!existsSync(path) || !statSync(path).isDirectory()) return 0;
  const train = join(path, 'train');
  const place = existsSync(train) ? train : path;
  if (readdirSync(place).some((name) => /\.(gz|tar|tgz|bin)$|-ubyte$/.test(name))) return 0;
  try {
    return listImages(place).names.length;
  } catch {
    // Opening it will say what is wrong.
    return Number.POSITIVE_INFINITY;
  }
}

/** Why a data set cannot be read cold for so many batches in a row; undefined where it can. */
export function coldRefusal({ data, batch }: DataOptions, batches: number): string | undefined {
  if (data === DELAYS) return undefined;
  const files = filesOf(data);
  if (files === 0) return 'its samples are no files of their own: they are in memory once it is open, so there is nothing to read cold';
  const there = Math.floor(files / batch);
  return there < batches
    ? `there are ${files} files, ${there} batches of ${batch}; ${batches} in a row must be cold: take smaller batches by --batch, or make more pictures`
    : undefined;
}
