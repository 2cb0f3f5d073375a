// The JPEG set that suites use where no data are at hand: seeded, so that everyone has the same pictures; in sizes, detail and bytes like photographs.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../../../kernels/random.ts';
import { libjpeg } from '../decode/jpeg.ts';
import { MADE, makeFolder } from './made.ts';
import { CLASSES, scene } from './scene.ts';

export interface MakeOptions {
  readonly folder: string;
  /** False where a whole set that another process has made meanwhile is to stay; default true. */
  readonly replace?: boolean;
  /** Default 256. */
  readonly count?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Called after each picture. */
  readonly onPicture?: (made: number) => void;
}

/** What made.json says; the version changes with the pictures. */
interface About {
  readonly version: number;
  readonly count: number;
  readonly seed: number;
}
const VERSION = 1;

/** Width and height by turns: most as cameras of the web gave them, some small, some large. */
const SIZES = [
  [500, 375],
  [500, 333],
  [375, 500],
  [500, 375],
  [480, 360],
  [640, 480],
  [300, 225],
  [1024, 768],
] as const;

/** True where a whole set of this version lies in the folder. */
export function isMade(folder: string): boolean {
  try {
    return existsSync(folder) && (JSON.parse(readFileSync(join(folder, MADE), 'utf8')) as About).version === VERSION;
  } catch {
    return false;
  }
}

/** Makes pictures in a folder for each class. Rejects with a WriteError where they cannot be written; then none are left. */
export async function makeImages({ folder, replace = true, count = 256, seed = 1, onPicture }: MakeOptions): Promise<void> {
  if (!Number.isSafeInteger(count) || count < 1 || count > 1e6)
    throw new RangeError(`makeImages: count is ${count}, expected a whole number from 1 to 1,000,000`);
  const { bufferSize, compressSync, FORMAT_RGB, SAMP_420, SAMP_444 } = await libjpeg();
  const random = seededRandom(seed);
  const about: About = { version: VERSION, count, seed };
  makeFolder({ folder, about, fill, stays: () => !replace && isMade(folder) });

  function fill(write: (name: string, bytes: Uint8Array) => void): void {
    for (let i = 0; i < count; i++) {
      const label = i % CLASSES.length;
      const [width, height] = SIZES[Math.floor(random() * SIZES.length)];
      const { pixels } = scene(label, width, height, Math.floor(random() * 2 ** 32));
      const subsampling = random() < 0.75 ? SAMP_444 : SAMP_420;
      const quality = 85 + Math.floor(random() * 11);
      const space = Buffer.allocUnsafe(bufferSize({ width, height, subsampling }));
      const jpeg = compressSync(Buffer.from(pixels.buffer), space, { format: FORMAT_RGB, width, height, subsampling, quality });
      write(join(CLASSES[label], `${String(i).padStart(6, '0')}.jpg`), jpeg);
      onPicture?.(i + 1);
    }
  }
}
