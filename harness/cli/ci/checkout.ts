// Checkouts: a revision of the user's repository in a git worktree of its own, with the dependencies that its lock file names.
//
// Worktrees lie in the system's folder for temporary files and are removed however this process ends; those of processes that were killed are removed at the next start.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Revision } from '../../comparison/document.ts';
import { UsageError } from '../../suite.ts';
import { BuildError, provideDependencies } from './dependencies.ts';
import { DiskFullError, isDiskFull } from './disk.ts';

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

/** The folder at or above `folder` that has a package.json, as a path within the repository; empty for the repository itself. */
export function projectWithin(repository: string, folder: string): string {
  const here = relative(realpathSync(repository), realpathSync(folder));
  const above = here.split('/').map((_, i, parts) => parts.slice(0, parts.length - i).join('/'));
  return above.find((path) => existsSync(join(repository, path, 'package.json'))) ?? '';
}

/** What checking out needs besides the revision. */
export interface CheckoutOptions {
  /** The option that named the revision, for errors. */
  readonly option: string;
  /** The folder of the repository whose dependencies are needed. */
  readonly project: string;
  /** Where dependencies are kept. */
  readonly cache: string;
  readonly signal: AbortSignal;
}

/**
 * A worktree of `ref` with its dependencies.
 *
 * Throws a UsageError for a revision that is not there, a BuildError for one that cannot be made ready, a DiskFullError, and the signal's reason once that is given.
 */
export async function checkOut(repository: string, ref: string, options: CheckoutOptions): Promise<Checkout> {
  const { option, project, cache, signal } = options;
  const sha = commitOf(repository, ref, option);
  removeStale(repository);
  const root = join(emptyFolder(ref), sha.slice(0, 12));
  const remove = () => {
    process.off('exit', remove);
    removeWorktree(repository, root);
  };
  process.on('exit', remove);
  try {
    addWorktree(repository, root, sha, ref);
    // Signals are seen between turns of the event loop only.
    await setImmediate();
    signal.throwIfAborted();
    await provideDependencies({ here: join(repository, project), there: join(root, project), ref }, cache, signal);
  } catch (error) {
    remove();
    throw error;
  }
  return { ref, sha, dirty: false, root, [Symbol.dispose]: remove };
}

function emptyFolder(ref: string): string {
  try {
    return realpathSync(mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`)));
  } catch (error) {
    if (isDiskFull((error as Error).message)) throw new DiskFullError(tmpdir());
    throw new BuildError(
      `${ref}: no folder for it can be made in ${tmpdir()} (${(error as Error).message}); set TMPDIR to one that is yours`,
    );
  }
}

function addWorktree(repository: string, root: string, sha: string, ref: string): void {
  try {
    git(repository, 'worktree', 'add', '--detach', '--quiet', root, sha);
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? error);
    if (isDiskFull(said)) throw new DiskFullError(root);
    const why = /^(?:fatal|error): (.*)$/m.exec(said)?.[1] ?? said.trim().split('\n')[0];
    throw new BuildError(`${ref}: it cannot be checked out: ${why}; try git worktree add FOLDER ${ref}`);
  }
}

/** Folders of worktrees are named by the process that made them. */
const PREFIX = 'bench-ci-';

function removeWorktree(repository: string, root: string): void {
  try {
    git(repository, 'worktree', 'remove', '--force', root);
  } catch {
    // Git may never have known of it.
  }
  rmSync(dirname(root), { recursive: true, force: true });
}

/** Removes the worktrees of processes that were killed, and has git forget those whose folders are gone. */
function removeStale(repository: string): void {
  for (const name of existsSync(tmpdir()) ? readdirSync(tmpdir()) : []) {
    const [, pid] = /^bench-ci-(\d+)-\w+$/.exec(name) ?? [];
    if (pid === undefined || isAlive(Number(pid))) continue;
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    } catch {
      // Another user's: theirs to remove.
    }
  }
  git(repository, 'worktree', 'prune');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It may be alive and not ours to signal.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
