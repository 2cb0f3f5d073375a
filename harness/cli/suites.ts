// Finding suites: by name in the catalogue, or by path where the user has written one.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { suites } from '../../suites/catalog.ts';
import { unknownName } from '../nearest.ts';
import { type Suite, UnknownSuiteError, UsageError } from '../suite.ts';

export interface LoadedSuite {
  readonly suite: Suite;
  /** What a child process loads it by: its name, or the URL of its module. */
  readonly source: string;
}

/** True for what can only be a module of the user's: it has a folder or an extension. */
export const isPath = (name: string): boolean => name.startsWith('file:') || /[/\\]/.test(name) || /\.[cm]?[jt]s$/.test(name);

/** True for an argument that names a suite, whether or not it exists. */
export const mayBeSuite = (argument: string): boolean => isPath(argument) || suites.some(({ name }) => name === argument);

/** Loads a suite by its name, path or URL. Throws a UsageError with the nearest names, or with what is wrong with the module. */
export async function loadSuite(name: string): Promise<LoadedSuite> {
  if (isPath(name)) return loadModule(name);
  const listing = suites.find((suite) => suite.name === name);
  if (!listing) {
    const names = suites.map((suite) => suite.name);
    throw new UnknownSuiteError(`${unknownName('suite', name, names)}; a suite of your own is given by its path, such as ./my.suite.ts`);
  }
  return { suite: await listing.load(), source: name };
}

async function loadModule(name: string): Promise<LoadedSuite> {
  const path = name.startsWith('file:') ? fileURLToPath(name) : resolve(name);
  if (!existsSync(path)) throw new UnknownSuiteError(`there is no suite module ${path}`);
  const source = pathToFileURL(path).href;
  let suite: Suite | undefined;
  try {
    suite = (await import(source)).default;
  } catch (error) {
    const { message } = error as Error;
    // What Node says where the nearest package.json makes the file CommonJS.
    const remedy = /Unexpected token 'export'|Cannot use import statement/.test(message)
      ? '; it is taken for CommonJS: set "type": "module" in its package.json, or name it .mts'
      : '';
    throw new UsageError(`${path}: cannot be loaded: ${message}${remedy}`, { cause: error });
  }
  if (typeof suite?.name !== 'string' || typeof suite.question !== 'string' || typeof suite.cases !== 'function')
    throw new UsageError(`${path}: its default export is no suite; it must have name, question and cases(request)`);
  return { suite, source };
}
