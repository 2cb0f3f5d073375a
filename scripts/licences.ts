// Dependencies: what a user installs along with the package has a licence that a user can live with, and every direct one has a stated reason.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Manifest, readManifest } from './manifest.ts';
import { ROOT } from './sources.ts';

/** Licences, by SPDX identifier, that ask for no more than their own text to be kept. */
const ALLOWED = new Set(['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD', 'CC0-1.0', 'BlueOak-1.0.0', 'Unlicense']);

/** What package-lock.json says of a package. */
export interface Locked {
  readonly license?: string;
  readonly dev?: boolean;
}

/** True where `expression` (SPDX, with OR and AND but without nesting) leaves a choice that is allowed. */
export const isAllowed = (expression: string): boolean =>
  expression
    .replaceAll(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((licence) => ALLOWED.has(licence.trim())));

/** Packages of the lock file that are installed at run time under a licence that is not allowed, as `path: licence`. */
export const licenceFaults = (packages: Readonly<Record<string, Locked>>): string[] =>
  Object.entries(packages)
    .filter(([path, { dev, license }]) => path !== '' && !dev && !isAllowed(license ?? 'none stated'))
    .map(([path, { license }]) => `${path}: ${license ?? 'none stated'}`);

export const lockedPackages = (root = ROOT): Record<string, Locked> =>
  JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;

/** Direct dependencies without a row in the table of `text` (| `name` version | reason |), and rows without a dependency. */
export function reasonFaults(text: string, manifest: Manifest = readManifest()): string[] {
  const direct: Record<string, string> = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.devDependencies };
  const rows = new Map(
    [...text.matchAll(/^\| `([^`]+)` ([^ |]+) \| (.+) \|$/gm)].map(([, name, version, reason]) => [name, { version, reason }]),
  );
  const missing = Object.entries(direct)
    .filter(([name, version]) => rows.get(name)?.version !== version)
    .map(([name, version]) => `${name} ${version} has no row${rows.has(name) ? ` (there is one for ${rows.get(name)?.version})` : ''}`);
  return [...missing, ...[...rows.keys()].filter((name) => !(name in direct)).map((name) => `${name} has a row and is no dependency`)];
}
