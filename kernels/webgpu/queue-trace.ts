// What a queue did and when, for traces: a span for each dispatch by the GPU's own clock, put on the host's clock.
//
// The GPU tells the time at the boundaries of compute passes only, so while a trace is recorded every dispatch has a pass of its own. Timestamps are fetched
// together with the first read or sync after them, so that no wait is added. Copies lie outside of passes and are not seen. Without timestamps a span reaches
// from the submit to the moment when the host knew that all was done.
//
// The clocks: work ends before the host can know it, so the host's time of a wait's end less the GPU's end of the work is never below their true
// difference. The smallest seen is taken.

import { clockNs, type Recorder } from '../span.ts';
import type { Batch } from './batch.ts';
import type { Staging } from './staging.ts';

const TRACK = 'webgpu queue';
const IN_FLIGHT = 'webgpu batches in flight';
/** Passes between two waits that can be timed: a query set holds 4096 queries at most. */
const PASSES = 2048;

/** Timestamps on their way to the host. */
interface Fetching {
  readonly labels: readonly string[];
  readonly staging: GPUBuffer;
}

export class QueueTrace {
  #recorder: Recorder;
  #queries: GPUQuerySet | undefined;
  #resolved: GPUBuffer | undefined;
  /** Labels of the passes since the last fetch, in order. */
  #labels: string[] = [];
  /** What the host's clock has more than the GPU's. */
  #offsetNs = Infinity;
  /** Submits that the host does not know to be done. */
  #inFlight: { readonly name: string; readonly atNs: number }[] = [];

  constructor(gpu: GPUDevice, recorder: Recorder) {
    this.#recorder = recorder;
    if (!gpu.features.has('timestamp-query')) return;
    this.#queries = gpu.createQuerySet({ type: 'timestamp', count: 2 * PASSES });
    this.#resolved = gpu.createBuffer({ size: 16 * PASSES, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
  }

  /** Where the pass of a dispatch writes its begin and end; undefined where that cannot be, or is too much to be cheap. */
  next(label: string): GPUComputePassTimestampWrites | undefined {
    if (!this.#queries || this.#labels.length >= PASSES || !this.#recorder.admits()) return undefined;
    const first = 2 * (this.#labels.push(label) - 1);
    return { querySet: this.#queries, beginningOfPassWriteIndex: first, endOfPassWriteIndex: first + 1 };
  }

  submitted(name: string): void {
    const atNs = clockNs();
    this.#inFlight.push({ name, atNs });
    this.#recorder.count(IN_FLIGHT, this.#inFlight.length, atNs);
  }

  /** Records the copy of all timestamps since the last fetch; undefined where there are none. */
  fetch(batch: () => Batch, staging: Staging): Fetching | undefined {
    const labels = this.#labels;
    if (labels.length === 0) return undefined;
    this.#labels = [];
    const target = staging.take(16 * labels.length);
    batch()
      .endPass()
      .resolveQuerySet(this.#queries!, 0, 2 * labels.length, this.#resolved!, 0);
    batch().copy(this.#resolved!, 0, target, 0, 16 * labels.length);
    return { labels, staging: target };
  }

  /** Waits for `outcome`, for which everything submitted so far must end, and tells what the queue did until then. */
  async told<T>(outcome: Promise<T>, fetching: Fetching | undefined, staging: Staging): Promise<T> {
    const awaited = this.#inFlight;
    const bytes = fetching && staging.read(fetching.staging, 0, 16 * fetching.labels.length);
    const value = await outcome;
    const endNs = clockNs();
    if (fetching) this.#tell(fetching.labels, new BigUint64Array((await bytes)!.buffer), endNs);
    if (!this.#queries) for (const { name, atNs } of awaited) this.#recorder.span(TRACK, name, 'kernel', atNs, endNs);
    // A wait that began later may have ended first, and told these already.
    if (this.#inFlight.length > 0) {
      this.#inFlight = this.#inFlight.slice(this.#inFlight.indexOf(awaited[awaited.length - 1]) + 1);
      this.#recorder.count(IN_FLIGHT, this.#inFlight.length, endNs);
    }
    return value;
  }

  /** Spans of passes, from their timestamps: begin and end by turns. A GPU may leave one out, as 0. */
  #tell(labels: readonly string[], ticks: BigUint64Array, knownNs: number): void {
    const lastNs = Math.max(...Array.from(ticks, Number));
    this.#offsetNs = Math.min(this.#offsetNs, knownNs - lastNs);
    for (const [i, label] of labels.entries()) {
      const [begin, end] = [ticks[2 * i], ticks[2 * i + 1]];
      if (begin === 0n || end < begin) continue;
      this.#recorder.span(TRACK, label, 'kernel', Number(begin) + this.#offsetNs, Number(end) + this.#offsetNs);
    }
  }
}
