// The crew is the caller and its workers, taking the tasks of a dispatch together. Piscina owns the threads: their start, their errors, their end.

import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { DeviceError } from '../device.ts';
import { SpanLog } from '../span-log.ts';
import { ARGUMENTS_ADDRESS, COMMAND_BYTES, claim, finish, recordFault, takeFault, WORD, waitWhile } from './command.ts';
import { type EntryFunction, ofCode, type ProgramMessage, type WorkerOrders } from './worker.ts';

export class Crew {
  readonly threads: number;
  #words: Int32Array;
  #pool: Piscina | undefined;
  #ports: MessagePort[] = [];
  #lost: string | undefined;

  #lostAfterMs: number;
  /** What each worker notes of its work; empty where nobody wants a trace. */
  #logs: SpanLog[] = [];

  private constructor(memory: WebAssembly.Memory, threads: number, lostAfterMs: number) {
    this.threads = threads;
    this.#lostAfterMs = lostAfterMs;
    this.#words = new Int32Array(memory.buffer, 0, COMMAND_BYTES / 4);
  }

  /** Starts `threads - 1` workers on the shared memory and waits until they run. A crew that makes no progress for `lostAfterMs` has lost a thread. */
  static async start(memory: WebAssembly.Memory, threads: number, lostAfterMs: number, traced = false): Promise<Crew> {
    const crew = new Crew(memory, threads, lostAfterMs);
    if (threads > 1) await crew.#hire(memory, traced);
    return crew;
  }

  async #hire(memory: WebAssembly.Memory, traced: boolean): Promise<void> {
    const workers = this.threads - 1;
    const filename = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url).href;
    this.#pool = new Piscina({ filename, minThreads: workers, maxThreads: workers, concurrentTasksPerWorker: 1, atomics: 'disabled' });
    const lost = (error: Error) => {
      this.#lost ??= `a worker thread has died: ${error.message}`;
    };
    this.#pool.on('error', lost);
    for (let thread = 1; thread <= workers; thread++) {
      const { port1, port2 } = new MessageChannel();
      port1.unref();
      this.#ports.push(port1);
      const log = traced ? SpanLog.create() : undefined;
      if (log) this.#logs.push(log);
      const orders: WorkerOrders = { memory, thread, port: port2, log: log?.memory };
      this.#pool.run(orders, { transferList: [port2] }).catch(lost);
    }
    while (Atomics.load(this.#words, WORD.started) < workers) {
      if (this.#lost) throw new DeviceError(`cpu: the crew did not start: ${this.#lost}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** Sends a program to every worker; it arrives before the next dispatch. */
  send(message: ProgramMessage): void {
    for (const port of this.#ports) port.postMessage(message);
  }

  /** Runs `tasks` tasks of an entry, with its arguments already in the command block, and returns when all have ended. Throws a DeviceError on a trap or a lost crew. */
  run(label: string, program: number, entry: number, run: EntryFunction, tasks: number): void {
    if (this.#lost) throw new DeviceError(`cpu: ${label} cannot run: ${this.#lost}; open a new device`);
    if (this.threads === 1 || tasks === 1) this.#runAlone(label, run, tasks);
    else this.#share(label, program, entry, run, tasks);
  }

  #runAlone(label: string, run: EntryFunction, tasks: number): void {
    try {
      for (let task = 0; task < tasks; task++) run(ARGUMENTS_ADDRESS, task, 0);
    } catch (error) {
      throw new DeviceError(`cpu: ${label} trapped: ${(error as Error).message}`, { cause: error });
    }
  }

  #share(label: string, program: number, entry: number, run: EntryFunction, tasks: number): void {
    const words = this.#words;
    words[WORD.program] = program;
    words[WORD.entry] = entry;
    words[WORD.tasks] = tasks;
    Atomics.store(words, WORD.unfinished, tasks);
    Atomics.store(words, WORD.remaining, tasks);
    Atomics.add(words, WORD.sequence, 1);
    if (Atomics.load(words, WORD.sleepers) > 0) Atomics.notify(words, WORD.sequence);
    for (let task = claim(words); task >= 0; task = claim(words)) {
      try {
        run(ARGUMENTS_ADDRESS, task, 0);
      } catch (error) {
        recordFault(words, `${(error as Error).message} (task ${task} on thread 0)`);
      }
      finish(words);
    }
    this.#join(label);
    const fault = takeFault(words);
    if (fault) throw new DeviceError(`cpu: ${label} trapped: ${fault}`);
  }

  #join(label: string): void {
    let since = performance.now();
    for (let left = Atomics.load(this.#words, WORD.unfinished); left > 0; left = Atomics.load(this.#words, WORD.unfinished)) {
      const progressed = waitWhile(this.#words, WORD.unfinished, left, () => performance.now() - since < this.#lostAfterMs);
      if (progressed) since = performance.now();
      else {
        this.#lost = `its crew made no progress for ${this.#lostAfterMs / 1000} s with ${left} tasks of ${label} unfinished; a thread has died or hangs`;
        throw new DeviceError(`cpu: ${label}: ${this.#lost}`);
      }
    }
  }

  /** Says whether workers note their shares of the dispatches to come. */
  noteShares(isOn: boolean): void {
    this.#words[WORD.noted] = isOn ? 1 : 0;
  }

  /** Tells the shares of dispatches that workers took since the last time: thread, program and entry by number, begin and end by `clockNs`. */
  shares(tell: (thread: number, program: number, entry: number, startNs: number, endNs: number) => void): void {
    for (const [i, log] of this.#logs.entries())
      log.drain((code, startNs, endNs) => {
        const { program, entry } = ofCode(code);
        tell(i + 1, program, entry, startNs, endNs);
      });
  }

  async close(): Promise<void> {
    Atomics.store(this.#words, WORD.dismissed, 1);
    Atomics.add(this.#words, WORD.sequence, 1);
    Atomics.notify(this.#words, WORD.sequence);
    for (const port of this.#ports) port.close();
    await this.#pool?.destroy();
    this.#pool = undefined;
  }
}
