// The dependencies of a checkout: what its lock file names, installed once for each lock file in the user's cache folder, then its own build.
//
// What a lock file takes from folders of the repository (workspaces, file:) is the revision's own and is installed in its checkout, or both sides would run the same.
// The script `prepare`, which npm runs after an installation, builds a revision; a revision that is not built by it runs from its sources.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DiskFullError, isDiskFull } from './disk.ts';

/** A revision that cannot be made ready to run: it cannot be checked out, its dependencies do not install, or it does not build. */
export class BuildError extends Error {
  override readonly name = 'BuildError';
}

const LOCK = 'package-lock.json';
const MODULES = 'node_modules';
const CI = ['ci', '--no-audit', '--no-fund'];

/** A folder with a package.json, in the working tree and in a checkout of `ref`. */
export interface Project {
  readonly here: string;
  readonly there: string;
  readonly ref: string;
}

/** Provides the dependencies of a project in a checkout and builds it. Throws a BuildError, or the signal's reason once that is given. */
export async function provideDependencies(project: Project, cache: string, signal: AbortSignal): Promise<void> {
  const { there, ref } = project;
  if (!existsSync(join(there, 'package.json'))) return;
  // Modules that are committed are what the revision runs with.
  if (!existsSync(join(there, MODULES))) {
    if (!existsSync(join(there, LOCK)))
      throw new BuildError(
        `${ref}: it has a package.json but no ${LOCK}, so its dependencies cannot be installed as they were; commit one`,
      );
    const lock = readFileSync(join(there, LOCK), 'utf8');
    const sources = sourcesIn(lock);
    const shared = sources === 'registry' || (sources === 'outside' && isInstalled(project, lock));
    // With the scripts of the project itself.
    if (!shared) return installIn(there, ref, signal);
    symlinkSync(await modulesFor(project, lock, cache, signal), join(there, MODULES));
  }
  await build(there, ref, signal);
}

/** Where a lock file's packages come from: any folder of the repository, else any outside of it or a file, else registries alone. */
function sourcesIn(lock: string): 'repository' | 'outside' | 'registry' {
  let packages: { resolved?: string; link?: boolean }[];
  try {
    packages = Object.values(JSON.parse(lock).packages ?? {});
  } catch {
    // For npm to complain about.
    return 'registry';
  }
  const local = packages.filter(({ resolved = '', link }) => link || resolved.startsWith('file:'));
  if (local.length === 0) return 'registry';
  return local.every(({ resolved = '', link }) => link && resolved.startsWith('..')) ? 'outside' : 'repository';
}

/** Whether the working tree has what the lock file names. */
function isInstalled({ here }: Project, lock: string): boolean {
  const own = join(here, LOCK);
  return existsSync(join(here, MODULES)) && existsSync(own) && readFileSync(own, 'utf8') === lock;
}

/** The modules of a lock file: those of the working tree where its lock is the same, else from the cache, else installed now. */
async function modulesFor(project: Project, lock: string, cache: string, signal: AbortSignal): Promise<string> {
  if (isInstalled(project, lock)) return join(project.here, MODULES);
  const kept = join(cache, 'ci', createHash('sha256').update(lock).update(process.version).digest('hex').slice(0, 16));
  if (!existsSync(join(kept, MODULES))) await install(project, kept, signal);
  return join(kept, MODULES);
}

async function install({ there, ref }: Project, kept: string, signal: AbortSignal): Promise<void> {
  // A folder of this process's own: two gates may install at once.
  const building = `${kept}.${process.pid}`;
  rmSync(building, { recursive: true, force: true });
  try {
    mkdirSync(building, { recursive: true });
    for (const file of [LOCK, '.npmrc']) if (existsSync(join(there, file))) cpSync(join(there, file), join(building, file));
    writeFileSync(join(building, 'package.json'), withoutScripts(readFileSync(join(there, 'package.json'), 'utf8')));
    await installIn(building, ref, signal);
    // Without dependencies npm makes no folder.
    mkdirSync(join(building, MODULES), { recursive: true });
    rmSync(kept, { recursive: true, force: true });
    renameSync(building, kept);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}

/** The project's own scripts need its files, which are not beside its dependencies in the cache. */
function withoutScripts(manifest: string): string {
  try {
    return JSON.stringify({ ...JSON.parse(manifest), scripts: undefined });
  } catch {
    return manifest;
  }
}

async function installIn(folder: string, ref: string, signal: AbortSignal): Promise<void> {
  console.error(`bench: installing the dependencies of ${ref}`);
  const why = await npm(CI, folder, signal);
  if (why !== undefined) throw new BuildError(`${ref}: its dependencies do not install: ${why}; try npm ci in a checkout of it`);
}

async function build(folder: string, ref: string, signal: AbortSignal): Promise<void> {
  const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { scripts?: { prepare?: string } };
  if (scripts?.prepare === undefined) return;
  console.error(`bench: building ${ref} by its script prepare`);
  const why = await npm(['run', 'prepare'], folder, signal);
  if (why !== undefined) throw new BuildError(`${ref}: it does not build: ${why}; try npm run prepare in a checkout of it`);
}

/** Runs npm. Returns what went wrong, in a line. Throws the signal's reason once that is given, and a DiskFullError. */
async function npm(args: readonly string[], folder: string, signal: AbortSignal): Promise<string | undefined> {
  const { code, said } = await new Promise<{ code?: number | null; said: string }>((resolve) => {
    const started = spawn('npm', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], signal });
    let said = '';
    for (const stream of [started.stdout, started.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text));
    started.on('error', ({ message }) => resolve({ said: `npm error ${message}` }));
    started.on('close', (code) => resolve({ code, said }));
  });
  signal.throwIfAborted();
  if (code === 0) return undefined;
  if (isDiskFull(said)) throw new DiskFullError(folder);
  return complaintOf(said) ?? `npm ended with exit code ${code}`;
}

/** The line that says most: the first that a script printed, where one failed; else the first of npm's complaint that is a sentence, after codes and before logs. */
function complaintOf(said: string): string | undefined {
  const lines = said.split('\n').map((line) => line.trim());
  const complaints = lines.flatMap((line) => /^npm (?:error|ERR!) (.*)$/.exec(line)?.[1].trim() ?? []);
  const ofNpm = complaints.find((line) => !/^(code|errno|syscall|path|type|command) /.test(line) && line.includes(' '));
  const ofScript = lines.find((line) => line !== '' && !/^(npm |> )/.test(line));
  const scriptFailed = complaints.length === 0 || complaints.some((line) => line.startsWith('command '));
  return scriptFailed ? (ofScript ?? ofNpm) : ofNpm;
}
