// What the main thread and the receiving worker say to each other.

/** Given to the worker when it starts. */
export interface WorkerOrders {
  /** Words of a signal in shared memory; absent where messages are the signal. */
  readonly signal?: Int32Array<SharedArrayBuffer>;
  /** Bytes that both threads see; absent where each transfer brings its own. */
  readonly shared?: Uint8Array<SharedArrayBuffer>;
  /** Memory of the span log in which it notes when it looked at how many bytes; absent where nobody wants a trace. */
  readonly log?: SharedArrayBuffer;
}

export interface Letter {
  /** Absent where they are shared. */
  readonly bytes?: Uint8Array;
  /** Asks for a sum over all bytes instead of a glance. */
  readonly verify: boolean;
  /** Asks for the bytes back. */
  readonly returns: boolean;
}

export interface Reply {
  readonly seen: number;
  readonly bytes?: Uint8Array<ArrayBuffer>;
}

/** Words of the signal: the turn that is asked for, the one that is answered, whether a sum over all bytes is wanted, and what the worker saw. */
export const ASKED = 0;
export const ANSWERED = 1;
export const VERIFY = 2;
export const SEEN = 3;
export const SIGNAL_BYTES = 16;
/** The turn that ends it. */
export const CLOSE = -1;
