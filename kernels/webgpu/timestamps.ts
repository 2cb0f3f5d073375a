// Timestamps are the GPU's own clock at the boundaries of compute passes: the time of the work without the way to the GPU and back.
//
// Hosts may quantise them (browsers: to 65536 ns), so the quantum is measured when the device is opened. A span should last 100 quanta.

import type { Batch } from './batch.ts';
import { throttled } from './wait.ts';

/** Passes that one span can time. */
const PASSES = 1024;
/** Passes that the quantum is measured by. */
const PROBES = 32;

export class Timestamps {
  /** Smallest step of the clock that was seen, in nanoseconds. */
  readonly quantumNs: number;
  #queries: GPUQuerySet;
  #resolved: GPUBuffer;
  #passes = 0;
  #open = false;

  private constructor(queries: GPUQuerySet, resolved: GPUBuffer, quantumNs: number) {
    this.#queries = queries;
    this.#resolved = resolved;
    this.quantumNs = quantumNs;
  }

  /** Measures the quantum; undefined where the device has no timestamps. */
  static async open(device: GPUDevice): Promise<Timestamps | undefined> {
    if (!device.features.has('timestamp-query')) return undefined;
    const queries = device.createQuerySet({ type: 'timestamp', count: 2 * PASSES });
    const resolved = device.createBuffer({
      label: 'timestamps',
      size: 16 * PASSES,
      usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    });
    const ticks = await probe(device, queries, resolved);
    return new Timestamps(queries, resolved, quantum(ticks));
  }

  /** From here on passes are timed. */
  begin(): void {
    this.#passes = 0;
    this.#open = true;
  }

  /** Where the next pass writes its begin and end; undefined outside of a span, or when a span has too many passes. */
  next(): GPUComputePassTimestampWrites | undefined {
    if (!this.#open || this.#passes++ >= PASSES) return undefined;
    const first = 2 * (this.#passes - 1);
    return { querySet: this.#queries, beginningOfPassWriteIndex: first, endOfPassWriteIndex: first + 1 };
  }

  /** Ends the span; the passes that were timed, or 0 if they cannot tell the time of the span. */
  end(): number {
    this.#open = false;
    return this.#passes <= PASSES ? this.#passes : 0;
  }

  /** Records the copy of the timestamps of `passes` passes, 16 bytes each, to `staging`. */
  resolve(batch: Batch, passes: number, staging: GPUBuffer): void {
    batch.endPass().resolveQuerySet(this.#queries, 0, 2 * passes, this.#resolved, 0);
    batch.copy(this.#resolved, 0, staging, 0, 16 * passes);
  }
}

/** Nanoseconds that passes took in all, from their timestamps: begin and end by turns. */
export function busyNanoseconds(bytes: Uint8Array<ArrayBuffer>): number {
  const ticks = new BigUint64Array(bytes.buffer, 0, bytes.length / 8);
  let sum = 0n;
  for (let i = 0; i + 1 < ticks.length; i += 2) if (ticks[i + 1] > ticks[i]) sum += ticks[i + 1] - ticks[i];
  return Number(sum);
}

/** The timestamps of some empty passes. */
async function probe(device: GPUDevice, queries: GPUQuerySet, resolved: GPUBuffer): Promise<BigUint64Array> {
  const staging = device.createBuffer({ size: 16 * PROBES, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  for (let i = 0; i < PROBES; i++)
    encoder
      .beginComputePass({ timestampWrites: { querySet: queries, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 } })
      .end();
  encoder.resolveQuerySet(queries, 0, 2 * PROBES, resolved, 0);
  encoder.copyBufferToBuffer(resolved, 0, staging, 0, 16 * PROBES);
  device.queue.submit([encoder.finish()]);
  await throttled(staging.mapAsync(GPUMapMode.READ));
  const ticks = new BigUint64Array(staging.getMappedRange().slice(0));
  staging.destroy();
  return ticks;
}

/** The greatest common divisor of the steps; a clock of which only equal readings were seen is taken to be quantised as browsers do. */
function quantum(ticks: BigUint64Array): number {
  const divisor = (a: bigint, b: bigint): bigint => (b === 0n ? a : divisor(b, a % b));
  let common = 0n;
  for (let i = 1; i < ticks.length; i++) if (ticks[i] > ticks[i - 1]) common = divisor(ticks[i] - ticks[i - 1], common);
  return Number(common) || 65536;
}
