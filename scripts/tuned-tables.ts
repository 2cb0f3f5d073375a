// The shipped tables, made from raw results: `node scripts/tuned-tables.ts` reads every `table.json` that tunings below docs/results have left beside their
// journals, and writes kernels/tuned/data/: one JSON file for each machine and thread count, an entry a line, and the module that lists them.
//
// Of several entries for one problem and kernel the one of the folder that comes last by name counts. Entries of code that has changed since are left out:
// choosing would skip them.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableName } from '../framework/user-tables.ts';
import { kernelsFor } from '../kernels/catalog.ts';
import { codeVersion, type TunedEntry } from '../kernels/tuned/entry.ts';
import { parseTable, tableText } from '../kernels/tuned/file.ts';
import { problemKey } from '../kernels/tuned/problem-key.ts';
import { ROOT } from './sources.ts';

const RESULTS = join(ROOT, 'docs', 'results');
export const DATA = join(ROOT, 'kernels', 'tuned', 'data');

/** The entries of raw tables, by the name of the file they are shipped in. */
export function rawEntries(): Map<string, TunedEntry[]> {
  const kept = new Map<string, Map<string, TunedEntry>>();
  const paths = readdirSync(RESULTS, { recursive: true, encoding: 'utf8' }).filter((name) => /[\\/]tuning[\\/].*table\.json$/.test(name));
  for (const path of paths.sort())
    for (const entry of parseTable(readFileSync(join(RESULTS, path), 'utf8'), path).entries) {
      const name = tableName(entry.machine);
      const lines = kept.get(name) ?? new Map<string, TunedEntry>();
      kept.set(name, lines);
      lines.set([problemKey(entry.problem), entry.constants?.join() ?? '', entry.kernel].join('\n'), entry);
    }
  return new Map([...kept].map(([name, lines]) => [name, [...lines.values()]]));
}

/** Whether the code that an entry was measured with is what its kernel generates now. */
export function isCurrent({ machine, problem, kernel: name, tunables, code }: TunedEntry): boolean {
  const kernel = kernelsFor(problem.op, machine.kind).find((each) => each.name === name);
  const traits = { features: new Set(machine.features), limits: {} };
  return kernel !== undefined && codeVersion(kernel, problem, tunables, traits) === code;
}

/** Every file of kernels/tuned/data by name, as it should be. */
export function shippedFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const [name, entries] of rawEntries()) {
    const current = entries.filter(isCurrent);
    if (current.length > 0) files.set(name, tableText({ machine: current[0].machine, entries: current }));
  }
  const names = [...files.keys()].sort();
  const imports = names.map((name, i) => `import table${i} from './${name}' with { type: 'json' };`);
  const list = names.map((_, i) => `...entriesIn(table${i})`);
  files.set(
    'index.ts',
    `// What the project ships: a file for each machine that was measured. Written by scripts/tuned-tables.ts from the raw results in docs/results.

import type { TunedEntry } from '../entry.ts';
import { entriesIn } from '../file.ts';
${imports.join('\n')}

export const shippedEntries: readonly TunedEntry[] = [${list.join(', ')}];
`,
  );
  return files;
}

if (import.meta.main) for (const [name, text] of shippedFiles()) writeFileSync(join(DATA, name), text);
