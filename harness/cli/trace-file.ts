// The file of `--trace`: one for all suites of a command, written anew when each has ended.

import { writeFileSync } from 'node:fs';
import { clockNs, type Recorder, startTracing } from '../../kernels/span.ts';
import { replaceFile } from '../../reports/file.ts';
import { type TraceRecorder, traceRecorder } from '../../reports/trace.ts';
import { UsageError } from '../suite.ts';

export class TraceFile {
  readonly path: string;
  /** Where samples, and what arms have recorded, go. */
  readonly recorder: TraceRecorder = traceRecorder({ now: clockNs });
  /** What the parent records itself. */
  #own: Recorder = startTracing();

  /** Throws a UsageError for a path that cannot be written: better known before a long run than after it. */
  constructor(path: string) {
    try {
      writeFileSync(path, '');
    } catch (error) {
      throw new UsageError(`--trace: ${path} cannot be written: ${(error as Error).message}`);
    }
    this.path = path;
  }

  /** Writes all there is, and says what there is not. Throws a WriteError. */
  write(): void {
    this.recorder.parent(this.#own.take());
    replaceFile(this.path, this.recorder.json());
    const { skipped, refused } = this.recorder.missing;
    if (skipped > 0) console.error(`trace: ${skipped} events were left out, so that recording stays cheap`);
    if (refused > 0) console.error(`trace: ${refused} events had no room any more; less --time or fewer --forks show all`);
  }
}
