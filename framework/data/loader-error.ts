// Errors of loading: what failed, in which sample of which file.

import { DataError, printable } from './file-error.ts';

/** Data that could not be loaded: a thread that died, memory that is not there, a dataset that opens nowhere else. */
export class LoaderError extends DataError {}

/** A sample that could not be loaded. */
export class SampleError extends LoaderError {
  readonly index: number;
  constructor(index: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.index = index;
  }
}

/** Characters of a message that are kept. */
const MOST = 600;

/** What is said of a sample that failed: its index, where it comes from, and why, each once and on one line. */
export function sampleMessage(index: number, name: string | undefined, error: unknown): string {
  const why = (error instanceof Error ? error.message : String(error)).split('\n')[0].slice(0, MOST);
  const from = name === undefined || why.includes(printable(name)) ? '' : ` (${printable(name)})`;
  return `sample ${index}${from}: ${why}`;
}
