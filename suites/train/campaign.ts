// Trainings on MNIST to the end of their recipes: a case for each net and seed, each trained once, with curves beside the rows.

import { join } from 'node:path';
import { openDataset } from '../../framework/data/index.ts';
import { type Case, type FunctionArm, type Request, UsageError } from '../../harness/suite.ts';
import type { DeviceKind, Traits } from '../../kernels/kernel.ts';
import { countOf, listOf, seedsOf, shareOf } from '../options.ts';
import type { Style } from './learner.ts';
import { MODELS, type Recipe, recipeText } from './recipes.ts';
import { STYLES } from './timed.ts';
import { trainedWork } from './trained-work.ts';

export { MODELS } from './recipes.ts';

/** What a quick training makes do with; so does a software adapter. */
const QUICK = { epochs: 3, batch: 50, images: { train: 1000, test: 500 } } as const;
/** How much longer than predicted a training may take before its process is killed. */
const PATIENCE = 20;
/** Bytes of both parts of MNIST, batches, and a net with what it trains by. */
const BYTES = 256e6;

/** Throws a UsageError where MNIST is not there: before anything is trained. */
async function checkData(): Promise<number> {
  try {
    await Promise.all([openDataset('mnist', { split: 'train' }), openDataset('mnist', { split: 'test' })]);
    return BYTES;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

const refuses = (traits: Traits): string | undefined =>
  traits.limits.softwareAdapter ? 'a training on all images takes hours on a software adapter; --quick trains on a few' : undefined;

export function trainedCases(request: Request): Case[] {
  const { devices, threads, quick, seed, folder } = request;
  const names = listOf(request, 'model', Object.keys(MODELS), []);
  const styles = listOf<Style>(request, 'style', STYLES, ['static']);
  const [epochs, until] = [countOf(request, 'epochs'), shareOf(request, 'until')];
  const count = Math.max(...threads);
  return names.flatMap((name) =>
    seedsOf(request, 'seeds', [seed]).map((seed): Case => {
      const model = MODELS[name];
      const recipe: Recipe = { ...model.recipe, ...(quick && QUICK), ...(epochs !== undefined && { epochs }) };
      const arm = (style: Style, device: DeviceKind): FunctionArm => {
        const place = device === 'cpu' ? `cpu/${count}` : device;
        const run = join(name, `seed-${seed}`, `${style}-${place.replace('/', '-')}`);
        const curves = folder === undefined ? undefined : { folder: join(folder, 'curves'), run };
        return {
          name: `ours:${style}@${place}`,
          device,
          threads: device === 'cpu' ? count : undefined,
          bytes: checkData,
          refuses: quick ? undefined : refuses,
          make: () => trainedWork({ model, recipe, seed, until, style, kind: device, device: { threads: count }, curves }),
        };
      };
      const seconds = recipe.epochs * (quick ? 2 : model.epochSeconds);
      return {
        name: `train/${name}/${quick ? `${QUICK.images.train}-images/` : ''}seed-${seed}`,
        arms: devices.flatMap((device) => styles.map((style) => arm(style, device))),
        dtype: 'f32',
        once: { seconds, timeout: Math.max(600, PATIENCE * seconds) },
        extra: { recipe: recipeText(recipe) },
      };
    }),
  );
}
