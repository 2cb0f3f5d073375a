// Folders that are whole or not there: files are written into a folder beside, which gets its name only when all are there.

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { WriteError } from '../file-error.ts';

/** The file by which a whole folder is known, written last. */
export const MADE = 'made.json';

const WHY: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota of the disk is used up',
  EACCES: 'the folder may not be written to',
  EROFS: 'the disk is read-only',
  ENOTDIR: 'a part of its path is a file',
};

/** What `write` returns. Throws a WriteError that names the path and says why. */
export function writing<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    const { code = '', message, syscall } = error as NodeJS.ErrnoException;
    if (!syscall) throw error;
    throw new WriteError(`${path}: ${WHY[code] ?? message}; make room, or name another folder`, { cause: error });
  }
}

export interface MakeFolderOptions {
  readonly folder: string;
  /** What made.json is to say. */
  readonly about: object;
  /** Writes each file by the function it gets. */
  readonly fill: (write: (name: string, bytes: Uint8Array) => void) => void;
  /** True where what lies there by the end, made by another process meanwhile, is to stay. */
  readonly stays?: () => boolean;
}

/** Removes what processes that were killed have left half-made beside the folder. */
function dropLeftovers(folder: string): void {
  const start = `${basename(folder)}.partial-`;
  if (!existsSync(dirname(folder))) return;
  const beside = writing(folder, () => readdirSync(dirname(folder))).filter((name) => name.startsWith(start));
  for (const name of beside) {
    const pid = Number(name.slice(start.length));
    if (pid === process.pid || !isRunning(pid))
      writing(folder, () => rmSync(join(dirname(folder), name), { recursive: true, force: true }));
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user is there, too.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Makes a folder, in place of what lay there. Nothing is left behind where that fails; throws a WriteError then. */
export function makeFolder({ folder, about, fill, stays = () => false }: MakeFolderOptions): void {
  const partial = `${folder}.partial-${process.pid}`;
  dropLeftovers(folder);
  // What is said of a file names it as it is to be: who looks for it knows no other name.
  const write = (name: string, bytes: Uint8Array) =>
    writing(join(folder, name), () => {
      mkdirSync(dirname(join(partial, name)), { recursive: true });
      writeFileSync(join(partial, name), bytes);
    });
  try {
    fill(write);
    write(MADE, new TextEncoder().encode(`${JSON.stringify(about, null, 2)}\n`));
    writing(folder, () => {
      if (stays()) return rmSync(partial, { recursive: true });
      rmSync(folder, { recursive: true, force: true });
      renameSync(partial, folder);
    });
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw error;
  }
}
