// The dependencies of a checkout: what its lock file names, installed once for each lock file, in the user's cache folder.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/** A revision that cannot be made ready to run: its dependencies do not install. */
export class BuildError extends Error {
  override readonly name = 'BuildError';
}

const LOCK = 'package-lock.json';

/** Links installed dependencies into `root`, a checkout of `ref`. Throws a BuildError, or the signal's reason once that is given. */
export async function provideDependencies(
  repository: string,
  root: string,
  ref: string,
  cache: string,
  signal: AbortSignal,
): Promise<void> {
  const lock = join(root, LOCK);
  if (existsSync(join(root, 'node_modules')) || !existsSync(join(root, 'package.json'))) return;
  if (!existsSync(lock))
    throw new BuildError(`${ref}: it has a package.json but no ${LOCK}, so its dependencies cannot be installed as they were`);
  symlinkSync(await modulesFor(repository, root, ref, cache, signal), join(root, 'node_modules'));
}

/** The installed dependencies of a lock file: those of the working tree where its lock is the same, else from the cache, else installed now. */
async function modulesFor(repository: string, root: string, ref: string, cache: string, signal: AbortSignal): Promise<string> {
  const text = readFileSync(join(root, LOCK), 'utf8');
  const here = join(repository, LOCK);
  const installed = join(repository, 'node_modules');
  if (existsSync(installed) && existsSync(here) && readFileSync(here, 'utf8') === text) return installed;
  const kept = join(cache, 'ci', createHash('sha256').update(text).update(process.version).digest('hex').slice(0, 16));
  if (!existsSync(join(kept, 'node_modules'))) await install(root, ref, kept, signal);
  return join(kept, 'node_modules');
}

async function install(root: string, ref: string, kept: string, signal: AbortSignal): Promise<void> {
  console.error(`bench: installing the dependencies of ${ref}`);
  // A folder of this process's own: two gates may install at once.
  const building = `${kept}.${process.pid}`;
  rmSync(building, { recursive: true, force: true });
  try {
    mkdirSync(building, { recursive: true });
    for (const file of ['package.json', LOCK, '.npmrc']) if (existsSync(join(root, file))) cpSync(join(root, file), join(building, file));
    const why = await npmCi(building, signal);
    signal.throwIfAborted();
    if (why !== undefined) throw new BuildError(`${ref}: its dependencies do not install: ${why}; try npm ci in a checkout of it`);
    // Without dependencies npm makes no folder.
    mkdirSync(join(building, 'node_modules'), { recursive: true });
    rmSync(kept, { recursive: true, force: true });
    renameSync(building, kept);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}

/** Installs what the lock file in `folder` names. Returns what went wrong, in a line. */
function npmCi(folder: string, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    const npm = spawn('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], signal });
    let said = '';
    npm.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    npm.on('error', ({ message }) => resolve(message));
    npm.on('close', (code) => resolve(code === 0 ? undefined : complaintOf(said) || `npm ended with exit code ${code}`));
  });
}

/** The first line of npm's complaint that is a sentence: before it stand codes, after it places of logs. */
function complaintOf(said: string): string | undefined {
  const lines = said.split('\n').map((line) => /^npm (?:error|ERR!) (.*)$/.exec(line)?.[1].trim());
  return lines.find((line) => line && !/^(code|errno|syscall|path|type) /.test(line) && line.includes(' '));
}
