// The manifest is package.json. In the clone its exports name the sources; in the published package, where Node strips no types, they name dist/.
//
// npm packs what lies on the disk, so `prepack` puts the published manifest in place and `postpack` puts the clone's back. The clone's is kept in
// a file beside it meanwhile; a pack that was killed in between is mended by the next one, or by `node scripts/manifest.ts restore`.

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './sources.ts';

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, unknown>>;
}

const PATH = join(ROOT, 'package.json');
const KEPT = join(ROOT, '.package.json.clone');

export const readManifest = (path = PATH): Manifest => JSON.parse(readFileSync(path, 'utf8'));

const built = (source: string, extension: string): string => source.replace(/^\.\//, './dist/').replace(/\.ts$/, extension);

/** The manifest to publish: exports of what was built, and nothing that only a clone needs. */
export function published(clone: Manifest): Manifest {
  const { devDependencies: _, scripts: __, ...rest } = clone;
  const { allowScripts: ___, ...manifest } = rest as typeof rest & { allowScripts?: unknown };
  const exports = Object.entries(clone.exports ?? {}).map(([name, source]) => {
    if (typeof source !== 'string' || !source.endsWith('.ts'))
      throw new TypeError(`package.json: exports[${name}] is ${JSON.stringify(source)}, expected a .ts file`);
    return [name, { types: built(source, '.d.ts'), default: built(source, '.js') }];
  });
  return { ...manifest, exports: Object.fromEntries(exports) };
}

function restore(): void {
  if (existsSync(KEPT)) renameSync(KEPT, PATH);
}

function publish(): void {
  restore();
  const text = readFileSync(PATH, 'utf8');
  writeFileSync(KEPT, text);
  writeFileSync(PATH, `${JSON.stringify(published(JSON.parse(text)), undefined, 2)}\n`);
}

if (import.meta.main) {
  const verbs: Readonly<Record<string, () => void>> = { publish, restore };
  verbs[process.argv[2]]?.();
}
