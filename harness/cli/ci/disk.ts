// A full disk, as programs that we start tell of it.

/** The disk is full where a revision is made ready; exit code 4, like that of every write that fails. */
export class DiskFullError extends Error {
  // The name by which exit codes know it (harness/cli/exit.ts).
  override readonly name = 'WriteError';
  constructor(path: string) {
    super(`${path}: cannot be written: the disk is full; make room, or set TMPDIR and TILEBENCH_CACHE to folders on another disk`);
  }
}

/** Whether what a program has said means that it could not write; signal 25 ends one whose files may not grow so large. */
export const isDiskFull = (said: string): boolean =>
  /\b(ENOSPC|EDQUOT|EFBIG)\b|No space left|quota exceeded|File too large|died of signal 25\b/i.test(said);
