// The throttled wait: how everything here waits for the GPU.
//
// Dawn's binding for Node spins the event loop while one of its promises is pending: a whole core, which a software adapter needs for
// itself (measured: 1.4 to 1.8 times slower, and far noisier). So the main thread sleeps between turns of the loop. A sleep is an eighth of
// the time waited so far, at most a millisecond: short waits end promptly, long ones cost next to nothing. A browser resolves its promises
// without our help, so there the wait is a plain await.

const LONGEST_SLEEP_MS = 1;
const SHORTEST_SLEEP_MS = 0.02;

const host = globalThis as { process?: { versions?: { node?: string } }; Deno?: unknown; Bun?: unknown };
const spins = host.process?.versions?.node !== undefined && host.Deno === undefined && host.Bun === undefined;

const cell = spins ? new Int32Array(new SharedArrayBuffer(4)) : undefined;
let waiting = 0;
let since = 0;
let polling = false;

/**
 * The value of `promise`, awaited without letting Dawn spin a core. Several waits share one loop. Peers on WebGPU wait through this too.
 */
export async function throttled<T>(promise: PromiseLike<T>): Promise<T> {
  if (!cell) return promise;
  waiting++;
  since = performance.now();
  if (!polling) void poll(cell);
  try {
    return await promise;
  } finally {
    waiting--;
  }
}

async function poll(cell: Int32Array): Promise<void> {
  polling = true;
  while (waiting > 0) {
    const sleep = Math.min(LONGEST_SLEEP_MS, (performance.now() - since) / 8);
    if (sleep > SHORTEST_SLEEP_MS) Atomics.wait(cell, 0, 0, sleep);
    await new Promise((resolve) => setImmediate(resolve));
  }
  polling = false;
}
