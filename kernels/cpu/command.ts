// The command is the block of shared memory through which the calling thread and its crew agree on work: one dispatch at a time.
//
// A dispatch is a number of tasks. Every thread claims tasks by counting `remaining` down to zero, and counts `unfinished` down as it ends them.
// A claim that succeeds proves that the rest of the block belongs to the dispatch it was claimed from: the caller writes the next one only
// when nothing is unfinished. A late thread claims nothing and goes back to wait.

/** Words of the block. */
export const WORD = {
  /** Goes up by one for every dispatch, and at the end: what idle threads wait on. */
  sequence: 0,
  remaining: 1,
  unfinished: 2,
  /** Idle threads that sleep and must be woken. */
  sleepers: 3,
  /** 1 when the crew is dismissed. */
  dismissed: 4,
  /** Length of the message of the first task that trapped, 0 if none has. */
  faultLength: 5,
  /** Threads that have started, for the opening of a device. */
  started: 6,
  program: 7,
  entry: 8,
  tasks: 9,
  /** 1 where workers are to note when they did their share, for a trace. */
  noted: 10,
  arguments: 16,
} as const;

export const MAX_ARGUMENTS = 48;
const FAULT_OFFSET = 256;
const MAX_FAULT = 3072;
/** Bytes reserved at the start of the shared memory. */
export const COMMAND_BYTES = 4096;
export const ARGUMENTS_ADDRESS = WORD.arguments * 4;

/** How long an idle thread spins before it sleeps: long enough for the next pass of a launch, short enough that a parked arm costs nothing. */
const SPIN_MICROSECONDS = 50;
/** A worker's exit is not seen while the caller sits in Atomics.wait, so every wait is cut into slices. */
const SLICE_MS = 50;

/** Claims one task: its number, or -1 where none is left. */
export function claim(words: Int32Array): number {
  let remaining = Atomics.load(words, WORD.remaining);
  while (remaining > 0) {
    const seen = Atomics.compareExchange(words, WORD.remaining, remaining, remaining - 1);
    if (seen === remaining) return words[WORD.tasks] - remaining;
    remaining = seen;
  }
  return -1;
}

/** Counts one task as ended; the last wakes the caller. */
export function finish(words: Int32Array): void {
  if (Atomics.sub(words, WORD.unfinished, 1) === 1) Atomics.notify(words, WORD.unfinished);
}

/** Keeps the message of the first trap; later ones change nothing. */
export function recordFault(words: Int32Array, message: string): void {
  const bytes = new TextEncoder().encode(message).subarray(0, MAX_FAULT);
  if (Atomics.compareExchange(words, WORD.faultLength, 0, -1) !== 0) return;
  new Uint8Array(words.buffer, FAULT_OFFSET, MAX_FAULT).set(bytes);
  Atomics.store(words, WORD.faultLength, Math.max(1, bytes.length));
}

/** The message of a trap since the last call, if there was one. */
export function takeFault(words: Int32Array): string | undefined {
  const length = Atomics.exchange(words, WORD.faultLength, 0);
  return length > 0 ? new TextDecoder().decode(new Uint8Array(words.buffer, FAULT_OFFSET, length).slice()) : undefined;
}

/** Waits until `words[word]` is no longer `value`: spins, then sleeps in slices, asking `goOn` after each; false where that ended the wait. */
export function waitWhile(words: Int32Array, word: number, value: number, goOn: () => boolean): boolean {
  const end = performance.now() + SPIN_MICROSECONDS / 1000;
  do {
    for (let i = 0; i < 64; i++) if (Atomics.load(words, word) !== value) return true;
  } while (performance.now() < end);
  while (Atomics.load(words, word) === value) {
    if (word === WORD.sequence) Atomics.add(words, WORD.sleepers, 1);
    Atomics.wait(words, word, value, SLICE_MS);
    if (word === WORD.sequence) Atomics.sub(words, WORD.sleepers, 1);
    if (Atomics.load(words, word) === value && !goOn()) return false;
  }
  return true;
}
