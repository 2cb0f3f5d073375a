// The data loader: batches of a dataset in an order that seed and epoch decide, made by workers ahead of the one who reads them.
//
//   sampler -> batches of indices -> board   workers: claim a batch, load its samples into a slot of the ring   -> consumer, in order
//
// What a batch holds, and when it comes, is the same for any number of workers and any prefetch: only the thread that makes it differs.

import { MAIN_THREAD, type Recorder, tracing } from '../../kernels/span.ts';
import { SpanLog } from '../../kernels/span-log.ts';
import { Accounting, type LoaderReport } from './accounting.ts';
import { BatchMaker } from './batch-maker.ts';
import { type BatchSampler, checkBatches } from './batches.ts';
import { Board } from './board.ts';
import type { Dataset, Recipe, StreamDataset } from './dataset.ts';
import { Epoch } from './epoch.ts';
import { printable } from './file-error.ts';
import { LoaderError } from './loader-error.ts';
import { isStream, type LoaderOptions, type Settings, settingsOf, whole } from './loader-options.ts';
import { Ring } from './ring.ts';
import { InlineSource, type Source, StreamSource, within } from './source.ts';
import { StageClock, spanOf } from './stage-clock.ts';
import { ThreadSource } from './thread-source.ts';
import { Threads } from './threads.ts';

export class DataLoader {
  /** The epoch that is read when the loader is iterated next; reading one sets it to the one after. */
  epoch = 0;
  readonly #dataset: Dataset | StreamDataset;
  readonly #settings: Settings;
  readonly #recorder: Recorder | undefined = tracing();
  readonly #logs: readonly SpanLog[];
  readonly #stopCollecting: (() => void) | undefined;
  #accounting = new Accounting();
  #ring: Ring | undefined;
  #threads: Threads | undefined;
  /** Of the epoch that workers are sent to. */
  #board: Board | undefined;
  #current: Epoch | undefined;
  #isClosed = false;

  /** Throws a RangeError or TypeError for options that make no sense, and a LoaderError where workers cannot open the dataset. Starts and reads nothing yet. */
  constructor(dataset: Dataset | StreamDataset, options: LoaderOptions = {}) {
    this.#dataset = dataset;
    this.#settings = settingsOf(dataset, options);
    this.#logs = this.#recorder ? Array.from({ length: this.#settings.workers || 1 }, () => SpanLog.create()) : [];
    this.#stopCollecting = this.#recorder?.collecting(() => this.#tellSpans(this.#recorder!));
  }

  /** Batches of an epoch, before any is left out because all its samples were skipped. Throws a LoaderError for a stream. */
  get length(): number {
    if (!this.#settings.sampler) throw new LoaderError('DataLoader: how many batches a stream has is not known before its end');
    return this.#settings.sampler.length;
  }

  /** The batches of the next epoch. */
  [Symbol.asyncIterator](): Epoch {
    return this.read(this.epoch);
  }

  /**
   * The batches of an epoch: always the same ones, whatever was read before. An epoch that was still being read ends. Throws a LoaderError where memory
   * does not hold the batches. Threads begin when the first batch is asked for, and stay for the next epoch where this one is read to its end.
   */
  read(epoch: number): Epoch {
    whole('epoch', epoch, 0);
    if (this.#isClosed) throw new LoaderError('DataLoader: it was closed; make a new one');
    const { workers, prefetch, capacity } = this.#settings;
    this.#ring ??= new Ring({ fields: this.#dataset.fields, capacity, slots: prefetch + 1 }, undefined, workers > 0);
    const last = this.#current;
    const after = last?.end(new LoaderError(`DataLoader: epoch ${last.number} ended when epoch ${epoch} was begun; read one at a time`));
    this.epoch = epoch + 1;
    const source = this.#sourceOf(epoch, this.#ring);
    this.#current = new Epoch({ number: epoch, source, after, ring: this.#ring, accounting: this.#accounting, recorder: this.#recorder });
    return this.#current;
  }

  /** What was read since the loader was made, or since `forget`: how long it kept its consumer waiting, and what making the batches took. */
  report(): LoaderReport {
    return this.#accounting.report(this.#settings.workers, this.#settings.prefetch);
  }
  /** Begins a new report. */
  forget(): void {
    this.#accounting.forget();
  }

  /** Ends the epoch that is read, and every thread; resolves when they are gone. A second call does nothing. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#current?.end(new LoaderError('DataLoader: it was closed; make a new one'));
    await this.#dismiss();
    this.#stopCollecting?.();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #sourceOf(epoch: number, ring: Ring): Source {
    const { sampler, workers, dropLast, timeoutMs, onError, capacity } = this.#settings;
    const clock = new StageClock(0, this.#logs[0]);
    if (isStream(this.#dataset)) return new StreamSource({ stream: this.#dataset, ring, clock, dropLast, timeoutMs }, epoch);
    const dataset = this.#dataset;
    const batches = (sampler as BatchSampler).batches(epoch);
    checkBatches(batches, sampler as BatchSampler, dataset.length);
    if (workers === 0) {
      const wait = (pending: Promise<void>) => within(pending, timeoutMs, () => 'it did not come');
      return new InlineSource(new BatchMaker(dataset, ring, { onError, clock, wait }), batches, capacity, epoch);
    }
    const board = Board.for(batches, { workers, slots: ring.shape.slots, capacity });
    const begin = () => this.#enlist(board, dataset, ring, epoch);
    return new ThreadSource({ board, begin, timeoutMs, doing: (worker) => this.#doing(worker), dismiss: () => this.#dismiss() });
  }

  /** Sends the workers to an epoch; starts them where there are none. */
  #enlist(board: Board, dataset: Dataset, ring: Ring, epoch: number): Threads {
    const { workers, onError } = this.#settings;
    this.#board = board;
    this.#threads ??= new Threads(workers, (worker) => this.#doing(worker));
    this.#threads.enlist(
      board,
      Array.from({ length: workers }, (_, worker) => ({
        worker,
        recipe: dataset.recipe as Recipe,
        length: dataset.length,
        ring: { shape: ring.shape, memory: ring.memory as SharedArrayBuffer },
        board: { shape: board.shape, memory: board.memory },
        epoch,
        onError,
        log: this.#logs[worker]?.memory,
      })),
    );
    return this.#threads;
  }

  /** What a worker is at, for messages. */
  #doing(worker: number): string {
    const index = this.#board?.progress()[worker].index ?? -1;
    const name = index < 0 || isStream(this.#dataset) ? undefined : this.#dataset.nameOf?.(index);
    return index < 0 ? ', before its first sample' : ` at sample ${index}${name === undefined ? '' : ` (${printable(name)})`}`;
  }

  async #dismiss(): Promise<void> {
    const threads = this.#threads;
    this.#threads = undefined;
    await threads?.close();
  }

  #tellSpans(recorder: Recorder): void {
    this.#logs.forEach((log, worker) =>
      log.drain((code, startNs, endNs) => {
        const { name, category, args } = spanOf(code);
        const track = this.#settings.workers === 0 ? MAIN_THREAD : `loader worker ${worker + 1}`;
        if (recorder.admits()) recorder.span(track, name, category, startNs, endNs, args);
      }),
    );
  }
}
