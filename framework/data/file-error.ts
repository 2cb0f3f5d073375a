// Errors that name the file: damage inside a file stays a FormatError with the name put before it, what the system says of a file becomes one line.

import { excerpt, FormatError } from '../formats/array.ts';

/** Data that are not where they were looked for, or that the system does not give out; the message says what brings them. */
export class DataError extends Error {
  override readonly name = 'DataError';
}

/** Files that could not be written: the disk is full, the folder is not ours. */
export class WriteError extends Error {
  override readonly name = 'WriteError';
}

/** What `read` returns. A FormatError of it is thrown again with the file's name in front, once. */
export function naming<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError && !error.message.startsWith(`${printable(name)}: `))
      throw new FormatError(`${printable(name)}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** A file's name as a message may show it: whole, without control characters. */
export const printable = (name: string): string => excerpt(name, 300);

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'it may not be read',
  EISDIR: 'it is a folder, expected a file',
  ENOTDIR: 'a part of its path is no folder',
  EMFILE: 'too many files are open',
  EIO: 'the device failed',
};

/** What `use` returns. An error of the file system becomes a DataError that names the file. */
export function onFile<T>(name: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined || !(error as NodeJS.ErrnoException).syscall) throw error;
    throw new DataError(`${printable(name)}: ${REASONS[code] ?? message}`, { cause: error });
  }
}
