// From measurements to tables: the winner of what was measured of a kernel for a problem, as a line of the tuned table, and where such lines are kept.

import { storeEntries, tunedFolder } from '../../framework/user-tables.ts';
import { kernelsFor } from '../../kernels/catalog.ts';
import type { Tunables } from '../../kernels/kernel.ts';
import type { Problem } from '../../kernels/problem.ts';
import { codeVersion, type Machine, type TunedEntry } from '../../kernels/tuned/entry.ts';

export { storeEntries, tunedFolder };

/** What was measured of one kernel for one problem on one machine. */
export interface Measured {
  readonly machine: Machine;
  readonly problem: Problem;
  readonly constants: readonly string[];
  readonly kernel: string;
  /** In the order measured; of several of one configuration the last counts, but one that ever failed cannot win. Failures have no seconds. */
  readonly results: readonly { readonly tunables: Tunables; readonly seconds?: number }[];
  /** The kernel's defaults for the problem, where they are known. */
  readonly defaults?: Tunables;
}

/** A configuration as a key: its tunables by name, whatever order they came in. */
const keyOf = (tunables: Tunables): string => JSON.stringify(Object.entries(tunables).sort(([a], [b]) => (a < b ? -1 : 1)));

/** The fastest correct configuration as a line of the table; undefined where there is none, or where the kernel is not of the catalogue. */
export function winnerOf({ machine, problem, constants, kernel: name, results, defaults }: Measured): TunedEntry | undefined {
  const kernel = kernelsFor(problem.op, machine.kind).find((each) => each.name === name);
  const failed = new Set(results.filter(({ seconds }) => seconds === undefined).map(({ tunables }) => keyOf(tunables)));
  const last = new Map(results.map((result) => [keyOf(result.tunables), result]));
  let best: { tunables: Tunables; seconds: number } | undefined;
  for (const [key, { tunables, seconds }] of last)
    if (seconds !== undefined && !failed.has(key) && seconds < (best?.seconds ?? Number.POSITIVE_INFINITY)) best = { tunables, seconds };
  if (!kernel || !best) return undefined;
  const defaultSeconds = defaults && last.get(keyOf(defaults))?.seconds;
  return {
    machine,
    problem,
    ...(constants.length > 0 && { constants }),
    kernel: name,
    tunables: best.tunables,
    code: codeVersion(kernel, problem, best.tunables, { features: new Set(machine.features), limits: {} }),
    seconds: best.seconds,
    ...(defaultSeconds !== undefined && { defaultSeconds }),
  };
}
