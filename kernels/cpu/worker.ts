// A worker is one thread of the crew. It claims tasks of one dispatch after another until the crew is dismissed.
//
// Piscina keeps a process alive while one of its tasks runs. So the Piscina task only enlists: it returns, and the thread goes on to serve. The process
// can then end whenever its own work is done, closed device or not.

import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { importsFor } from './assembly.ts';
import { ARGUMENTS_ADDRESS, COMMAND_BYTES, claim, finish, recordFault, WORD, waitWhile } from './command.ts';

export interface WorkerOrders {
  readonly memory: WebAssembly.Memory;
  /** This worker's thread number; the caller's is 0. */
  readonly thread: number;
  /** Where programs arrive: `{ id, module, entries }`, posted before the first dispatch that uses them. */
  readonly port: MessagePort;
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

function serve({ memory, thread, port }: WorkerOrders): void {
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
    for (let task = claim(words); task >= 0; task = claim(words)) {
      try {
        entryOf(words[WORD.program], words[WORD.entry])(ARGUMENTS_ADDRESS, task, thread);
      } catch (error) {
        recordFault(words, `${(error as Error).message} (task ${task} on thread ${thread})`);
      }
      finish(words);
    }
  }
}
