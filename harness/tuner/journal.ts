// A journal is what was measured of one kernel on one device for one problem: a header line, then a line for each configuration, only ever appended.
//
//   {"schema": "tilebench-journal/1", "device": "cpu/...", "kernel": "packed", "problem": {...}, "generator": "3f2a...", "space": {...}, ...}
//   {"timestamp": "...", "configuration": {"MR": 6, ...}, "times": {...}, "invalidity": "correct", "correctness": 1, "measurements": [...], ...}
//
// Each line is handed to the system before the next configuration is begun, so that a killed process loses at most the one it was measuring.

import { closeSync, existsSync, fstatSync, ftruncateSync, mkdirSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { TunableSpace, Tunables } from '../../kernels/kernel.ts';
import type { Op, Problem } from '../../kernels/problem.ts';
import type { Machine } from '../../kernels/tuned/entry.ts';
import { UsageError } from '../suite.ts';
import { takeLock } from './lock.ts';
import type { T4Result } from './t4.ts';

export const JOURNAL_SCHEMA = 'tilebench-journal/1';

export interface JournalHeader {
  readonly schema: typeof JOURNAL_SCHEMA;
  /** Of `machineKey`: kind, model, threads, features. */
  readonly device: string;
  /** The same in parts, with runtime and driver. */
  readonly machine: Machine;
  readonly op: Op;
  readonly kernel: string;
  /** The problem's name: `matmul/256x256x256/nn/f32`. */
  readonly name: string;
  readonly problem: Problem;
  /** Operands that hold the same values in every call. */
  readonly constants: readonly string[];
  /** Of `codeVersion`, with the kernel's defaults: a journal of other code is not gone on with. */
  readonly generator: string;
  /** The space that was searched; with it the journal can be replayed where there is neither the device nor the kernel. */
  readonly space: {
    readonly tunables: TunableSpace;
    readonly constraints: readonly string[];
    readonly constants: Readonly<Record<string, number>>;
  };
  /** Whose clock: the host's around a batch of calls, or the device's own. */
  readonly timer: 'wall' | 'device';
  readonly started_utc: string;
}

/** A file that is no journal, or not this one's. */
export class JournalError extends UsageError {}

/** The disk is full, or the file is not ours to write (exit code 4). */
export class JournalWriteError extends Error {
  override readonly name = 'WriteError';
  constructor(path: string, { code, message }: NodeJS.ErrnoException) {
    const why = code === 'ENOSPC' ? 'the disk is full' : (code ?? message);
    super(`${path}: cannot be written: ${why}; what was measured before is in it. Make room, then go on with --resume`);
  }
}

export interface Journalled {
  readonly header: JournalHeader;
  readonly results: readonly T4Result[];
  /** A word on a last line that was cut off, where there is one. It is left out. */
  readonly cut?: string;
  /** Bytes of whole lines: what follows is the cut one. */
  readonly bytes: number;
}

/** A configuration as a key: its tunables by name, whatever order they came in. */
export const configurationKey = (tunables: Tunables): string =>
  Object.keys(tunables)
    .sort()
    .map((name) => `${name}=${tunables[name]}`)
    .join(',');

/** Seconds of a call, of a result that is correct; undefined of a failure. */
export const secondsOf = ({ invalidity, measurements }: T4Result): number | undefined =>
  invalidity === 'correct' ? measurements.find(({ name }) => name === 'time')!.value / 1000 : undefined;

/** Reads a journal. Throws a JournalError that names the line that makes no sense; a last line without an end is left out, with a word. */
export function readJournal(path: string): Journalled {
  let text: string;
  try {
    const bytes = readFileSync(path);
    text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  } catch (error) {
    throw new JournalError(`${path}: cannot be read: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`);
  }
  return parseJournal(text, path);
}

/** The same of a journal's text; `path` is what messages call it. */
export function parseJournal(text: string, path: string): Journalled {
  const lines = text.split('\n');
  const rest = lines.pop()!;
  if (lines.length === 0) throw new JournalError(`${path}: has no header line, so it is no journal; give another folder by --out`);
  const header = headerIn(lines[0], `${path}: line 1`);
  const results = lines.slice(1).map((line, i) => resultIn(line, header, `${path}: line ${i + 2}`));
  if (rest === '') return { header, results, bytes: Buffer.byteLength(text) };
  const cut = `${path}: line ${lines.length + 1} was cut off after ${Buffer.byteLength(rest)} bytes; it is left out, and its configuration measured again`;
  return { header, results, cut, bytes: Buffer.byteLength(text) - Buffer.byteLength(rest) };
}

function parsed(line: string, where: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new JournalError(
      `${where}: is not JSON (${(error as Error).message}); put it right, or remove it to measure its configuration again`,
    );
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new JournalError(`${where}: is ${line.slice(0, 40)}, expected an object`);
  return value as Record<string, unknown>;
}

function headerIn(line: string, where: string): JournalHeader {
  const header = parsed(line, where) as unknown as JournalHeader;
  if (header.schema !== JOURNAL_SCHEMA)
    throw new JournalError(
      `${where}: schema is ${JSON.stringify(header.schema) ?? 'missing'}, expected "${JOURNAL_SCHEMA}"; give another folder by --out`,
    );
  const { device, machine, kernel, generator, problem, space } = header;
  const complete =
    [device, kernel, generator].every((field) => typeof field === 'string') &&
    typeof problem === 'object' &&
    space?.tunables &&
    machine?.kind;
  if (!complete)
    throw new JournalError(`${where}: lacks device, machine, kernel, problem, generator or space, so it is no header of a journal`);
  return header;
}

const INVALIDITIES = ['timeout', 'compile', 'runtime', 'correctness', 'constraints', 'correct'];

function resultIn(line: string, { space }: JournalHeader, where: string): T4Result {
  const result = parsed(line, where) as unknown as T4Result;
  const fail = (what: string): never => {
    throw new JournalError(`${where}: ${what}; put it right, or remove the line to measure its configuration again`);
  };
  const { configuration, invalidity, times, measurements, correctness } = result;
  if (typeof configuration !== 'object' || configuration === null) return fail('has no configuration');
  for (const [name, values] of Object.entries(space.tunables))
    if (!values.includes(configuration[name] as number)) fail(`${name} is ${configuration[name]}, expected one of ${values.join(', ')}`);
  const unknown = Object.keys(configuration).find((name) => !(name in space.tunables));
  if (unknown !== undefined) fail(`there is no tunable ${unknown}`);
  if (!INVALIDITIES.includes(invalidity)) fail(`invalidity is ${invalidity}, expected one of ${INVALIDITIES.join(', ')}`);
  if (typeof correctness !== 'number' || typeof times !== 'object' || !Array.isArray(times?.runtimes))
    fail('lacks correctness or times.runtimes');
  if (invalidity !== 'correct') return result;
  const time = Array.isArray(measurements) ? measurements.find(({ name }) => name === 'time')?.value : undefined;
  return typeof time === 'number' && time > 0 ? result : fail(`its measured time is ${time}, expected a number above 0`);
}

/** What must be equal for a journal to be gone on with, in words. */
const IDENTITY: readonly [keyof JournalHeader, string][] = [
  ['device', 'another device'],
  ['kernel', 'another kernel'],
  ['problem', 'another problem'],
  ['constants', 'other constant operands'],
  ['generator', 'another version of the code generator'],
  ['machine', 'another runtime or driver'],
  ['timer', 'another timer'],
  ['space', 'another space'],
];

const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 160 ? `${text.slice(0, 157)}...` : text;
};

function checkSame(path: string, found: JournalHeader, wanted: JournalHeader): void {
  for (const [field, words] of IDENTITY)
    if (JSON.stringify(found[field]) !== JSON.stringify(JSON.parse(JSON.stringify(wanted[field]))))
      throw new JournalError(
        `${path}: is of ${words}: it has ${shown(found[field])}, this is ${shown(wanted[field])}; give another folder by --out`,
      );
}

/** A journal that is open for appending, under its lock. */
export class Journal implements Disposable {
  readonly path: string;
  readonly header: JournalHeader;
  /** A word on what was found damaged. */
  readonly cut?: string;
  #results: T4Result[];
  /** By configuration: the last result, but a failure stays one whatever came after. */
  #known = new Map<string, T4Result>();
  #file: number;
  #giveBack: () => void;

  /**
   * Opens the journal at `path`, and makes it where there is none. One that exists is gone on with where `resume` is set and its header says the same;
   * a JournalError says what differs, or that it exists. Throws a LockError where another process is writing it.
   */
  constructor(path: string, header: JournalHeader, { resume = false }: { resume?: boolean } = {}) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true });
    this.#giveBack = takeLock(path);
    try {
      const found = existsSync(path) ? this.#goOn(header, resume) : undefined;
      this.header = found?.header ?? header;
      this.cut = found?.cut;
      this.#results = [...(found?.results ?? [])];
      for (const result of this.#results) this.#note(result);
      this.#file = openSync(path, 'a');
      if (!found) this.#write(header);
    } catch (error) {
      this.#giveBack();
      throw error;
    }
  }

  #goOn(header: JournalHeader, resume: boolean): Journalled | undefined {
    const text = readFileSync(this.path, 'utf8');
    // A process that was killed while it wrote the header has measured nothing yet.
    if (!text.includes('\n') && (text === '' || text.startsWith('{"schema"'))) {
      truncateSync(this.path, 0);
      return undefined;
    }
    const found = readJournal(this.path);
    if (!resume) throw new JournalError(`${this.path}: exists; give another folder by --out, or --resume to go on with it`);
    checkSame(this.path, found.header, header);
    if (found.cut !== undefined) truncateSync(this.path, found.bytes);
    return found;
  }

  /** All lines, in the order measured. */
  get results(): readonly T4Result[] {
    return this.#results;
  }

  /** The result of a configuration; a failure, where it ever failed. */
  find(tunables: Tunables): T4Result | undefined {
    return this.#known.get(configurationKey(tunables));
  }

  /** Appends a line; when it returns, the system has it. */
  append(result: T4Result): void {
    this.#write(result);
    this.#results.push(result);
    this.#note(result);
  }

  #note(result: T4Result): void {
    const key = configurationKey(result.configuration as Tunables);
    const known = this.#known.get(key);
    if (!known || known.invalidity === 'correct') this.#known.set(key, result);
  }

  /** A line is in the file whole or not at all. */
  #write(value: object): void {
    const bytes = Buffer.from(`${JSON.stringify(value)}\n`);
    const before = fstatSync(this.#file).size;
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done);
    } catch (error) {
      ftruncateSync(this.#file, before);
      throw new JournalWriteError(this.path, error as NodeJS.ErrnoException);
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
    this.#giveBack();
  }
}
