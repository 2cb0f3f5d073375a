// The pool keeps freed GPU buffers for the next allocation of exactly their size: steps of a training loop allocate the same sizes again
// and again. Sizes stay in its map when they have no buffer: see the CPU's arena for what maps do whose keys come and go.

export const BUFFER_USAGE = 0x80 | 0x04 | 0x08; // STORAGE | COPY_SRC | COPY_DST; GPUBufferUsage is no global yet where this file is loaded

export class BufferPool {
  /** Free buffers by size, and when one was given back last, in gives. */
  #free = new Map<number, { readonly buffers: GPUBuffer[]; since: number }>();
  #gives = 0;
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
    const buffer = this.#free.get(size)?.buffers.pop();
    if (buffer) this.#bytes -= size;
    return buffer;
  }

  give(buffer: GPUBuffer): void {
    let kept = this.#free.get(buffer.size);
    if (!kept) this.#free.set(buffer.size, (kept = { buffers: [], since: 0 }));
    kept.buffers.push(buffer);
    kept.since = ++this.#gives;
    this.#bytes += buffer.size;
    while (this.#bytes > this.#limit) this.#evict();
  }

  /** Destroys what is kept; what was handed out stays. */
  clear(): void {
    while (this.#bytes > 0) this.#evict();
  }

  #evict(): void {
    let [oldest, first] = [0, Number.POSITIVE_INFINITY];
    for (const [size, { buffers, since }] of this.#free) if (buffers.length > 0 && since < first) [oldest, first] = [size, since];
    this.take(oldest)!.destroy();
  }
}
