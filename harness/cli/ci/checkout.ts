// Checkouts: a revision of the user's repository in a git worktree of its own, with the dependencies that its lock file names.
//
// Worktrees lie in the system's folder for temporary files and are removed at the end. Dependencies are installed once for each lock file, in the user's cache folder.

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Revision } from '../../comparison/document.ts';
import { UsageError } from '../../suite.ts';

/** A revision that cannot be made ready to run: its dependencies do not install. */
export class BuildError extends Error {
  override readonly name = 'BuildError';
}

export interface Checkout extends Revision, Disposable {
  /** Its folder. */
  readonly root: string;
}

const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();

/** The top folder of the repository that holds `folder`. Throws a UsageError where there is none. */
export function repositoryOf(folder: string): string {
  try {
    return git(folder, 'rev-parse', '--show-toplevel');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new UsageError(
      missing ? 'bench ci needs git, which is not there' : `${folder} is in no git repository; bench ci compares revisions of one`,
    );
  }
}

/** The commit that a name stands for. Throws a UsageError. */
export function commitOf(repository: string, ref: string, option: string): string {
  try {
    return git(repository, 'rev-parse', '--verify', '--quiet', `${ref}^{commit}`);
  } catch {
    const shallow = git(repository, 'rev-parse', '--is-shallow-repository') === 'true';
    const remedy = shallow
      ? 'this clone is shallow: fetch the history (fetch-depth: 0), or that revision'
      : 'git fetch it, or check its name';
    throw new UsageError(`${option}: there is no revision '${ref}' in ${repository}; ${remedy}`);
  }
}

/** The working tree as it is. */
export function treeAsItIs(repository: string): Checkout {
  return {
    ref: '.',
    sha: git(repository, 'rev-parse', 'HEAD'),
    dirty: isDirty(repository),
    root: repository,
    [Symbol.dispose]: () => undefined,
  };
}

export const isDirty = (repository: string): boolean => git(repository, 'status', '--porcelain', '--untracked-files=no') !== '';

/** A worktree of `ref` with its dependencies. Throws a UsageError for a revision that is not there, a BuildError for one that does not install. */
export function checkOut(repository: string, ref: string, option: string, cache: string): Checkout {
  const sha = commitOf(repository, ref, option);
  // Worktrees whose folders are gone, after a crash, are forgotten first.
  git(repository, 'worktree', 'prune');
  const root = join(mkdtempSync(join(tmpdir(), 'bench-ci-')), sha.slice(0, 12));
  const remove = () => {
    try {
      git(repository, 'worktree', 'remove', '--force', root);
    } catch {
      rmSync(root, { recursive: true, force: true });
    }
  };
  git(repository, 'worktree', 'add', '--detach', '--quiet', root, sha);
  try {
    provideDependencies(repository, root, ref, cache);
  } catch (error) {
    remove();
    throw error;
  }
  return { ref, sha, dirty: false, root, [Symbol.dispose]: remove };
}

const LOCK = 'package-lock.json';

function provideDependencies(repository: string, root: string, ref: string, cache: string): void {
  const lock = join(root, LOCK);
  if (existsSync(join(root, 'node_modules')) || !existsSync(join(root, 'package.json'))) return;
  if (!existsSync(lock))
    throw new BuildError(`${ref}: it has a package.json but no ${LOCK}, so its dependencies cannot be installed as they were`);
  symlinkSync(modulesFor(repository, root, ref, cache), join(root, 'node_modules'));
}

/** The installed dependencies of a lock file: those of the working tree where its lock is the same, else from the cache, else installed now. */
function modulesFor(repository: string, root: string, ref: string, cache: string): string {
  const text = readFileSync(join(root, LOCK), 'utf8');
  const here = join(repository, LOCK);
  const installed = join(repository, 'node_modules');
  if (existsSync(installed) && existsSync(here) && readFileSync(here, 'utf8') === text) return installed;
  const kept = join(cache, 'ci', createHash('sha256').update(text).update(process.version).digest('hex').slice(0, 16));
  if (!existsSync(join(kept, 'node_modules'))) install(root, ref, kept);
  return join(kept, 'node_modules');
}

function install(root: string, ref: string, kept: string): void {
  console.error(`bench: installing the dependencies of ${ref}`);
  const building = `${kept}.new`;
  rmSync(building, { recursive: true, force: true });
  mkdirSync(building, { recursive: true });
  for (const file of ['package.json', LOCK, '.npmrc']) if (existsSync(join(root, file))) cpSync(join(root, file), join(building, file));
  const { status, stderr, error } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: building, encoding: 'utf8' });
  if (status !== 0) {
    rmSync(building, { recursive: true, force: true });
    const why = error?.message ?? stderr.split('\n').find((line) => /error/i.test(line)) ?? `exit code ${status}`;
    throw new BuildError(`${ref}: its dependencies do not install: ${why.trim()}; try npm ci in a checkout of it`);
  }
  rmSync(kept, { recursive: true, force: true });
  renameSync(building, kept);
}
