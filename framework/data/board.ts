// The board is what the threads of an epoch tell each other, in shared memory: who claims which batch, which are ready, what went wrong.
//
//   words     claimed  limit  fault | per worker: sample, progress | per slot: ready, held
//   numbers   per slot: nanoseconds of each stage, worker, skipped
//   samples   per slot: the indices that the batch holds
//   text      per slot, and one for the whole: a message
//   list      indices and offsets of the epoch's batches, written once before anyone reads them
//
// A worker claims the next batch number by itself, as long as it is below `limit`, which the consumer raises when it lets go of a batch. So a consumer that
// is busy for long keeps nobody waiting, and claims nothing for anybody. Batches differ only in which thread made them, never in what they hold.

import type { Batches } from './batches.ts';
import { MAKING, type Making } from './stage-clock.ts';

const [CLAIMED, LIMIT, FAULT, HEAD] = [0, 1, 2, 3];
const PER_WORKER = 2;
const PER_SLOT = 2;
const TEXT_BYTES = 1024;

export interface BoardShape {
  readonly workers: number;
  readonly slots: number;
  /** Samples of the largest batch. */
  readonly capacity: number;
  readonly batches: number;
  readonly samples: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class Board {
  readonly shape: BoardShape;
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  readonly #held: Int32Array;
  readonly #text: Uint8Array;
  readonly #indices: Int32Array;
  readonly #offsets: Int32Array;

  /** Looks at a board that another thread has made, or makes one. */
  constructor(shape: BoardShape, memory?: SharedArrayBuffer) {
    const { workers, slots, capacity, batches, samples } = shape;
    this.shape = shape;
    let bytes = 0;
    const part = (length: number, size: number) => {
      const byte = Math.ceil(bytes / 8) * 8;
      bytes = byte + length * size;
      return { byte, length };
    };
    const words = part(HEAD + PER_WORKER * workers + PER_SLOT * slots, 4);
    const numbers = part(MAKING.length * slots, 8);
    const held = part(capacity * slots, 4);
    const text = part(TEXT_BYTES * (slots + 1), 1);
    const indices = part(samples, 4);
    const offsets = part(batches + 1, 4);
    this.memory = memory ?? new SharedArrayBuffer(bytes);
    this.#words = new Int32Array(this.memory, words.byte, words.length);
    this.#numbers = new Float64Array(this.memory, numbers.byte, numbers.length);
    this.#held = new Int32Array(this.memory, held.byte, held.length);
    this.#text = new Uint8Array(this.memory, text.byte, text.length);
    this.#indices = new Int32Array(this.memory, indices.byte, indices.length);
    this.#offsets = new Int32Array(this.memory, offsets.byte, offsets.length);
  }

  /** A board for an epoch; `slots` batches may be claimed before the first is let go of. */
  static for({ indices, offsets }: Batches, shape: Pick<BoardShape, 'workers' | 'slots' | 'capacity'>): Board {
    const board = new Board({ ...shape, batches: offsets.length - 1, samples: indices.length });
    board.#indices.set(indices);
    board.#offsets.set(offsets);
    board.#words[LIMIT] = shape.slots;
    return board;
  }

  slotOf(batch: number): number {
    return batch % this.shape.slots;
  }
  /** Indices of the samples that a batch is made of. */
  samplesOf(batch: number): Int32Array {
    return this.#indices.subarray(this.#offsets[batch], this.#offsets[batch + 1]);
  }

  // For workers.

  /** The number of the next batch, which from now on is this worker's to make; waits for room. -1: there is nothing left to do. */
  claim(): number {
    const words = this.#words;
    for (;;) {
      const next = Atomics.load(words, CLAIMED);
      if (next >= this.shape.batches) return -1;
      const limit = Atomics.load(words, LIMIT);
      if (next >= limit) Atomics.wait(words, LIMIT, limit);
      else if (Atomics.compareExchange(words, CLAIMED, next, next + 1) === next) return next;
    }
  }

  /** Notes that a worker begins with a sample. */
  begin(worker: number, index: number): void {
    const at = HEAD + PER_WORKER * worker;
    this.#words[at] = index;
    this.#words[at + 1]++;
  }

  /** Where the indices that a batch holds are noted. */
  held(slot: number): Int32Array {
    const { capacity } = this.shape;
    return this.#held.subarray(slot * capacity, (slot + 1) * capacity);
  }

  /** Hands a batch over: `held` samples, or -1 for one that failed; `message` says why, or of what was skipped. */
  publish(batch: number, held: number, making: Making, message: string | undefined): void {
    const slot = this.slotOf(batch);
    MAKING.forEach((name, i) => (this.#numbers[slot * MAKING.length + i] = making[name]));
    this.#write(slot, message ?? '');
    const at = this.#slotWord(slot);
    this.#words[at + 1] = held;
    Atomics.store(this.#words, at, batch + 1);
    Atomics.notify(this.#words, at);
  }

  /** Says what keeps a worker from any work; the first to say so is heard. */
  fail(worker: number, message: string): void {
    if (Atomics.compareExchange(this.#words, FAULT, 0, -1) === 0) {
      this.#write(this.shape.slots, message);
      Atomics.store(this.#words, FAULT, worker + 1);
    }
    for (let slot = 0; slot < this.shape.slots; slot++) Atomics.notify(this.#words, this.#slotWord(slot));
  }

  // For the consumer.

  isReady(batch: number): boolean {
    return Atomics.load(this.#words, this.#slotWord(this.slotOf(batch))) === batch + 1;
  }

  /** Batches that are ready from `batch` on, whatever their order. */
  readyFrom(batch: number): number {
    let ready = 0;
    for (let i = 0; i < this.shape.slots; i++) if (this.isReady(batch + i)) ready++;
    return ready;
  }

  /** Resolves when something was said of the slot of a batch, which was not ready when this was called: ready or fault. */
  change(batch: number): Promise<unknown> | undefined {
    const at = this.#slotWord(this.slotOf(batch));
    const seen = Atomics.load(this.#words, at);
    if (seen === batch + 1) return undefined;
    const waiting = Atomics.waitAsync(this.#words, at, seen);
    return waiting.async ? waiting.value : undefined;
  }

  /** Samples that a batch which is ready holds; -1: it failed. */
  heldBy(batch: number): number {
    return this.#words[this.#slotWord(this.slotOf(batch)) + 1];
  }
  makingOf(batch: number): Making {
    const from = this.slotOf(batch) * MAKING.length;
    return Object.fromEntries(MAKING.map((name, i) => [name, this.#numbers[from + i]])) as unknown as Making;
  }
  /** What was said with a batch; undefined where nothing was. */
  messageOf(batch: number): string | undefined {
    return this.#read(this.slotOf(batch));
  }
  /** The worker that can do no work, and why. */
  fault(): { readonly worker: number; readonly message: string } | undefined {
    const worker = Atomics.load(this.#words, FAULT);
    return worker > 0 ? { worker: worker - 1, message: this.#read(this.shape.slots) ?? '' } : undefined;
  }

  /** Lets batches up to `limit` be made. */
  allow(limit: number): void {
    Atomics.store(this.#words, LIMIT, limit);
    Atomics.notify(this.#words, LIMIT);
  }

  /** Leaves nothing to claim, and wakes who waits for room. */
  stop(): void {
    Atomics.store(this.#words, CLAIMED, this.shape.batches);
    this.allow(this.shape.batches);
  }

  /** What each worker has begun: how many samples so far, and the index of the last; -1 before the first. */
  progress(): { readonly begun: number; readonly index: number }[] {
    return Array.from({ length: this.shape.workers }, (_, worker) => {
      const at = HEAD + PER_WORKER * worker;
      const begun = this.#words[at + 1];
      return { begun, index: begun === 0 ? -1 : this.#words[at] };
    });
  }

  #slotWord(slot: number): number {
    return HEAD + PER_WORKER * this.shape.workers + PER_SLOT * slot;
  }
  #write(at: number, message: string): void {
    const place = this.#text.subarray(at * TEXT_BYTES, (at + 1) * TEXT_BYTES);
    // A TextEncoder may not write to shared memory.
    const bytes = encoder.encode(message).subarray(0, TEXT_BYTES - 1);
    place.set(bytes);
    place[bytes.length] = 0;
  }
  #read(at: number): string | undefined {
    const place = this.#text.slice(at * TEXT_BYTES, (at + 1) * TEXT_BYTES);
    const end = place.indexOf(0);
    return end > 0 ? decoder.decode(place.subarray(0, end)) : undefined;
  }
}
