// A device is where programs run. It knows bytes and programs, no ops and no shapes.
//
// Two promises that callers may rely on:
//   - dispatch order is execution order, and writes, copies and fills fall in that order too;
//   - an error that surfaces later names the program that caused it, at the next `read` or `sync`.

import type { DeviceKind, Grid, Source, Traits } from './kernel.ts';

/** Bytes that live on one device. Opaque: only the device that made it can use it. */
export interface Buffer {
  readonly bytes: number;
}

/** A compiled source. Dispatching before `ready` has settled compiles synchronously and is counted in `memory().lateCompiles`. */
export interface Program {
  readonly source: Source;
  readonly ready: Promise<void>;
}

/** What the device holds now, and what has crossed between host and device since it was opened. */
export interface DeviceMemory {
  readonly liveBytes: number;
  readonly liveBuffers: number;
  readonly peakBytes: number;
  /** Freed buffers that are kept for the next allocation of the same size. */
  readonly pooledBytes: number;
  readonly writtenBytes: number;
  readonly writes: number;
  readonly readBytes: number;
  readonly reads: number;
  readonly programs: number;
  readonly lateCompiles: number;
}

export interface Device extends Traits {
  readonly kind: DeviceKind;
  /** What the hardware calls itself: CPU model or adapter. */
  readonly name: string;
  alloc(bytes: number): Buffer;
  free(buffer: Buffer): void;
  write(buffer: Buffer, data: ArrayBufferView, offset?: number): void;
  /** A copy of `bytes` bytes from `offset`, after everything dispatched so far. */
  read(buffer: Buffer, offset?: number, bytes?: number): Promise<Uint8Array<ArrayBuffer>>;
  copy(from: Buffer, to: Buffer, fromOffset?: number, toOffset?: number, bytes?: number): void;
  /** Sets every 32-bit word to the bits of `word`. */
  fill(buffer: Buffer, word: number): void;
  prepare(source: Source): Program;
  dispatch(program: Program, entry: string, buffers: readonly Buffer[], args: readonly number[], grid: Grid): void;
  /** Hands the open batch to the hardware without waiting for it. */
  submit(): void;
  /** Settles when everything dispatched so far has ended; rejects with the first error among it. */
  sync(): Promise<void>;
  /** Runs `work`, which dispatches, and resolves to the nanoseconds the device was busy with it, by the best clock there is. */
  span(work: () => void): Promise<number>;
  memory(): DeviceMemory;
  close(): Promise<void>;
}

/** A failure on a device: out of memory, a program that does not compile, a trap, a lost device or crew. */
export class DeviceError extends Error {
  override readonly name = 'DeviceError';
}
