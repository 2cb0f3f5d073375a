// A web worker over Node's worker_threads: as much of one as a library needs that starts its threads from a blob's URL.

import { resolveObjectURL } from 'node:buffer';
import { Worker as NodeWorker } from 'node:worker_threads';

/** The worker's side: `self`, `postMessage` and `onmessage` as the web has them, then the source, which comes with the first message. */
const PRELUDE = `
const { parentPort } = require('node:worker_threads');
globalThis.self = globalThis;
globalThis.postMessage = (message) => parentPort.postMessage(message);
parentPort.once('message', (source) => {
  parentPort.on('message', (data) => self.onmessage({ data }));
  (0, eval)(source);
});
`;

class WebWorker {
  onmessage?: (event: { data: unknown }) => void;
  onerror?: (event: { message: string }) => void;
  #started: Promise<NodeWorker>;

  constructor(url: string) {
    const blob = resolveObjectURL(url);
    if (!blob) throw new TypeError(`a web worker starts from the URL of a blob here, not from ${url}`);
    this.#started = blob.text().then((source) => {
      const worker = new NodeWorker(PRELUDE, { eval: true });
      // Held only while an answer is awaited: a library that never ends its workers must not keep the process alive.
      worker.unref();
      worker.on('message', (data) => {
        worker.unref();
        this.onmessage?.({ data });
      });
      worker.on('error', ({ message }) => this.onerror?.({ message }));
      worker.postMessage(source);
      return worker;
    });
  }

  postMessage(message: unknown): void {
    void this.#started.then((worker) => {
      worker.ref();
      worker.postMessage(message);
    });
  }

  terminate(): void {
    void this.#started.then((worker) => worker.terminate());
  }
}

/**
 * Lets libraries for the web start `threads` workers; with one thread they find no workers and stay on the caller's. Call it before they load.
 */
export function provideWorkers(threads: number): void {
  Object.assign(globalThis, { Worker: threads > 1 ? WebWorker : undefined });
  Object.defineProperty(globalThis.navigator, 'hardwareConcurrency', { value: threads, configurable: true });
}
