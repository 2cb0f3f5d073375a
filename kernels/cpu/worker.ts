// A worker is one thread of the crew. It claims tasks of one dispatch after another until the crew is dismissed.
//
// Piscina keeps a process alive while one of its tasks runs. So the Piscina task only enlists: it returns, and the thread goes on to serve. The process
// can then end whenever its own work is done, closed device or not.

import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { clockNs } from '../span.ts';
import { SpanLog } from '../span-log.ts';
import { importsFor } from './assembly.ts';
import { ARGUMENTS_ADDRESS, COMMAND_BYTES, claim, finish, recordFault, WORD, waitWhile } from './command.ts';

export interface WorkerOrders {
  readonly memory: WebAssembly.Memory;
  /** This worker's thread number; the caller's is 0. */
  readonly thread: number;
  /** Where programs arrive: `{ id, module, entries }`, posted before the first dispatch that uses them. */
  readonly port: MessagePort;
  /** Memory of the span log in which it notes its share of the dispatches that are to be noted; absent where nobody wants a trace. */
  readonly log?: SharedArrayBuffer;
}

export interface ProgramMessage {
  readonly id: number;
  readonly module: WebAssembly.Module;
  readonly entries: readonly string[];
}

export type EntryFunction = (argumentsAddress: number, task: number, thread: number) => void;

/** The entry points of a program, in the order of `entries`, on the given memory. */
export function instantiate({ module, entries }: Omit<ProgramMessage, 'id'>, memory: WebAssembly.Memory): EntryFunction[] {
  const { exports } = new WebAssembly.Instance(module, importsFor(memory));
  return entries.map((name) => exports[name] as EntryFunction);
}

export default function enlist(orders: WorkerOrders): void {
  setImmediate(serve, orders);
}

/** What a span of a log is about: a program of at most 2^20, and one of its entries. */
const codeOf = (program: number, entry: number): number => entry * 2 ** 20 + program;
export const ofCode = (code: number) => ({ program: code % 2 ** 20, entry: Math.floor(code / 2 ** 20) });

function serve({ memory, thread, port, log: logMemory }: WorkerOrders): void {
  const log = logMemory && new SpanLog(logMemory);
  const words = new Int32Array(memory.buffer, 0, COMMAND_BYTES / 4);
  const programs = new Map<number, EntryFunction[]>();

  const entryOf = (program: number, entry: number): EntryFunction => {
    while (!programs.has(program)) {
      const received = receiveMessageOnPort(port);
      if (!received) throw new Error(`program ${program} has not arrived at thread ${thread}`);
      const message = received.message as ProgramMessage;
      programs.set(message.id, instantiate(message, memory));
    }
    return programs.get(program)![entry];
  };

  let sequence = 0;
  Atomics.add(words, WORD.started, 1);
  Atomics.notify(words, WORD.started);
  const isEmployed = () => Atomics.load(words, WORD.dismissed) === 0;
  while (isEmployed()) {
    waitWhile(words, WORD.sequence, sequence, isEmployed);
    sequence = Atomics.load(words, WORD.sequence);
    const isNoted = log !== undefined && words[WORD.noted] === 1;
    const startNs = isNoted ? clockNs() : 0;
    let code = -1;
    for (let task = claim(words); task >= 0; task = claim(words)) {
      // Once the last task is finished, the words may be those of the next dispatch.
      if (isNoted) code = codeOf(words[WORD.program], words[WORD.entry]);
      try {
        entryOf(words[WORD.program], words[WORD.entry])(ARGUMENTS_ADDRESS, task, thread);
      } catch (error) {
        recordFault(words, `${(error as Error).message} (task ${task} on thread ${thread})`);
      }
      finish(words);
    }
    if (code >= 0) log!.note(code, startNs, clockNs());
  }
}
