// Where data sets lie: the folder that is given, else TILEBENCH_DATA, else `data` in the user's cache folder.

import { join } from 'node:path';
import { cacheFolder } from '../cache-folder.ts';

/** The folder of data sets. It need not exist. */
export const dataFolder = (given?: string, env: NodeJS.ProcessEnv = process.env): string =>
  given ?? (env.TILEBENCH_DATA || join(cacheFolder(env), 'data'));
