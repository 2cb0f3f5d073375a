// The tables of this process: what the project ships, and what choices are made from.

import { shippedEntries } from './data/index.ts';
import { TunedTable } from './table.ts';

/** What this revision of the project ships: reviewed, and the same for everybody. */
export const shippedTable = new TunedTable(shippedEntries);

let active: TunedTable = shippedTable;

/** The table that `choose` goes by unless it is given one. */
export const activeTable = (): TunedTable => active;

/** Has this process choose from another table, such as the shipped one with what this machine has learnt. */
export function useTable(table: TunedTable): void {
  active = table;
}
