// The pool keeps freed GPU buffers for the next allocation of exactly their size: steps of a training loop allocate the same sizes again
// and again.

export const BUFFER_USAGE = 0x80 | 0x04 | 0x08; // STORAGE | COPY_SRC | COPY_DST; GPUBufferUsage is no global yet where this file is loaded

export class BufferPool {
  /** Free buffers by size; the size given back least recently comes first. */
  #free = new Map<number, GPUBuffer[]>();
  #limit: number;
  #bytes = 0;

  /** Keeps at most `limit` bytes; beyond that the sizes that have waited longest are destroyed. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A buffer of exactly `size` bytes with whatever it held before, if there is one. */
  take(size: number): GPUBuffer | undefined {
    const buffers = this.#free.get(size);
    const buffer = buffers?.pop();
    if (!buffer) return undefined;
    this.#bytes -= size;
    if (buffers!.length === 0) this.#free.delete(size);
    return buffer;
  }

  give(buffer: GPUBuffer): void {
    const buffers = this.#free.get(buffer.size) ?? [];
    buffers.push(buffer);
    this.#free.delete(buffer.size);
    this.#free.set(buffer.size, buffers);
    this.#bytes += buffer.size;
    while (this.#bytes > this.#limit) this.#evict();
  }

  /** Destroys what is kept; what was handed out stays. */
  clear(): void {
    while (this.#bytes > 0) this.#evict();
  }

  #evict(): void {
    const [oldest] = this.#free.keys();
    this.take(oldest)!.destroy();
  }
}
