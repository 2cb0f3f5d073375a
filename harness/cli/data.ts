// `bench data`: which data sets there are and where, the public ones brought, one of our own made.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { dataFolder } from '../../framework/data/data-folder.ts';
import { download, isWhole } from '../../framework/data/download/download.ts';
import { type Source, sources } from '../../framework/data/download/sources.ts';
import { isMade, makeImages } from '../../framework/data/make/make.ts';
import { unknownName } from '../nearest.ts';
import { UsageError } from '../suite.ts';
import { EXIT, type ExitCode } from './exit.ts';

const SYNTHETIC = 'synthetic';

export interface DataFlags {
  readonly dataDir?: string;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
const bytesOf = ({ files }: Source): number => files.reduce((sum, { bytes }) => sum + bytes, 0);

/** A line for each data set: what it is, and where it lies or what brings it. */
export async function listData({ dataDir }: DataFlags): Promise<ExitCode> {
  const home = dataFolder(dataDir);
  const lines = [`Data sets lie in ${home} (--data-dir, TILEBENCH_DATA)`];
  for (const source of sources) {
    const folder = join(home, source.name);
    const whole = await Promise.all(source.files.map((file) => isWhole(file, folder)));
    const place = whole.every(Boolean) ? folder : `missing, ${megabytes(bytesOf(source))}: bench data get ${source.name}`;
    lines.push(`  ${source.name.padEnd(14)} ${source.summary}; ${place}`);
  }
  const made = join(home, SYNTHETIC);
  const place = isMade(made) ? made : 'made where it is needed, or by bench data make';
  lines.push(`  ${SYNTHETIC.padEnd(14)} pictures like photographs, JPEG, ten classes, made from a seed; ${place}`);
  process.stdout.write(`${lines.join('\n')}\n`);
  return EXIT.passed;
}

/** Downloads data sets one after another. */
export async function getData(names: readonly string[], { dataDir }: DataFlags): Promise<ExitCode> {
  const wanted = names.map((name) => {
    const source = sources.find((each) => each.name === name);
    if (!source)
      throw new UsageError(
        unknownName(
          'data set',
          name,
          sources.map((each) => each.name),
        ),
      );
    return source;
  });
  for (const source of wanted) {
    const folder = join(dataFolder(dataDir), source.name);
    for (const file of source.files) {
      const onRetry = (why: string) => console.error(`${why}; trying again`);
      const outcome = await download(file, folder, { onProgress: progress(file.name, file.bytes), onRetry });
      console.error(`${file.name}: ${outcome}, ${megabytes(file.bytes)}, checksum right`);
    }
    process.stdout.write(`${source.name} is in ${folder}\n`);
  }
  return EXIT.passed;
}

/** A line on a terminal that is written over, a few times a second. */
function progress(name: string, bytes: number): (have: number) => void {
  if (!process.stderr.isTTY) return () => {};
  let last = 0;
  return (have) => {
    if (performance.now() - last < 200 && have < bytes) return;
    last = performance.now();
    process.stderr.write(`\r${name}: ${megabytes(have)} of ${megabytes(bytes)}${have < bytes ? '' : '\n'}`);
  };
}

export interface MakeFlags extends DataFlags {
  readonly count: number;
  readonly seed: number;
}

/** Makes the set of pictures that suites use where no data are at hand. */
export async function makeData({ dataDir, count, seed }: MakeFlags): Promise<ExitCode> {
  const folder = join(dataFolder(dataDir), SYNTHETIC);
  const replaced = existsSync(folder);
  await makeImages({ folder, count, seed, onPicture: progressOfCount(count) });
  process.stdout.write(`${count} pictures of seed ${seed} are in ${folder}${replaced ? ', in place of those that were there' : ''}\n`);
  return EXIT.passed;
}

function progressOfCount(count: number): (made: number) => void {
  if (!process.stderr.isTTY) return () => {};
  return (made) => {
    if (made % 16 === 0 || made === count) process.stderr.write(`\r${made} of ${count} pictures${made < count ? '' : '\n'}`);
  };
}
