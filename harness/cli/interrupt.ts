// Ctrl-C: once to end after the sample in flight, twice to end it too, three times to drop everything. What was measured stays.

import { killChildren } from '../child.ts';
import { EXIT } from './exit.ts';

/** A signal that is given at the first Ctrl-C or SIGTERM. Disposing gives the system's own behaviour back. */
export class Interrupt implements Disposable {
  #controller = new AbortController();
  #times = 0;
  #listener = () => this.#interrupt();

  constructor() {
    process.on('SIGINT', this.#listener);
    process.on('SIGTERM', this.#listener);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  #interrupt(): void {
    this.#times++;
    if (this.#times === 1) {
      console.error('\nbench: ending after the sample in flight; once more to end at once');
      this.#controller.abort();
    } else if (this.#times === 2) killChildren();
    else process.exit(EXIT.interrupted);
  }

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#listener);
    process.off('SIGTERM', this.#listener);
  }
}
