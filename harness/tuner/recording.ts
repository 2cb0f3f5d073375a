// A recording is what was measured of a space, whoever measured it: what strategies are replayed on, and what is exchanged with other tuners.
//
// Three forms are read, gzipped or not: our journals, T4 documents, and Kernel Tuner's cache files. Times are milliseconds in all three.

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { TunableSpace } from '../../kernels/kernel.ts';
import { UsageError } from '../suite.ts';
import { cacheRecording } from './cache-file.ts';
import { type JournalHeader, parseJournal, secondsOf } from './journal.ts';
import { type Configuration, Space } from './space.ts';
import type { T4Result } from './t4.ts';
import { t4Recording } from './t4-document.ts';

/** What a file holds, before it is a space. */
export interface RecordedResults {
  /** The kernel and its problem, in words. */
  readonly name: string;
  readonly device: string;
  readonly tunables: TunableSpace;
  readonly results: readonly T4Result[];
  /** Of our own journals. */
  readonly header?: JournalHeader;
  /** A word on what was cut off. */
  readonly cut?: string;
}

export interface Recording extends RecordedResults {
  /** The configurations that were measured. */
  readonly space: Space;
  /** Seconds by index of the space; infinite where the configuration failed. */
  readonly seconds: Float64Array;
}

/** Reads a recording. Throws a UsageError that names the file, and its line where it has lines. */
export function readRecording(path: string): Recording {
  const text = textOf(path);
  const found = recorded(text, path);
  const configurations = found.results.map(({ configuration }) => configuration as Configuration);
  let space: Space;
  try {
    space = Space.of(found.tunables, configurations);
  } catch (error) {
    throw new UsageError(`${path}: ${(error as Error).message}`);
  }
  const seconds = new Float64Array(space.size);
  for (const result of found.results) {
    const index = space.indexOf(result.configuration as Configuration);
    // Of several results the last counts, but what failed once stays failed.
    if (seconds[index] !== Number.POSITIVE_INFINITY) seconds[index] = secondsOf(result) ?? Number.POSITIVE_INFINITY;
  }
  if (!seconds.some(Number.isFinite)) throw new UsageError(`${path}: holds no configuration that was measured right`);
  return { ...found, space, seconds };
}

function textOf(path: string): string {
  try {
    const bytes = readFileSync(path);
    return (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('utf8');
  } catch (error) {
    throw new UsageError(`${path}: cannot be read: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`);
  }
}

function recorded(text: string, path: string): RecordedResults {
  if (isJournal(text)) {
    const { header, results, cut } = parseJournal(text, path);
    const name = `${header.name} ${header.kernel}`;
    return { name, device: header.device, tunables: header.space.tunables, results, header, cut };
  }
  const document = cacheOrDocument(text, path);
  if ('cache' in document) return cacheRecording(document, path);
  if ('results' in document) return t4Recording(document, path);
  throw new UsageError(`${path}: is no journal, no T4 document (it has no results) and no cache file of Kernel Tuner's (it has no cache)`);
}

/** A first line that is an object of its own, with a schema. */
function isJournal(text: string): boolean {
  try {
    return 'schema' in JSON.parse(text.slice(0, text.indexOf('\n') + 1 || undefined));
  } catch {
    return false;
  }
}

/** The object of a file; Kernel Tuner leaves the last two braces of its cache away while it is still writing. */
function cacheOrDocument(text: string, path: string): Record<string, unknown> {
  // Python writes numbers that JSON does not have.
  const plain = text.replaceAll(/:\s*(?:NaN|-?Infinity)\b/g, ': null').trimEnd();
  let failure: unknown;
  for (const whole of [plain, `${plain.replace(/,$/, '')}}}`, `${plain.replace(/,$/, '')}}`])
    try {
      const value: unknown = JSON.parse(whole);
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
      throw new Error(`it is ${plain.slice(0, 40)}, expected an object`);
    } catch (error) {
      failure ??= error;
    }
  throw new UsageError(`${path}: is not JSON: ${(failure as Error).message}`);
}
