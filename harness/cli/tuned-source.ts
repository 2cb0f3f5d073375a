// Where a run's tunables come from: `--tune` and `--pin` as a table for this process, and as a word for the processes of its arms.

import { learntTable, tunedFolder } from '../../framework/user-tables.ts';
import { shippedTable, useTable } from '../../kernels/tuned/active.ts';
import { EMPTY_TABLE, type TunedTable } from '../../kernels/tuned/table.ts';
import { UsageError } from '../suite.ts';
import type { RunFlags } from './run-options.ts';

type TuneFlags = Pick<RunFlags, 'tune' | 'pin' | 'tuneBudget'>;

/** Throws a UsageError where `--pin` is asked to hold still and `--tune` to move. */
export function checkTuneFlags({ tune, pin, tuneBudget }: TuneFlags): void {
  if (tuneBudget && tune !== 'tune' && tune !== 'force')
    throw new UsageError(`--tune-budget is what tuning may take, and --tune ${tune} tunes nothing; give --tune tune or force`);
  if (pin && tune !== 'cache')
    throw new UsageError(
      `--pin takes tunables from the tables of this revision, and --tune ${tune} takes them elsewhere; give one of them`,
    );
}

/**
 * The table that a run chooses from, which becomes this process's and that of the arms to come.
 *
 * off: none. cache, tune, force: the project's with what this machine has learnt. --pin: the project's alone. Files that cannot be read are told on standard
 * error and left out.
 */
export function tableOf({ tune, pin }: Pick<TuneFlags, 'tune' | 'pin'>): TunedTable {
  const choice = tune === 'off' ? 'off' : pin ? 'shipped' : 'learnt';
  // Arms read it when they open a device: see framework/tuned.ts.
  process.env.TILEBENCH_TUNE = choice;
  const table = choice === 'off' ? EMPTY_TABLE : choice === 'shipped' ? shippedTable : shippedTable.with(learnt());
  useTable(table);
  return table;
}

function learnt(): TunedTable {
  const { table, faults } = learntTable(tunedFolder());
  for (const fault of faults) console.error(`bench: ${fault}; what it holds is not used`);
  return table;
}
