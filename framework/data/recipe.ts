// A recipe becomes a dataset again, in whatever thread it is followed.

import type { Dataset, Recipe } from './dataset.ts';
import { LoaderError } from './loader-error.ts';

/** Opens the dataset of a recipe. Rejects with a LoaderError where the module or the factory is not there; what the factory throws stays as it is. */
export async function openRecipe({ module, name, options }: Recipe): Promise<Dataset> {
  let factory: unknown;
  try {
    factory = ((await import(module)) as Record<string, unknown>)[name];
  } catch (error) {
    throw new LoaderError(`the module ${module} of a dataset's recipe does not load: ${(error as Error).message}`, { cause: error });
  }
  if (typeof factory !== 'function')
    throw new LoaderError(`${module} exports no function ${name}, which a dataset's recipe names; expected a factory of the dataset`);
  return factory(options);
}
