// Builds dist/, which the published package runs from: Node strips no types under node_modules. In a clone nothing is built, the sources run.
//
// dist/ has the tree of the sources: JavaScript with declarations by tsc, and beside it the files that modules find by their own URL.

import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './sources.ts';

/** Files that are no TypeScript and that modules of the package load. */
const ASSETS = ['harness/peers/torch-child.py', 'reports/results.schema.json'];

rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
const { status } = spawnSync(process.execPath, [tsc, '--project', 'tsconfig.build.json'], { cwd: ROOT, stdio: 'inherit' });
for (const path of ASSETS) cpSync(join(ROOT, path), join(ROOT, 'dist', path));
process.exitCode = status ?? 1;
