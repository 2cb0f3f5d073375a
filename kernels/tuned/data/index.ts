// What the project ships: a file for each machine that was measured. Written by scripts/tuned-tables.ts from the raw results in docs/results.

import type { TunedEntry } from '../entry.ts';
import { entriesIn } from '../file.ts';
import table0 from './cpu-2-intel-r-xeon-r-processor-node-24.21.0.json' with { type: 'json' };

export const shippedEntries: readonly TunedEntry[] = [...entriesIn(table0)];
