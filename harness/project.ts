// The project as it is installed: its folder, its version, and those of the packages it runs with.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const above = (folder: string): string[] => (dirname(folder) === folder ? [folder] : [folder, ...above(dirname(folder))]);

/** Folders from this file's up to the root of the file system. */
const ANCESTORS = above(dirname(fileURLToPath(import.meta.url)));

const readManifest = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** The manifest of the project: the nearest above this file, in the clone as in the installed package. */
export const project = (): Manifest => readManifest(ANCESTORS.find((folder) => existsSync(join(folder, 'package.json')))!);

/** Versions of the project and of the packages it depends on, found as Node finds them: in the nearest node_modules that has them. */
export function packageVersions(): Record<string, string> {
  const { name, version, dependencies, optionalDependencies } = project();
  const versions: Record<string, string> = { [name]: version };
  for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies })) {
    const place = ANCESTORS.map((folder) => join(folder, 'node_modules', dependency)).find((folder) =>
      existsSync(join(folder, 'package.json')),
    );
    if (place) versions[dependency] = readManifest(place).version;
  }
  return versions;
}
