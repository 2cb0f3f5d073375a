// The sources of the project: its own files, found from its root, without what is installed, built or measured.

import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder that package.json lies in, with a slash at its end. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

const SKIPPED = new Set(['node_modules', 'dist', 'results', '.git']);

/** Paths below `root` that match `pattern`, with forward slashes, sorted. */
export const sources = (pattern: string, root = ROOT): string[] =>
  globSync(pattern, { cwd: root, exclude: (name) => SKIPPED.has(name) })
    .map((path) => path.replaceAll('\\', '/'))
    .sort();
