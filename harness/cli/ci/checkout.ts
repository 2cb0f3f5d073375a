// Checkouts: a revision of the user's repository in a git worktree of its own, with the dependencies that its lock file names.
//
// Worktrees lie in the system's folder for temporary files and are removed however this process ends; those of processes that were killed are removed at the next start.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Revision } from '../../comparison/document.ts';
import { UsageError } from '../../suite.ts';
import { provideDependencies } from './dependencies.ts';

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

/** What checking out needs besides the revision. */
export interface CheckoutOptions {
  /** The option that named the revision, for errors. */
  readonly option: string;
  /** Where dependencies are kept. */
  readonly cache: string;
  readonly signal: AbortSignal;
}

/**
 * A worktree of `ref` with its dependencies.
 *
 * Throws a UsageError for a revision that is not there, a BuildError for one that does not install, and the signal's reason once that is given.
 */
export async function checkOut(repository: string, ref: string, { option, cache, signal }: CheckoutOptions): Promise<Checkout> {
  const sha = commitOf(repository, ref, option);
  removeStale(repository);
  const root = join(mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`)), sha.slice(0, 12));
  const remove = () => {
    process.off('exit', remove);
    removeWorktree(repository, root);
  };
  process.on('exit', remove);
  try {
    git(repository, 'worktree', 'add', '--detach', '--quiet', root, sha);
    // Signals are seen between turns of the event loop only.
    await setImmediate();
    signal.throwIfAborted();
    await provideDependencies(repository, root, ref, cache, signal);
  } catch (error) {
    remove();
    throw error;
  }
  return { ref, sha, dirty: false, root, [Symbol.dispose]: remove };
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
