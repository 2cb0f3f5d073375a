// The user's own tuned tables: files in the cache folder, one for each machine, runtime and thread count. Node alone has them.

import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Machine,
  machineKey,
  parseTable,
  problemKey,
  type TableFile,
  type TunedEntry,
  TunedTable,
  tableText,
} from '../kernels/index.ts';
import { cacheFolder } from './cache-folder.ts';

/** Where a user's tables lie. It need not exist. */
export const tunedFolder = (env: NodeJS.ProcessEnv = process.env): string => join(cacheFolder(env), 'tuned');

/** Every table of a folder in one, and a line for each file that cannot be read. */
export function learntTable(folder = tunedFolder()): { readonly table: TunedTable; readonly faults: readonly string[] } {
  const [entries, faults]: [TunedEntry[], string[]] = [[], []];
  for (const name of tableNames(folder)) {
    const read = readTable(join(folder, name));
    if (typeof read === 'string') faults.push(read);
    else entries.push(...read.entries);
  }
  return { table: new TunedTable(entries), faults };
}

function tableNames(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .sort();
  } catch {
    return [];
  }
}

/** A table of a file, or what is wrong with it. */
export function readTable(path: string): TableFile | string {
  try {
    return parseTable(readFileSync(path, 'utf8'), path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === undefined ? message : `${path}: cannot be read: ${code}`;
  }
}

/** The file of a machine and its runtime: `cpu-2-some-processor-9000-node-24.21.0.json`. */
export function tableName(machine: Machine): string {
  const { kind, threads = '', name = 'any', runtime = '', features = [] } = machine;
  const wide = features.includes('revectorize') || kind !== 'cpu' ? '' : 'default-flags';
  const words = [kind, threads, name, runtime, wide].join(' ').toLowerCase();
  return `${words.replace(/[^a-z0-9.]+/g, '-').replace(/^-|-$/g, '')}.json`;
}

/**
 * Adds entries of one machine to its table, each in the place of what was known for the same problem, operands and kernel. Returns the file's path.
 *
 * Throws a SyntaxError where the table that is there cannot be read: it is never overwritten then.
 */
export function storeEntries(entries: readonly TunedEntry[], folder = tunedFolder()): string {
  const { machine } = entries[0];
  const stranger = entries.find((entry) => machineKey(entry.machine) !== machineKey(machine));
  if (stranger) throw new RangeError(`entries are of two machines, ${machineKey(machine)} and ${machineKey(stranger.machine)}`);
  const path = join(folder, tableName(machine));
  const known = tableNames(folder).includes(tableName(machine)) ? readTable(path) : undefined;
  if (typeof known === 'string') throw new SyntaxError(`${known}; put it right or remove it`);
  const kept = new Map<string, TunedEntry>();
  for (const entry of [...(known?.entries ?? []), ...entries]) kept.set(placeKey(entry), entry);
  mkdirSync(folder, { recursive: true });
  // A reader sees the old table or the new one, never half of it.
  const draft = `${path}.${process.pid}.part`;
  writeFileSync(draft, tableText({ machine, entries: [...kept.values()] }));
  renameSync(draft, path);
  return path;
}

const placeKey = ({ problem, constants = [], kernel }: TunedEntry): string =>
  [problemKey(problem), [...constants].sort().join(), kernel].join('\n');
