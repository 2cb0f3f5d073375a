// The other end of the paths to a worker thread: it looks at the bytes that reach it, as a consumer would, and answers. Bytes that were transferred go back with
// the answer.

import { parentPort, workerData } from 'node:worker_threads';
import { ANSWERED, ASKED, CLOSE, type Letter, type Reply, SEEN, VERIFY, type WorkerOrders } from './letters.ts';
import { checksum } from './pattern.ts';

const { signal, shared } = workerData as WorkerOrders;

/** First and last byte: what a consumer touches at least. */
const glance = (bytes: Uint8Array): number => bytes[0] + bytes[bytes.length - 1];

parentPort!.on('message', ({ bytes = shared!, verify, returns }: Letter) => {
  const reply: Reply = { seen: verify ? checksum(bytes) : glance(bytes), bytes: returns ? (bytes as Uint8Array<ArrayBuffer>) : undefined };
  parentPort!.postMessage(reply, returns ? [bytes.buffer as ArrayBuffer] : []);
});

/** Answers signals in shared memory until it is told to close; a thread that waits so hears no messages. */
function listen(words: Int32Array): void {
  for (let answered = 0; ; ) {
    while (Atomics.load(words, ASKED) === answered) Atomics.wait(words, ASKED, answered);
    answered = Atomics.load(words, ASKED);
    if (answered === CLOSE) return;
    words[SEEN] = words[VERIFY] ? checksum(shared!) : glance(shared!);
    Atomics.store(words, ANSWERED, answered);
    Atomics.notify(words, ANSWERED);
  }
}

if (signal) listen(signal);
