// A CPU hog: processes that compute without end, let run and stopped from outside. What a noisy neighbour does to one side of a comparison only.

import { type ChildProcess, spawn } from 'node:child_process';

/** Computes until whoever started it is gone, so that a killed selftest leaves nobody computing. */
const ENDLESS = 'const parent = process.ppid; for (;;) { for (let i = 0; i < 1e7; i++); if (process.ppid !== parent) process.exit(); }';

export class Hog implements Disposable {
  #processes: ChildProcess[];
  #end = () => this[Symbol.dispose]();

  /** Starts `count` processes, stopped. */
  constructor(count: number) {
    this.#processes = Array.from({ length: count }, () => spawn(process.execPath, ['-e', ENDLESS], { stdio: 'ignore' }));
    process.on('exit', this.#end);
    this.#signal('SIGSTOP');
  }

  /** Lets them run until the result is disposed of. */
  run(): Disposable {
    this.#signal('SIGCONT');
    return { [Symbol.dispose]: () => this.#signal('SIGSTOP') };
  }

  #signal(signal: NodeJS.Signals): void {
    for (const one of this.#processes) one.kill(signal);
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#end);
    this.#signal('SIGKILL');
  }
}
