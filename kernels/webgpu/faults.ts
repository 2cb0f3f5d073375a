// A fault is an error that the GPU reports after the call that caused it. It is blamed on the program that was named when the call was
// watched, kept, and thrown at the next read or sync.

import { DeviceError } from '../device.ts';
import { throttled } from './wait.ts';

export class Faults {
  #device: GPUDevice;
  #cause: DeviceError | undefined;
  #consequence: DeviceError | undefined;
  #unsettled = new Set<Promise<void>>();

  constructor(device: GPUDevice) {
    this.#device = device;
    // What no scope of ours covers; without a listener Dawn prints it and it is lost.
    device.addEventListener('uncapturederror', (event) => {
      event.preventDefault();
      this.report(`webgpu: ${firstLine(event.error.message)}`);
    });
  }

  /** Runs `work` and blames validation errors and exhausted memory in it on `culprit`. Does not wait for the GPU. */
  watch<T>(culprit: () => string, work: () => T): T {
    this.#device.pushErrorScope('out-of-memory');
    this.#device.pushErrorScope('validation');
    try {
      return work();
    } finally {
      for (const kind of ['', 'out of memory: ']) {
        // A scope that cannot be popped belongs to a lost device, which is reported by itself.
        const popped = this.#device.popErrorScope().catch(() => null);
        this.#settle(popped.then((error) => void (error && this.report(`${culprit()}: ${kind}${firstLine(error.message)}`))));
      }
    }
  }

  /**
   * Takes a rejection of `outcome` for the cause of whatever else is reported: a program that does not compile invalidates its whole batch.
   */
  follow(outcome: Promise<unknown>): void {
    this.#settle(
      outcome.then(
        () => {},
        (error) => void (this.#cause ??= error),
      ),
    );
  }

  /** Keeps an error for the next read or sync; the first one wins, since later ones are mostly its consequences. */
  report(message: string): void {
    this.#consequence ??= new DeviceError(message);
  }

  /** Throws the first fault of everything watched so far, once. */
  async raise(): Promise<void> {
    if (this.#unsettled.size > 0) await throttled(Promise.all(this.#unsettled));
    const fault = this.#cause ?? this.#consequence;
    this.#cause = this.#consequence = undefined;
    if (fault) throw fault;
  }

  #settle(outcome: Promise<void>): void {
    this.#unsettled.add(outcome);
    void outcome.then(() => this.#unsettled.delete(outcome));
  }
}

/** The line that says what is wrong; the lines after it are where Dawn noticed. */
export const firstLine = (message: string): string => message.trim().split('\n')[0];
