// Launching what was chosen, and the next best where it does not launch: a line of the tuned table is a promise of another program, driver or day.

import type { Choice, TuneSource } from './catalog.ts';
import { DeviceError } from './device.ts';
import type { Launch } from './launch.ts';
import { invalidate } from './tuned/table.ts';

const counts = new Map<TuneSource, number>();

/** How many launches of this process took their tunables from where. */
export const launchSources = (): ReadonlyMap<TuneSource, number> => new Map(counts);

/**
 * The launch that `make` makes of a choice. Where that throws a DeviceError and the choice was the table's, its line is left out for the rest of the
 * process and `again` chooses anew; defaults are the last to be tried, and their error is thrown.
 *
 * A device that compiles in the background tells later: `launch.ready` then rejects, the line is left out all the same, and `failed` is called.
 */
export function launched(choice: Choice, again: () => Choice, make: (choice: Choice) => Launch, failed?: () => void): Launch {
  let current = choice;
  for (;;) {
    const { entry, source } = current;
    try {
      const launch = make(current);
      counts.set(source, (counts.get(source) ?? 0) + 1);
      if (entry)
        launch.ready.catch(() => {
          invalidate(entry);
          failed?.();
        });
      return launch;
    } catch (error) {
      if (!entry || !(error instanceof DeviceError)) throw error;
      invalidate(entry);
      current = again();
    }
  }
}
