// Files that logs are written to, a write call each time: the system has the bytes when it returns, whatever becomes of the process.

import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import type { ByteSink } from './writers.ts';

export const pathIn = join;

let opened = 0;

/** TensorBoard finds files by `tfevents`, and reads those of a folder in the order of their names. */
export const eventFileName = (time: number): string => {
  const seconds = `${Math.floor(time / 1000)}`.padStart(10, '0');
  return `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.${opened++}`;
};

/** A new file, or an old one written anew. Throws the system's errors, which name the path. */
export function fileSink(path: string): ByteSink {
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, 'w');
  return {
    write(bytes) {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    },
    close: () => closeSync(file),
  };
}
