// A table as a file: JSON, one file for each machine, the same in the user's cache folder and among what is shared.
//
//   { "schema": "tilebench-tuned/1", "machine": {..}, "entries": [{ "problem": {..}, "kernel": "packed", "tunables": {..}, "code": "..", "seconds": 1e-4 }, ..] }

import type { Problem } from '../problem.ts';
import type { Machine, TunedEntry } from './entry.ts';
import { placeOf } from './problem-key.ts';

export const TABLE_SCHEMA = 'tilebench-tuned/1';

/** The entries of one machine. */
export interface TableFile {
  readonly machine: Machine;
  readonly entries: readonly TunedEntry[];
}

/** One entry a line, so that files compare and merge line by line. */
export function tableText({ machine, entries }: TableFile): string {
  const lines = entries.map(({ machine: _, ...entry }) => `    ${JSON.stringify(entry)}`);
  const head = `  "schema": ${JSON.stringify(TABLE_SCHEMA)},\n  "machine": ${JSON.stringify(machine)},`;
  return `{\n${head}\n  "entries": [\n${lines.join(',\n')}\n  ]\n}\n`;
}

/** The entries of a table that is known to be one. */
export const entriesIn = ({ machine, entries }: { readonly machine: object; readonly entries: readonly object[] }): TunedEntry[] =>
  entries.map((entry) => ({ ...entry, machine }) as TunedEntry);

/** Reads a table. Throws a SyntaxError of one line that names `where` and what is wrong. */
export function parseTable(text: string, where: string): TableFile {
  const fail = (what: string): never => {
    throw new SyntaxError(`${where}: ${what}`);
  };
  let file: Record<string, unknown>;
  try {
    file = JSON.parse(text);
  } catch (error) {
    return fail(`it is no JSON (${(error as Error).message}); a tuned table is`);
  }
  if (file?.schema !== TABLE_SCHEMA) fail(`its schema is ${JSON.stringify(file?.schema)}, expected "${TABLE_SCHEMA}"`);
  const machine = file.machine as Machine;
  if (machine?.kind !== 'cpu' && machine?.kind !== 'webgpu') fail('its machine has no kind, expected cpu or webgpu');
  if (machine.features !== undefined && !isList(machine.features, isText)) fail('the features of its machine are no list of names');
  if (!Array.isArray(file.entries)) fail('it has no list of entries');
  const entries = (file.entries as Record<string, unknown>[]).map((entry, i) => {
    const fault = faultOf(entry);
    if (fault !== undefined) fail(`entry ${i}: ${fault}`);
    return { ...entry, machine } as unknown as TunedEntry;
  });
  return { machine, entries };
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isList = (value: unknown, of: (each: unknown) => boolean): boolean => Array.isArray(value) && value.every(of);
const isSeconds = (value: unknown): boolean => typeof value === 'number' && value > 0 && Number.isFinite(value);

/** What is wrong with an entry, if anything. */
function faultOf(entry: Record<string, unknown>): string | undefined {
  if (typeof entry !== 'object' || entry === null) return 'it is no object';
  const { problem, constants, kernel, tunables, code, seconds, defaultSeconds } = entry;
  if (!isText(kernel)) return 'it names no kernel';
  if (!isText(code)) return 'it has no version of the code';
  if (!isSeconds(seconds)) return `its seconds are ${JSON.stringify(seconds)}, expected a number above 0`;
  if (defaultSeconds !== undefined && !isSeconds(defaultSeconds))
    return `its defaultSeconds are ${JSON.stringify(defaultSeconds)}, expected a number above 0`;
  if (constants !== undefined && !isList(constants, isText)) return 'its constants are no list of operands';
  const isNumbers =
    typeof tunables === 'object' && tunables !== null && Object.values(tunables).every((value) => typeof value === 'number');
  if (!isNumbers) return 'its tunables are no numbers by name';
  const known = placed(problem as Problem);
  return known ? undefined : 'its problem is none that this version knows';
}

/** Whether a problem can be told apart from others: whether it has the fields of its op. */
function placed(problem: Problem): boolean {
  try {
    const { class: name, sizes, bytes } = placeOf(problem);
    return name !== '' && Number.isFinite(bytes) && Object.values(sizes).every((size) => Number.isInteger(size) && size > 0);
  } catch {
    return false;
  }
}
