// Cold reads: files are put out of the page cache before they are read, so that they come from storage.
//
// Node has no posix_fadvise. GNU dd has: with `iflag=nocache count=0` it reads nothing and advises the system to drop what it caches of a file. That needs no
// privilege and touches no other file; /proc/sys/vm/drop_caches, which needs root and slows the whole machine, is what is left where there is no such dd.
// Whether reads were cold can be seen: the system counts what a process has read from storage.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const DROP = 'for file; do dd if="$file" iflag=nocache count=0 status=none || exit 1; done';
const DROP_ALL = '/proc/sys/vm/drop_caches';
/** Paths in one command line. */
const AT_ONCE = 500;

/** Puts files out of the page cache. Throws an Error that says what the system lacks. */
export function dropFromCache(paths: readonly string[]): void {
  try {
    for (let i = 0; i < paths.length; i += AT_ONCE)
      execFileSync('sh', ['-c', DROP, 'sh', ...paths.slice(i, i + AT_ONCE)], { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    try {
      // 1: the page cache alone.
      writeFileSync(DROP_ALL, '1');
    } catch {
      throw new Error(
        `reads cannot be made cold here: ${(error as Error).message.trim().split('\n').at(-1)}, and ${DROP_ALL} cannot be written; this needs GNU dd, or root`,
      );
    }
  }
}

/** Reads files once, so that the next reads come from memory. */
export function warmCache(paths: readonly string[]): void {
  for (const path of paths) readFileSync(path);
}

/** Bytes that this process has read from storage so far; undefined where the system does not say. */
export function bytesFromStorage(): number | undefined {
  try {
    const found = /^read_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'latin1'));
    return found ? Number(found[1]) : undefined;
  } catch {
    return undefined;
  }
}
