// What the project ships: a file for each machine that was measured.

import type { TunedEntry } from '../entry.ts';

export const shippedEntries: readonly TunedEntry[] = [];
