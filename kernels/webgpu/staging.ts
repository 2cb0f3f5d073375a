// Staging buffers carry bytes back to the host: mappable, filled by a copy, read, and kept for the next read of about the same size.

import { throttled } from './wait.ts';

/** Bytes of staging that are kept for reuse. */
const KEPT_BYTES = 64 * 2 ** 20;

export class Staging {
  #device: GPUDevice;
  #free: GPUBuffer[] = [];

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** A mappable buffer of at least `bytes` bytes; sizes are powers of two as far as the device allows them, so that they fit again. */
  take(bytes: number): GPUBuffer {
    const fit = this.#free.findIndex((buffer) => buffer.size >= bytes && buffer.size <= 4 * Math.max(bytes, 4096));
    if (fit >= 0) return this.#free.splice(fit, 1)[0];
    const rounded = Math.max(4096, 2 ** Math.ceil(Math.log2(bytes)));
    const size = rounded <= this.#device.limits.maxBufferSize ? rounded : bytes;
    return this.#device.createBuffer({ label: 'staging', size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  }

  /** Waits for the copies into `buffer`, copies `bytes` bytes from `offset` out, and keeps the buffer. */
  async read(buffer: GPUBuffer, offset: number, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
    await throttled(buffer.mapAsync(GPUMapMode.READ, 0, Math.ceil((offset + bytes) / 4) * 4));
    const copy = new Uint8Array(buffer.getMappedRange(0, Math.ceil((offset + bytes) / 4) * 4)).slice(offset, offset + bytes);
    buffer.unmap();
    this.#keep(buffer);
    return copy;
  }

  #keep(buffer: GPUBuffer): void {
    this.#free.push(buffer);
    while (this.#free.reduce((sum, { size }) => sum + size, 0) > KEPT_BYTES) this.#free.shift()!.destroy();
  }
}
