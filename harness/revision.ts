// Where a revision's code comes from: a child of an arm of another revision runs this harness, and the kernels, framework and suites of that revision.
//
// So both sides are measured by the same code. The child is started with `revision-hooks.ts`, which sends imports across: what this package's harness asks of
// kernels, framework and suites to the revision's folder, and what the revision's files ask of harness and reports to this one.

import type { ForkOptions } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ArmRevision } from './arm.ts';

/** The variable that carries the revision's folder into the child. */
export const PACKAGE_VARIABLE = 'TILEBENCH_REVISION_PACKAGE';

/** The folder that holds harness, kernels and the rest of the running package: the clone, or `dist` where it is installed. */
export const OWN_PACKAGE = new URL('../', import.meta.url).href;

const HOOKS = new URL(import.meta.url.endsWith('.ts') ? './revision-hooks.ts' : './revision-hooks.js', import.meta.url).href;

/** How a child is started for an arm of a revision; nothing where it has none. */
export function revisionOptions(revision: ArmRevision | undefined): Pick<ForkOptions, 'execArgv' | 'env'> {
  if (!revision) return {};
  return {
    execArgv: [...process.execArgv, '--import', HOOKS],
    env: { NODE_COMPILE_CACHE: compileCache(), ...process.env, [PACKAGE_VARIABLE]: revision.package },
  };
}

let compiled: string | undefined;

/** Where Node keeps what it has compiled of a revision's files, so that the many processes of a gate start in a third of the time. Lasts as long as this process. */
function compileCache(): string {
  if (compiled !== undefined) return compiled;
  const folder = mkdtempSync(join(tmpdir(), 'tilebench-compiled-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  compiled = folder;
  return folder;
}

const OF_THE_REVISION = ['kernels/', 'framework/', 'suites/'];
const OF_THE_HARNESS = ['harness/', 'reports/'];

/** The URL that is loaded in place of `url`: the same file on the other side, where it belongs there and `exists`. */
export function redirected(url: string, own: string, revision: string, exists: (path: string) => boolean): string {
  const across = (from: string, to: string, areas: readonly string[]): string | undefined => {
    const rest = url.startsWith(from) ? url.slice(from.length) : undefined;
    if (rest === undefined || !areas.some((area) => rest.startsWith(area))) return undefined;
    const target = to + rest;
    // What the other side lacks, a file newer than it, is taken where it is.
    return exists(fileURLToPath(target)) ? target : undefined;
  };
  return across(own, revision, OF_THE_REVISION) ?? across(revision, own, OF_THE_HARNESS) ?? url;
}

/** A folder as the start of the URLs of its files. */
export const folderUrl = (folder: string): string => `${pathToFileURL(folder).href.replace(/\/$/, '')}/`;
