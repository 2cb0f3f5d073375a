// A device that counts and computes nothing: what a program would hold is known before it runs, from the same code that runs it.

import type { Buffer, Device, DeviceMemory, Program } from './device.ts';
import type { DeviceKind, Source, Traits } from './kernel.ts';

/** What the CPU device rounds allocations to. */
const ALIGNMENT = 64;

export class CountingDevice implements Device {
  readonly kind: DeviceKind;
  readonly name = 'a device that only counts';
  readonly features: ReadonlySet<string>;
  readonly limits: Readonly<Record<string, number>>;
  readonly deterministic: boolean | undefined;
  readonly identity: Traits['identity'];
  #live = new Set<Buffer>();
  #counts = {
    liveBytes: 0,
    peakBytes: 0,
    pooledBytes: 0,
    writtenBytes: 0,
    writes: 0,
    readBytes: 0,
    reads: 0,
    programs: 0,
    lateCompiles: 0,
  };

  /** A device of a kind with the traits of a real one. */
  constructor(kind: DeviceKind, { features, limits, deterministic, identity }: Traits) {
    this.kind = kind;
    this.features = features;
    this.limits = limits;
    this.deterministic = deterministic;
    this.identity = identity;
  }

  alloc(bytes: number): Buffer {
    const buffer = { bytes };
    this.#live.add(buffer);
    this.#counts.liveBytes += rounded(bytes);
    this.#counts.peakBytes = Math.max(this.#counts.peakBytes, this.#counts.liveBytes);
    return buffer;
  }
  free(buffer: Buffer): void {
    if (this.#live.delete(buffer)) this.#counts.liveBytes -= rounded(buffer.bytes);
  }
  write(_buffer: Buffer, data: ArrayBufferView): void {
    this.#counts.writes++;
    this.#counts.writtenBytes += data.byteLength;
  }
  /** Zeros. */
  async read(buffer: Buffer, offset = 0, bytes = buffer.bytes - offset): Promise<Uint8Array<ArrayBuffer>> {
    this.#counts.reads++;
    this.#counts.readBytes += bytes;
    return new Uint8Array(bytes);
  }
  copy(): void {}
  fill(): void {}
  prepare(source: Source): Program {
    this.#counts.programs++;
    return { source, ready: Promise.resolve() };
  }
  dispatch(): void {}
  submit(): void {}
  async sync(): Promise<void> {}
  async span(work: () => void): Promise<number> {
    work();
    return 0;
  }
  memory(): DeviceMemory {
    return { ...this.#counts, liveBuffers: this.#live.size };
  }
  async close(): Promise<void> {}
}

const rounded = (bytes: number): number => Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);
