// Paths from the main thread to a worker, there and back: the time until the worker has looked at the bytes and its answer is here.
//
// A message by `postMessage` is cloned, or its memory changes hands, or it is in shared memory and only a signal travels: a message, or Atomics.notify.

import { Worker } from 'node:worker_threads';
import { tracing } from '../../kernels/span.ts';
import { SpanLog } from '../../kernels/span-log.ts';
import { ANSWERED, ASKED, CLOSE, type Letter, type Reply, SEEN, SIGNAL_BYTES, VERIFY, type WorkerOrders } from './letters.ts';
import type { Path, Transfer } from './path.ts';
import { checksum } from './pattern.ts';

/** How long a signal may stay unanswered before the worker is taken for dead. */
const PATIENCE_MS = 10_000;

async function hire(orders: WorkerOrders): Promise<Worker> {
  const recorder = tracing();
  const log = recorder && SpanLog.create();
  const worker = new Worker(new URL(import.meta.url.endsWith('.ts') ? './receiver.ts' : './receiver.js', import.meta.url), {
    workerData: { ...orders, log: log?.memory } satisfies WorkerOrders,
  });
  if (recorder && log) {
    const tell = () =>
      log.drain((bytes, startNs, endNs) => recorder.span('receiving worker', 'looks at the bytes', 'load', startNs, endNs, { bytes }));
    const endCollecting = recorder.collecting(tell);
    worker.once('exit', () => {
      tell();
      endCollecting();
    });
  }
  await new Promise((resolve, reject) => worker.once('online', resolve as () => void).once('error', reject));
  return worker;
}

/** Sends letters, one at a time. Rejects with the worker's error where it dies. */
function correspondence(worker: Worker): (letter: Letter, transferred?: ArrayBuffer[]) => Promise<Reply> {
  let settle: { resolve(reply: Reply): void; reject(error: Error): void } | undefined;
  worker.on('message', (reply: Reply) => settle?.resolve(reply));
  worker.on('error', (error) => settle?.reject(error));
  return (letter, transferred = []) =>
    new Promise((resolve, reject) => {
      settle = { resolve, reject };
      worker.postMessage(letter, transferred);
    });
}

/** What the check of a transfer compares: the bytes that were sent where the worker's sum is theirs, else nothing. */
const asSeen = (sent: Uint8Array, seen: number): Uint8Array => (seen === checksum(sent) ? sent : new Uint8Array());

async function cloned(bytes: number): Promise<Transfer> {
  const worker = await hire({});
  const send = correspondence(worker);
  const from = new Uint8Array(bytes);
  return {
    put: (values) => from.set(values),
    run: () => send({ bytes: from, verify: false, returns: false }),
    arrived: async () => asSeen(from, (await send({ bytes: from, verify: true, returns: false })).seen),
    close: () => void worker.terminate(),
  };
}

async function transferred(bytes: number): Promise<Transfer> {
  const worker = await hire({});
  const send = correspondence(worker);
  let held = new Uint8Array(bytes);
  const exchange = async (verify: boolean): Promise<number> => {
    const reply = await send({ bytes: held, verify, returns: true }, [held.buffer]);
    held = reply.bytes!;
    return reply.seen;
  };
  return {
    put: (values) => held.set(values),
    run: () => exchange(false),
    async arrived() {
      const seen = await exchange(true);
      return asSeen(held, seen);
    },
    close: () => void worker.terminate(),
  };
}

/** The bytes are made in shared memory; a message says that they are there. */
async function shared(bytes: number): Promise<Transfer> {
  const memory = new Uint8Array(new SharedArrayBuffer(bytes));
  const worker = await hire({ shared: memory });
  const send = correspondence(worker);
  return {
    put: (values) => memory.set(values),
    run: () => send({ verify: false, returns: false }),
    arrived: async () => asSeen(memory, (await send({ verify: true, returns: false })).seen),
    close: () => void worker.terminate(),
  };
}

/** The same with a signal in shared memory, for which both threads sleep; where `copies`, the bytes lie elsewhere and are copied there first. */
async function signalled(bytes: number, copies: boolean): Promise<Transfer> {
  const memory = new Uint8Array(new SharedArrayBuffer(bytes));
  const words = new Int32Array(new SharedArrayBuffer(SIGNAL_BYTES));
  const worker = await hire({ signal: words, shared: memory });
  const from = new Uint8Array(copies ? bytes : 0);
  let turn = 0;
  const signal = (): void => {
    Atomics.store(words, ASKED, ++turn);
    Atomics.notify(words, ASKED);
    for (let answered = Atomics.load(words, ANSWERED); answered !== turn; answered = Atomics.load(words, ANSWERED))
      if (Atomics.wait(words, ANSWERED, answered, PATIENCE_MS) === 'timed-out')
        throw new Error(`the worker has not answered a signal for ${PATIENCE_MS / 1000} s`);
  };
  return {
    put: (values) => (copies ? from : memory).set(values),
    run() {
      if (copies) memory.set(from);
      signal();
    },
    arrived() {
      words[VERIFY] = 1;
      signal();
      words[VERIFY] = 0;
      return asSeen(copies ? from : memory, words[SEEN] >>> 0);
    },
    close() {
      Atomics.store(words, ASKED, CLOSE);
      Atomics.notify(words, ASKED);
      void worker.terminate();
    },
  };
}

const common = { direction: 'main-to-worker', device: 'cpu', place: 'worker' } as const;

export const workerPaths: readonly Path[] = [
  { ...common, name: 'clone', moves: true, holds: 3, open: cloned },
  { ...common, name: 'transfer', moves: false, holds: 1, open: transferred },
  { ...common, name: 'shared', moves: false, holds: 1, open: shared },
  { ...common, name: 'shared/atomics', moves: false, holds: 1, open: (bytes) => signalled(bytes, false) },
  { ...common, name: 'shared/atomics+copy', moves: true, holds: 2, open: (bytes) => signalled(bytes, true) },
];
