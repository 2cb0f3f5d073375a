// Files of the results folder, written so that what stood before a failure still stands after it.

import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { wholeLength } from '../harness/csv.ts';

/** A file that could not be written: the disk is full, the folder is gone, or it is not ours to write (exit code 4). */
export class WriteError extends Error {
  override readonly name = 'WriteError';
  readonly path: string;
  /** The system's code: `ENOSPC` where the disk is full. */
  readonly code: string;
  constructor(path: string, cause: NodeJS.ErrnoException) {
    const why = cause.code === 'ENOSPC' ? 'the disk is full' : (cause.code ?? cause.message);
    super(
      `${path}: cannot be written: ${why}; what was measured before is in the files. Make room or choose another folder, then go on with --resume`,
    );
    this.path = path;
    this.code = cause.code ?? '';
  }
}

function guarded<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw new WriteError(path, error as NodeJS.ErrnoException);
  }
}

/** Replaces a file as a whole: whoever reads it sees the old text or the new one. Throws a WriteError, and the old text stays. */
export function replaceFile(path: string, text: string): void {
  const fresh = `${path}.new`;
  guarded(path, () => {
    try {
      writeFileSync(fresh, text, { flush: true });
      renameSync(fresh, path);
    } catch (error) {
      rmSync(fresh, { force: true });
      throw error;
    }
  });
}

/** A file that only grows. What is appended is in it whole or not at all. */
export interface Appender {
  /** Throws a WriteError; the file then is as long as before. */
  append(text: string): void;
  close(): void;
}

export function openAppender(path: string): Appender {
  const file = guarded(path, () => openSync(path, 'a'));
  return {
    append(text) {
      const before = guarded(path, () => fstatSync(file).size);
      const bytes = Buffer.from(text);
      guarded(path, () => {
        try {
          for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
        } catch (error) {
          if (fstatSync(file).isFile()) ftruncateSync(file, before);
          throw error;
        }
      });
    },
    close: () => closeSync(file),
  };
}

/** Cuts off a last record that its writer never finished, and returns what stands. A file that is not there is empty. */
export function cutTornRecord(path: string): string {
  if (!existsSync(path)) return '';
  const text = readFileSync(path, 'utf8');
  const whole = text.slice(0, wholeLength(text));
  if (whole.length < text.length) guarded(path, () => truncateSync(path, Buffer.byteLength(whole)));
  return whole;
}
