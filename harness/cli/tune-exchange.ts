// `bench tune export` and `import`: recordings to other tuners' forms, and back into a journal.

import { existsSync, writeFileSync } from 'node:fs';
import { UsageError } from '../suite.ts';
import { cacheFile } from '../tuner/cache-file.ts';
import { Journal } from '../tuner/journal.ts';
import { type Recording, readRecording } from '../tuner/recording.ts';
import { type Configuration, Space } from '../tuner/space.ts';
import { t1Document } from '../tuner/t1.ts';
import { t4Document } from '../tuner/t4-document.ts';
import { EXIT, type ExitCode } from './exit.ts';

export interface ExportFlags {
  readonly as: string;
  readonly out?: string;
}

export interface ImportFlags {
  readonly like: string;
  readonly out: string;
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

const FORMS: Readonly<Record<string, (recording: Recording) => string>> = {
  t1: (recording) => {
    const { name, device, tunables, header } = recording;
    const language = header?.machine.kind === 'cpu' ? 'WASM' : 'WGSL';
    return json(t1Document(header?.space ?? { tunables }, { name, device, language }));
  },
  t4: (recording) => json(t4Document(recording)),
  cache: cacheFile,
};

export function exportRecording(path: string, { as, out }: ExportFlags): ExitCode {
  const form = FORMS[as];
  if (!form) throw new UsageError(`--as is ${as}, expected ${Object.keys(FORMS).join(', ')}`);
  const recording = readRecording(path);
  if (recording.cut !== undefined) console.error(`bench: ${recording.cut}`);
  const text = form(recording);
  if (out === undefined) process.stdout.write(text);
  else write(out, text);
  return EXIT.passed;
}

function write(path: string, text: string): void {
  if (existsSync(path)) throw new UsageError(`--out: ${path} exists; nothing is overwritten`);
  try {
    writeFileSync(path, text, { flag: 'wx' });
  } catch (error) {
    throw new UsageError(`--out: ${path} cannot be written: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** What was measured elsewhere, as a journal like one of ours. Everything is checked before anything is written. */
export function importRecording(path: string, { like, out }: ImportFlags): ExitCode {
  const recording = readRecording(path);
  const { header } = readRecording(like);
  if (!header) throw new UsageError(`--like: ${like} is no journal of ours`);
  if (existsSync(out)) throw new UsageError(`--out: ${out} exists; nothing is overwritten`);
  const { device } = recording;
  if (device !== 'unknown' && device !== header.device)
    throw new UsageError(`${path}: was measured on ${device}, ${like} on ${header.device}; a journal is of one device`);
  const space = new Space(header.space);
  for (const { configuration } of recording.results) checkFits(configuration as Configuration, space, path);
  using journal = new Journal(out, { ...header, started_utc: recording.results[0].timestamp });
  for (const result of recording.results) journal.append(result);
  console.error(`${out}: ${recording.results.length} results`);
  return EXIT.passed;
}

function checkFits(configuration: Configuration, space: Space, path: string): void {
  const unknown = Object.keys(configuration).find((name) => !space.names.includes(name));
  if (unknown !== undefined) throw new UsageError(`${path}: the parameter ${unknown} is unknown here; expected ${space.names.join(', ')}`);
  if (!space.contains(configuration))
    throw new UsageError(`${path}: ${JSON.stringify(configuration)} is not in the space; its values or the constraints leave it out`);
}
