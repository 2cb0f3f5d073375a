// Which tuned table a process chooses kernels by: what the project ships and, in Node, what this machine has learnt.
//
// The environment variable TILEBENCH_TUNE says otherwise: `shipped` for the project's tables alone, `off` for none.

import { EMPTY_TABLE, shippedTable, useTable } from '../kernels/index.ts';

export const TABLE_CHOICES = ['learnt', 'shipped', 'off'] as const;
export type TableChoice = (typeof TABLE_CHOICES)[number];

let prepared: Promise<void> | undefined;

/** Has this process choose from the table that is asked for; the first call counts. Damaged tables are told on standard error and left out. */
export function prepareTable(): Promise<void> {
  prepared ??= prepare(globalThis.process?.env?.TILEBENCH_TUNE);
  return prepared;
}

async function prepare(choice: string | undefined): Promise<void> {
  if (choice === 'off') return useTable(EMPTY_TABLE);
  if (choice === 'shipped' || !globalThis.process?.versions?.node) return;
  const { learntTable } = await import('./user-tables.ts');
  const { table, faults } = learntTable();
  for (const fault of faults) console.warn(`tilebench: ${fault}; what it holds is not used`);
  if (table.entries.length > 0) useTable(shippedTable.with(table));
}
