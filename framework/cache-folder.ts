// The user's cache folder: what this machine has learnt and may forget, such as its roof.

import { homedir } from 'node:os';
import { join } from 'node:path';

/** TILEBENCH_CACHE, else the system's own place for caches. It need not exist. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.TILEBENCH_CACHE) return env.TILEBENCH_CACHE;
  if (process.platform === 'win32') return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'tilebench', 'cache');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'tilebench');
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tilebench');
}
