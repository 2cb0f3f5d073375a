// The folder of a selftest: `selftest.jsonl`, which only grows, and `selftest.csv`, the table that follows from it.

import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { openAppender, replaceFile, WriteError } from '../../../reports/file.ts';
import type { Finding } from '../../selftest/findings.ts';
import type { Overhead } from '../../selftest/overhead.ts';
import { OVERHEAD, type Recording, readRecording, type SelftestHeader, type Trial } from '../../selftest/recording.ts';
import { UsageError } from '../../suite.ts';

const NAME = 'selftest.jsonl';

export interface SelftestFolder extends Disposable {
  readonly dir: string;
  readonly recording: Recording;
  /** Throws a WriteError. */
  add(trial: Trial): void;
  addOverhead(overhead: Overhead): void;
  finish(findings: readonly Finding[]): void;
}

/** Opens a new folder, or one to go on with: the same machine, seed, terms and benchmarks. Throws a UsageError, a WriteError. */
export function openSelftest(dir: string, header: SelftestHeader, resume = false): SelftestFolder {
  if (!resume && existsSync(dir) && readdirSync(dir).length > 0)
    throw new UsageError(`--out: the folder ${dir} is not empty; give another, or --resume to go on`);
  try {
    mkdirSync(dir, { recursive: true });
  } catch (error) {
    throw new WriteError(dir, error as NodeJS.ErrnoException);
  }
  const path = join(dir, NAME);
  const earlier = resume && existsSync(path) ? goingOn(path, header) : undefined;
  const appender = openAppender(path);
  if (!earlier) appender.append(`${JSON.stringify(header)}\n`);
  const trials: Trial[] = [...(earlier?.trials ?? [])];
  let { overhead } = earlier ?? {};
  return {
    dir,
    get recording() {
      return { header: earlier?.header ?? header, overhead, trials };
    },
    add(trial) {
      appender.append(`${JSON.stringify(trial)}\n`);
      trials.push(trial);
    },
    addOverhead(measured) {
      appender.append(`${JSON.stringify({ kind: OVERHEAD, ...measured })}\n`);
      overhead = measured;
    },
    finish: (findings) => replaceFile(join(dir, 'selftest.csv'), csvOf(findings)),
    [Symbol.dispose]: () => appender.close(),
  };
}

/** Reads a recording, compressed or not. Throws a UsageError for what is none. */
export function readSelftest(path: string): Recording {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = gunzipSync(bytes);
  } catch (error) {
    throw new UsageError(`--from: ${path} cannot be read: ${(error as Error).message}`);
  }
  return readRecording(bytes.toString('utf8'), path);
}

function goingOn(path: string, header: SelftestHeader): Recording {
  const text = readFileSync(path, 'utf8');
  const earlier = readRecording(text, path);
  // A line that was never finished goes, so that the next one starts a line.
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) truncateSync(path, Buffer.byteLength(whole));
  const differs = (['fingerprint', 'seed', 'terms', 'budget', 'benchmarks'] as const).find(
    (name) => JSON.stringify(earlier.header[name]) !== JSON.stringify(header[name]),
  );
  if (differs)
    throw new UsageError(
      `--resume: ${path} began with other ${differs === 'fingerprint' ? `machine or software (${earlier.header.cpu}, Node ${earlier.header.node})` : differs}; give the same options on the same machine, or start a new one`,
    );
  return earlier;
}

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

const csvOf = (findings: readonly Finding[]): string =>
  `what,asked,measured,met\n${findings.map(({ what, asked, measured, met }) => `${[what, asked, measured].map(quoted).join(',')},${met ?? ''}\n`).join('')}`;
