// The other end of the paths to a worker thread: it looks at the bytes that reach it, as a consumer would, and answers. Bytes that were transferred go back with
// the answer.

import { parentPort, workerData } from 'node:worker_threads';
import { clockNs, Recorder } from '../../kernels/span.ts';
import { SpanLog } from '../../kernels/span-log.ts';
import { ANSWERED, ASKED, CLOSE, type Letter, type Reply, SEEN, VERIFY, type WorkerOrders } from './letters.ts';
import { checksum } from './pattern.ts';

const { signal, shared, log: logMemory } = workerData as WorkerOrders;
const log = logMemory && new SpanLog(logMemory);
/** Says how often there is time to note something. */
const pace = new Recorder();

/** First and last byte: what a consumer touches at least. */
const glance = (bytes: Uint8Array): number => bytes[0] + bytes[bytes.length - 1];

function look(bytes: Uint8Array, verify: boolean): number {
  const see = verify ? checksum : glance;
  if (!log || !pace.admits()) return see(bytes);
  const startNs = clockNs();
  const seen = see(bytes);
  const endNs = clockNs();
  log.note(bytes.length, startNs, endNs);
  pace.took(endNs);
  return seen;
}

parentPort!.on('message', ({ bytes = shared!, verify, returns }: Letter) => {
  const reply: Reply = { seen: look(bytes, verify), bytes: returns ? (bytes as Uint8Array<ArrayBuffer>) : undefined };
  parentPort!.postMessage(reply, returns ? [bytes.buffer as ArrayBuffer] : []);
});

/** Answers signals in shared memory until it is told to close; a thread that waits so hears no messages. */
function listen(words: Int32Array): void {
  for (let answered = 0; ; ) {
    while (Atomics.load(words, ASKED) === answered) Atomics.wait(words, ASKED, answered);
    answered = Atomics.load(words, ASKED);
    if (answered === CLOSE) return;
    words[SEEN] = look(shared!, words[VERIFY] === 1);
    Atomics.store(words, ANSWERED, answered);
    Atomics.notify(words, ANSWERED);
  }
}

if (signal) listen(signal);
