// Storage is a buffer on a device with a count of those who use it: tensors, views of them, and the tape. It is freed when the last lets go.

import type { Buffer, Device } from '../kernels/index.ts';

export class Storage {
  readonly device: Device;
  readonly buffer: Buffer;
  /** Counts changes in place, so that the tape notices when what it kept is no longer what it was. */
  version = 0;
  #users = 1;

  /** Takes over a buffer for its first user. */
  constructor(device: Device, buffer: Buffer) {
    this.device = device;
    this.buffer = buffer;
  }

  /** How many use it now. */
  get users(): number {
    return this.#users;
  }

  retain(): this {
    this.#users++;
    return this;
  }

  release(): void {
    if (--this.#users === 0) this.device.free(this.buffer);
  }
}
