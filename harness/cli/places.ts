// Where things are: the module that children run, and the folders that results go to.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../suite.ts';

/** The module that children run, beside this one: TypeScript in a clone, JavaScript where the package is installed. */
export const ARM_MODULE = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? 'arm.ts' : 'arm.js', import.meta.url));

const RESULTS = 'results';

/** `20261123T071500Z`: sorts by time, and is a file name everywhere. */
export const timeStamp = (time: Date): string => `${time.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;

/** A folder that does not exist yet, for a run of a suite that starts now. */
export function newFolder(suite: string, time: Date): string {
  const base = join(RESULTS, `${timeStamp(time)}-${suite}`);
  for (let again = 1; ; again++) {
    const folder = again === 1 ? base : `${base}-${again}`;
    if (!existsSync(folder)) return folder;
  }
}

/** The folder of the newest run of a suite, to go on with. Throws a UsageError where there is none. */
export function newestFolder(suite: string): string {
  const stamp = timeStamp(new Date()).length;
  const isOfSuite = (name: string) => /^\d{8}T\d{6}Z-/.test(name) && name.slice(stamp + 1).replace(/-\d+$/, '') === suite;
  const folders = existsSync(RESULTS) ? readdirSync(RESULTS).filter(isOfSuite) : [];
  const newest = folders.sort().at(-1);
  if (!newest) throw new UsageError(`--resume: there is no run of ${suite} in ${RESULTS}; say by --out which folder to go on with`);
  return join(RESULTS, newest);
}
