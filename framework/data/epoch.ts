// An epoch is one pass over the data, as an iterator of batches. It can be left at any time: by break, by return(), by the loader's close().

import { clockNs, MAIN_THREAD, type Recorder } from '../../kernels/span.ts';
import type { Accounting } from './accounting.ts';
import { Batch } from './batch.ts';
import { LoaderError } from './loader-error.ts';
import type { Ring } from './ring.ts';
import type { Source } from './source.ts';

interface Options {
  readonly number: number;
  readonly source: Source;
  /** Settles when the epoch before has let go of the ring. */
  readonly after: Promise<void> | undefined;
  readonly ring: Ring;
  readonly accounting: Accounting;
  readonly recorder: Recorder | undefined;
}

export class Epoch implements AsyncIterableIterator<Batch> {
  readonly number: number;
  readonly #options: Options;
  #batch: Batch | undefined;
  #isAsked = false;
  #ended: LoaderError | 'end' | undefined;
  #samples = 0;
  #fault: string | undefined;

  constructor(options: Options) {
    this.number = options.number;
    this.#options = options;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next batch; the one before is let go of. Rejects with a LoaderError, which ends the epoch. */
  async next(): Promise<IteratorResult<Batch, undefined>> {
    if (this.#isAsked)
      throw new LoaderError('DataLoader: the next batch was asked for before the last one had come; await one after the other');
    if (this.#ended instanceof LoaderError) throw this.#ended;
    if (this.#ended) return { done: true, value: undefined };
    this.#release();
    this.#isAsked = true;
    try {
      const batch = await this.#advance();
      if (batch) return { done: false, value: batch };
      await this.end();
      return { done: true, value: undefined };
    } catch (error) {
      // Whoever ended the epoch meanwhile has said why.
      const ended = this.#ended;
      await this.end();
      if (ended === 'end') return { done: true, value: undefined };
      throw ended ?? error;
    } finally {
      this.#isAsked = false;
    }
  }

  /** The next batch that holds anything. */
  async #advance(): Promise<Batch | undefined> {
    const { source, after, ring, accounting, recorder } = this.#options;
    await after;
    for (;;) {
      const began = clockNs();
      const ready = source.ready();
      const taken = await source.next();
      const now = clockNs();
      if (this.#ended instanceof LoaderError) throw this.#ended;
      if (!taken || this.#ended) break;
      const { number, slot, indices, making, message } = taken;
      if (recorder?.admits()) {
        recorder.span(MAIN_THREAD, 'next batch', 'wait', began, now, { batch: number });
        recorder.count('batches ready', ready, began);
      }
      const record = { ...making, epoch: this.number, number, size: indices.length, waitNs: now - began, ready };
      accounting.add(record, message);
      this.#samples += indices.length;
      this.#fault ??= message;
      if (indices.length === 0) continue;
      this.#batch = new Batch(record, indices, ring.arrays(slot, indices.length));
      return this.#batch;
    }
    if (this.#samples === 0 && this.#fault !== undefined)
      throw new LoaderError(`DataLoader: every sample was skipped, the first because of ${this.#fault}`);
    return undefined;
  }

  /** Leaves the epoch: threads that work for it are gone when this resolves. */
  async return(): Promise<IteratorReturnResult<undefined>> {
    await this.end();
    return { done: true, value: undefined };
  }

  /** For the loader's own use: as `return`, and with an error that says why to whoever asks for another batch. */
  async end(why?: LoaderError): Promise<void> {
    this.#ended ??= why ?? 'end';
    this.#release();
    await this.#options.source.close();
  }

  #release(): void {
    this.#batch?.release();
    this.#batch = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}
