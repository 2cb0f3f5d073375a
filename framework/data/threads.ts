// The threads of a loader. Piscina owns them: their start, their errors, their end, which is not before they have left native code.

import { Piscina } from 'piscina';
import type { Board } from './board.ts';
import { Leaving } from './leaving.ts';
import { LoaderError } from './loader-error.ts';
import type { Orders } from './worker.ts';

/** How long a thread that is asked to leave may be at a sample; one that hangs is ended whatever it is at. */
const LEAVE_MS = 5000;

/** Threads that are there. A process that ends, ends its threads: it too must wait until they have left. */
const open = new Set<Threads>();
const leaveAll = (): void => {
  for (const threads of open) threads.ask();
  const until = performance.now() + LEAVE_MS;
  for (const threads of open) threads.waitUntil(until);
};

export class Threads {
  readonly #pool: Piscina;
  readonly #leaving: Leaving;
  #board: Board | undefined;
  #lost: LoaderError | undefined;
  #closed: Promise<void> | undefined;
  /** Told when a thread has died, or could not be given its orders, or is to end. */
  onLost: ((error: LoaderError) => void) | undefined;

  /** Starts as many threads; `doing` says what a worker was at when it died. */
  constructor(workers: number, doing: (worker: number) => string) {
    const filename = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url).href;
    this.#leaving = new Leaving(workers);
    this.#pool = new Piscina({ filename, minThreads: workers, maxThreads: workers, concurrentTasksPerWorker: 1, atomics: 'disabled' });
    this.#pool.on('error', () => undefined);
    this.#pool.threads.forEach((thread, worker) => {
      let why: string | undefined;
      thread.once('error', (error: Error) => {
        why = error.message;
      });
      thread.once('exit', (code) => {
        this.#leaving.leave(worker);
        this.#lose(`worker ${worker + 1} of ${workers} has died (${why ?? `exit code ${code}`})${doing(worker)}`);
      });
    });
    if (open.size === 0) process.on('exit', leaveAll);
    open.add(this);
  }

  /** The thread that died, if one did. */
  get lost(): LoaderError | undefined {
    return this.#lost;
  }

  #lose(message: string, cause?: unknown): void {
    this.#lost ??= new LoaderError(`DataLoader: ${message}`, { cause });
    this.onLost?.(this.#lost);
  }

  /** Sends every worker to an epoch. */
  enlist(board: Board, orders: readonly Omit<Orders, 'leaving'>[]): void {
    this.#board = board;
    for (const each of orders)
      this.#pool
        .run({ ...each, leaving: this.#leaving.memory } satisfies Orders)
        .catch((error: Error) => this.#lose(`worker ${each.worker + 1} cannot be given the dataset: ${error.message}`, error));
  }

  /** Asks every thread to leave: those that wait for room, and those that are at a sample when they are done with it. */
  ask(): void {
    this.#leaving.ask();
    this.#board?.stop();
  }
  /** Waits, without letting this thread go on, until they have left or a time has come. */
  waitUntil(time: number): void {
    this.#leaving.waitWithin(time - performance.now());
  }

  /** Ends every thread; resolves when they are gone. What waits for a batch is told at once. */
  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    this.#lose('it was closed; make a new one');
    this.ask();
    await this.#leaving.within(LEAVE_MS);
    await this.#pool.destroy();
    open.delete(this);
    if (open.size === 0) process.off('exit', leaveAll);
  }
}
