// The threads of a loader. Piscina owns them: their start, their errors, their end.

import { Piscina } from 'piscina';
import { LoaderError } from './loader-error.ts';
import type { Orders } from './worker.ts';

export class Threads {
  readonly #pool: Piscina;
  #lost: LoaderError | undefined;
  /** Told when a thread has died, or could not be given its orders. */
  onLost: ((error: LoaderError) => void) | undefined;

  /** Starts as many threads; `doing` says what a worker was at when it died. */
  constructor(workers: number, doing: (worker: number) => string) {
    const filename = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url).href;
    this.#pool = new Piscina({ filename, minThreads: workers, maxThreads: workers, concurrentTasksPerWorker: 1, atomics: 'disabled' });
    this.#pool.on('error', () => undefined);
    this.#pool.threads.forEach((thread, worker) => {
      let why: string | undefined;
      thread.once('error', (error: Error) => {
        why = error.message;
      });
      thread.once('exit', (code) =>
        this.#lose(`worker ${worker + 1} of ${workers} has died (${why ?? `exit code ${code}`})${doing(worker)}`),
      );
    });
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
  enlist(orders: readonly Orders[]): void {
    for (const each of orders)
      this.#pool
        .run(each)
        .catch((error: Error) => this.#lose(`worker ${each.worker + 1} cannot be given the dataset: ${error.message}`, error));
  }

  /** Ends every thread, whatever it is at; resolves when they are gone. */
  async close(): Promise<void> {
    this.#lost ??= new LoaderError('DataLoader: it was closed; make a new one');
    await this.#pool.destroy();
  }
}
