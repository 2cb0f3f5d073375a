// A lock says that a process is writing a file: a small file beside it, with the process's id, start time and host.
//
//   journal.jsonl.lock.0      {"pid": 4711, "started": "812345", "host": "box"}
//
// It is stale where that process is gone, or another has its id by now. A stale lock is never deleted and made again under the same name, since two
// processes could both do that: the next lock has the next number, which only one of them can create.

import { linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

interface Owner {
  readonly pid: number;
  /** When the process started, in the system's own count; empty where it does not tell. */
  readonly started: string;
  readonly host: string;
}

interface Held {
  readonly path: string;
  readonly number: number;
  /** Absent where the file cannot be read as a lock. */
  readonly owner?: Owner;
}

/** Somebody else has the lock. */
export class LockError extends Error {
  override readonly name = 'LockError';
}

/** Takes the lock of `path` and returns what gives it back. Throws a LockError that says who has it. */
export function takeLock(path: string): () => void {
  for (;;) {
    const found = locksOf(path);
    const living = found.find(({ owner }) => !owner || isAlive(owner));
    if (living) throw new LockError(refusalOf(path, living));
    const mine = create(path, 1 + Math.max(-1, ...found.map(({ number }) => number)));
    if (mine === undefined) continue;
    for (const stale of found) rmSync(stale.path, { force: true });
    const giveBack = () => rmSync(mine, { force: true });
    // Whoever looked before another lock came and went may have made one of an older number: both see each other here, and the later one leaves.
    const other = locksOf(path).find((lock) => lock.path !== mine && (!lock.owner || isAlive(lock.owner)));
    if (!other) return giveBack;
    giveBack();
    throw new LockError(refusalOf(path, other));
  }
}

const refusalOf = (path: string, { path: lock, owner }: Held): string =>
  owner
    ? `${path}: process ${owner.pid} on ${owner.host} is writing it; wait for it to end${owner.host === hostname() ? '' : `, or remove ${lock} if it has`}`
    : `${path}: ${lock} is no lock of ours; remove it if nothing is writing`;

function locksOf(path: string): Held[] {
  const prefix = `${basename(path)}.lock.`;
  return readdirSync(dirname(path))
    .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
    .flatMap((name) => {
      const lock = join(dirname(path), name);
      const text = textOf(lock);
      return text === undefined ? [] : [{ path: lock, number: Number(name.slice(prefix.length)), owner: ownerIn(text) }];
    });
}

/** What a file holds; undefined where it has gone meanwhile. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function ownerIn(text: string): Owner | undefined {
  try {
    const { pid, started, host } = JSON.parse(text) as Owner;
    return Number.isInteger(pid) && typeof started === 'string' && typeof host === 'string' ? { pid, started, host } : undefined;
  } catch {
    return undefined;
  }
}

/** Creates the lock with its content in one step; undefined where another process has made it first. */
function create(path: string, number: number): string | undefined {
  const lock = `${path}.lock.${number}`;
  const draft = `${path}.draft.${process.pid}`;
  const owner: Owner = { pid: process.pid, started: startOf(process.pid), host: hostname() };
  writeFileSync(draft, JSON.stringify(owner));
  try {
    linkSync(draft, lock);
    return lock;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Whether the process still runs. What another host does cannot be seen from here: its lock counts. */
function isAlive({ pid, started, host }: Owner): boolean {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return started === '' || startOf(pid) === started;
}

/** The 22nd field of proc(5)'s stat: ticks from the start of the system to that of the process. The second, a name, may hold blanks. */
function startOf(pid: number): string {
  const stat = textOf(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
