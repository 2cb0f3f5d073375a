// Loaded before anything else in the child of an arm of another revision: sends its imports to the folders they belong to (revision.ts).

import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { folderUrl, OWN_PACKAGE, PACKAGE_VARIABLE, redirected } from './revision.ts';

const folder = process.env[PACKAGE_VARIABLE];
if (folder !== undefined && folderUrl(folder) !== OWN_PACKAGE) {
  const revision = folderUrl(folder);
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context);
      return { ...found, url: redirected(found.url, OWN_PACKAGE, revision, existsSync) };
    },
  });
}
