// A log in a folder: curves as CSV and an event file of TensorBoard. Node's modules are loaded when a log is opened, and no earlier.

import { Log } from './log.ts';
import { csvWriter, eventWriter } from './writers.ts';

const FORMATS = ['tensorboard', 'csv'] as const;
export type LogFormat = (typeof FORMATS)[number];

export interface OpenLogOptions {
  /** The run's name, a path below the folder: TensorBoard draws each run's curves in a colour of its own. The folder itself if absent. */
  readonly run?: string;
  /** Both if absent. */
  readonly formats?: readonly LogFormat[];
}

/**
 * Opens a log for one run: `scalars.csv`, which is written anew, and an event file, which is new each time and voids what earlier ones of the run hold from its
 * first step on. `tensorboard --logdir FOLDER` shows it, also while it grows; what was logged is in the files even if the process is killed.
 *
 * Rejects with a TypeError for a format that there is not, a RangeError for a run outside of the folder, and the system's error where a file cannot be made.
 */
export async function open(folder: string, { run = '', formats = FORMATS }: OpenLogOptions = {}): Promise<Log> {
  const unknown = formats.find((format) => !FORMATS.includes(format));
  if (unknown !== undefined) throw new TypeError(`log: there is no format ${unknown}; there are ${FORMATS.join(', ')}`);
  if (/^[/\\]|(^|[/\\])\.\.([/\\]|$)/.test(run))
    throw new RangeError(`log: the run '${run}' lies outside of ${folder}; expected a path below it`);
  const { eventFileName, fileSink, pathIn } = await import('./file.ts');
  const now = Date.now();
  const writers = {
    csv: () => csvWriter(run, fileSink(pathIn(folder, run, 'scalars.csv'))),
    tensorboard: () => eventWriter(fileSink(pathIn(folder, run, eventFileName(now))), now),
  };
  return new Log(formats.map((format) => writers[format]()));
}
