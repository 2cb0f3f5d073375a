// The WebGPU device: the verbs of `Device` over a queue. Commands gather in a batch, faults surface at the next read or sync, waits are
// throttled.
//
// What order holds: commands in a batch run in the order they were recorded. A host write runs when it is made, ahead of the open batch, so
// a write to a buffer that the open batch uses submits the batch first. Freed buffers that the open batch uses are not handed out again
// before it is submitted.

import { type Buffer, type Device, DeviceError, type DeviceMemory } from '../device.ts';
import type { Entry, Grid, Source } from '../kernel.ts';
import { tracing } from '../span.ts';
import type { Identity } from '../tuned/entry.ts';
import { Batch } from './batch.ts';
import { Faults } from './faults.ts';
import { FILL_SOURCE, fillGrid } from './fill.ts';
import { BUFFER_USAGE, BufferPool } from './pool.ts';
import { type WebgpuBuffer, WebgpuProgram } from './program.ts';
import { type AdapterChoice, type AdapterSource, type FoundAdapter, findAdapter } from './provider.ts';
import { QueueTrace } from './queue-trace.ts';
import { Staging } from './staging.ts';
import { busyNanoseconds, Timestamps } from './timestamps.ts';
import { Uniforms } from './uniforms.ts';
import { throttled } from './wait.ts';

/** Bytes of freed buffers that are kept. */
const POOL_BYTES = 512 * 2 ** 20;
/** How long `close` waits for work in flight before it takes the GPU for hung. */
const CLOSE_PATIENCE_MS = 5000;

/** Features that kernels can make use of, asked for where the adapter has them. */
const USEFUL_FEATURES = [
  'timestamp-query',
  'shader-f16',
  'subgroups',
  'subgroup-size-control',
  'chromium-experimental-subgroup-matrix',
] as GPUFeatureName[];

/**
 * Opens the best adapter that `options.adapter` allows: any (a real one before a software one), only hardware, only software.
 *
 * Throws a DeviceError that says what to install where there is none.
 */
export async function openWebgpu(options: { adapter?: AdapterChoice; deterministic?: boolean } = {}): Promise<WebgpuDevice> {
  const found = await findAdapter(options.adapter);
  const { adapter } = found;
  const requiredLimits: Record<string, number> = {};
  for (const name in adapter.limits) {
    const value = adapter.limits[name as keyof GPUSupportedLimits];
    if (typeof value === 'number') requiredLimits[name] = value;
  }
  const gpu = await adapter.requestDevice({
    requiredFeatures: USEFUL_FEATURES.filter((feature) => adapter.features.has(feature)),
    requiredLimits,
  });
  return new WebgpuDevice(found, gpu, await Timestamps.open(gpu), options.deterministic);
}

export class WebgpuDevice implements Device {
  readonly kind = 'webgpu';
  /** Vendor, architecture and driver, as far as the host tells. */
  readonly name: string;
  readonly identity: Identity;
  readonly isSoftware: boolean;
  readonly source: AdapterSource;
  readonly features: ReadonlySet<string>;
  /** WebGPU's limits, and `softwareAdapter` (0 or 1), `subgroupMinSize`, `subgroupMaxSize` (0 where there are none). */
  readonly limits: Readonly<Record<string, number>>;
  readonly deterministic: boolean;
  /** The host's own device, for what these verbs do not cover. */
  readonly gpu: GPUDevice;
  #timestamps: Timestamps | undefined;
  #faults: Faults;
  #uniforms: Uniforms;
  #staging: Staging;
  /** Absent where nobody wants a trace. */
  #trace: QueueTrace | undefined;
  #pool = new BufferPool(POOL_BYTES);
  #programs = new Map<string, WebgpuProgram>();
  #fill: WebgpuProgram | undefined;
  #batch: Batch | undefined;
  #freed: GPUBuffer[] = [];
  #ids = new WeakMap<GPUBuffer, number>();
  #lastId = 0;
  #gone: string | undefined;
  #counts = { liveBuffers: 0, liveBytes: 0, peakBytes: 0, writtenBytes: 0, writes: 0, readBytes: 0, reads: 0, lateCompiles: 0 };

  /** Use `openWebgpu`. */
  constructor({ adapter, isSoftware, source }: FoundAdapter, gpu: GPUDevice, timestamps: Timestamps | undefined, deterministic = false) {
    const { vendor, architecture, device, description, subgroupMinSize = 0, subgroupMaxSize = 0 } = adapter.info;
    this.name = [vendor, architecture || device, description && `(${description})`].filter(Boolean).join(' ') || 'unnamed adapter';
    this.identity = {
      name: this.name,
      vendor: vendor || undefined,
      architecture: architecture || device || undefined,
      runtime: runtimeOf(source),
      driver: description || undefined,
    };
    this.isSoftware = isSoftware;
    this.source = source;
    this.features = new Set(gpu.features);
    const limits: Record<string, number> = { softwareAdapter: isSoftware ? 1 : 0, subgroupMinSize, subgroupMaxSize };
    for (const name in gpu.limits) limits[name] = Number(gpu.limits[name as keyof GPUSupportedLimits]);
    this.limits = limits;
    this.deterministic = deterministic;
    this.gpu = gpu;
    this.#timestamps = timestamps;
    this.#faults = new Faults(gpu);
    this.#uniforms = new Uniforms(gpu);
    this.#staging = new Staging(gpu);
    const recorder = tracing();
    if (recorder) this.#trace = new QueueTrace(gpu, recorder);
    void gpu.lost.then(({ reason, message }) => {
      this.#gone ??= `was lost (${reason || 'unknown'}): ${message || 'the host gives no reason'}`;
    });
  }

  /** Smallest step of the clock behind `span`, in nanoseconds; undefined where `span` is by the wall clock. */
  get timestampQuantumNs(): number | undefined {
    return this.#timestamps?.quantumNs;
  }

  /** A buffer of `bytes` bytes with undefined contents. Throws a DeviceError beyond the adapter's limits. */
  alloc(bytes: number): WebgpuBuffer {
    this.#assertUsable();
    if (!Number.isInteger(bytes) || bytes < 1) throw new DeviceError(`alloc: bytes is ${bytes}, expected a whole number from 1`);
    const size = Math.ceil(bytes / 4) * 4;
    for (const limit of ['maxBufferSize', 'maxStorageBufferBindingSize'])
      if (size > this.limits[limit])
        throw new DeviceError(`alloc: ${bytes} bytes are more than the ${this.limits[limit]} that ${this.name} allows (${limit})`);
    const pooled = this.#pool.take(size);
    const culprit = `alloc of ${bytes} bytes with ${this.#counts.liveBytes} live`;
    const gpu =
      pooled ??
      this.#faults.watch(
        () => culprit,
        () => this.gpu.createBuffer({ size, usage: BUFFER_USAGE }),
      );
    if (!pooled) this.#ids.set(gpu, ++this.#lastId);
    this.#counts.liveBuffers++;
    this.#counts.liveBytes += bytes;
    this.#counts.peakBytes = Math.max(this.#counts.peakBytes, this.#counts.liveBytes);
    return { bytes, gpu, id: this.#ids.get(gpu)!, owner: this };
  }

  free(buffer: Buffer): void {
    const mine = this.#own(buffer, 'free');
    const { gpu } = mine;
    mine.owner = undefined;
    this.#counts.liveBuffers--;
    this.#counts.liveBytes -= buffer.bytes;
    if (this.#batch?.used.has(gpu)) this.#freed.push(gpu);
    else this.#pool.give(gpu);
  }

  /** Copies `data` to byte `offset`, a multiple of 4; so must the length be, unless the data end in the buffer's last word. */
  write(buffer: Buffer, data: ArrayBufferView, offset = 0): void {
    const { gpu } = this.#own(buffer, 'write');
    this.#assertRange('write', buffer, offset, data.byteLength);
    this.#counts.writtenBytes += data.byteLength;
    this.#counts.writes++;
    if (this.#batch?.used.has(gpu)) this.submit();
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    const whole = Math.floor(bytes.length / 4) * 4;
    this.gpu.queue.writeBuffer(gpu, offset, bytes, 0, whole);
    if (whole === bytes.length) return;
    // The queue takes whole words; what is left of the last one becomes zero.
    const tail = new Uint8Array(4);
    tail.set(bytes.subarray(whole));
    this.gpu.queue.writeBuffer(gpu, offset + whole, tail);
  }

  async read(buffer: Buffer, offset = 0, bytes = buffer.bytes - offset): Promise<Uint8Array<ArrayBuffer>> {
    const { gpu } = this.#own(buffer, 'read');
    if (!Number.isInteger(offset) || !Number.isInteger(bytes) || offset < 0 || bytes < 0 || offset + bytes > buffer.bytes)
      throw new DeviceError(`read: ${bytes} bytes at offset ${offset} lie outside of a buffer of ${buffer.bytes} bytes`);
    this.#counts.readBytes += bytes;
    this.#counts.reads++;
    const start = Math.floor(offset / 4) * 4;
    const end = Math.ceil((offset + bytes) / 4) * 4;
    const staging = this.#staging.take(end - start);
    this.#open().copy(gpu, start, staging, 0, end - start);
    return this.#submitted(() => this.#staging.read(staging, offset - start, bytes));
  }

  /** Copies within the device; offsets and length are multiples of 4, unless the copy ends in the last word of both buffers. */
  copy(from: Buffer, to: Buffer, fromOffset = 0, toOffset = 0, bytes = Math.min(from.bytes - fromOffset, to.bytes - toOffset)): void {
    const [source, target] = [this.#own(from, 'copy'), this.#own(to, 'copy')];
    if (source === target) throw new DeviceError('copy: both buffers are the same one; copy through a third');
    this.#assertRange('copy', from, fromOffset, bytes);
    this.#assertRange('copy', to, toOffset, bytes);
    if (bytes > 0) this.#open().copy(source.gpu, fromOffset, target.gpu, toOffset, Math.ceil(bytes / 4) * 4);
  }

  fill(buffer: Buffer, word: number): void {
    const { gpu } = this.#own(buffer, 'fill');
    if (word === 0) this.#open().clear(gpu);
    else this.dispatch((this.#fill ??= this.prepare(FILL_SOURCE)), 'fill', [buffer], [word], fillGrid(buffer.bytes));
  }

  prepare(source: Source): WebgpuProgram {
    this.#assertUsable();
    const key = `${source.code}\n${JSON.stringify(source.entries)}`;
    let program = this.#programs.get(key);
    if (!program) this.#programs.set(key, (program = new WebgpuProgram(this.gpu, this.#uniforms, source)));
    return program;
  }

  dispatch(program: WebgpuProgram, entry: string, buffers: readonly Buffer[], args: readonly number[], grid: Grid): void {
    this.#assertUsable();
    const { label } = program.source;
    const stage = program.stage(entry, this.#faults, () => this.#counts.lateCompiles++);
    const own = buffers.map((buffer) => this.#own(buffer, label));
    assertCall(label, stage.entry, own, args);
    const most = this.limits.maxComputeWorkgroupsPerDimension;
    if (grid.some((extent) => !Number.isInteger(extent) || extent < 0 || extent > most))
      throw new DeviceError(`${label}: the grid is ${grid.join('x')}, expected whole numbers up to ${most}`);
    if (grid.includes(0)) return;
    if (this.#uniforms.isFull) this.submit();
    const offset = args.length > 0 ? this.#uniforms.push(stage.types, args) : 0;
    this.#open().dispatch(label, stage, own, offset, grid);
  }

  submit(): void {
    this.#assertUsable();
    const batch = this.#batch;
    if (!batch) return;
    this.#batch = undefined;
    this.#uniforms.flush();
    this.#faults.watch(
      () => batch.culprit,
      () => this.gpu.queue.submit([batch.finish()]),
    );
    this.#trace?.submitted(batch.culprit);
    for (const buffer of this.#freed.splice(0)) this.#pool.give(buffer);
  }

  async sync(): Promise<void> {
    await this.#submitted(() => this.gpu.queue.onSubmittedWorkDone());
  }

  /**
   * Nanoseconds that the GPU was busy with the dispatches of `work`: the sum over its compute passes of the GPU's own clock, without the
   * way to the GPU and back, and without copies and fills by zero, which lie outside of passes. Where the device has no timestamps, or
   * `work` dispatches nothing: the wall clock from the call until all is done. The clock steps by `timestampQuantumNs`, so let the work
   * last 100 of them.
   */
  async span(work: () => void): Promise<number> {
    await this.sync();
    const start = performance.now();
    this.#timestamps?.begin();
    let passes = 0;
    try {
      work();
    } finally {
      passes = this.#timestamps?.end() ?? 0;
    }
    if (passes > 0) {
      const staging = this.#staging.take(16 * passes);
      this.#timestamps!.resolve(this.#open(), passes, staging);
      this.submit();
      return busyNanoseconds(await this.#settle(this.#staging.read(staging, 0, 16 * passes)));
    }
    await this.sync();
    return (performance.now() - start) * 1e6;
  }

  memory(): DeviceMemory {
    return { ...this.#counts, pooledBytes: this.#pool.bytes, programs: this.#programs.size };
  }

  /**
   * Destroys the device, unless the GPU hangs: then destroying would block for ever, and only `process.exit` or a signal ends the process.
   */
  async close(): Promise<void> {
    if (this.#gone) return;
    this.#gone = 'is closed';
    this.#batch = undefined;
    const patience = new Promise<'hung'>((resolve) => setTimeout(resolve, CLOSE_PATIENCE_MS, 'hung').unref?.());
    const outcome = await throttled(Promise.race([this.gpu.queue.onSubmittedWorkDone(), patience])).catch(() => undefined);
    if (outcome === 'hung') return;
    this.#pool.clear();
    this.gpu.destroy();
  }

  #open(): Batch {
    this.#assertUsable();
    const timestamps = (label: string) => this.#timestamps?.next() ?? this.#trace?.next(label);
    return (this.#batch ??= new Batch(this.gpu, timestamps, this.#trace !== undefined));
  }

  /** Submits, and waits for `outcome`, before which all that was submitted ends. */
  #submitted<T>(outcome: () => Promise<T>): Promise<T> {
    const fetching = this.#trace?.fetch(() => this.#open(), this.#staging);
    this.submit();
    return this.#settle(this.#trace ? this.#trace.told(outcome(), fetching, this.#staging) : outcome());
  }

  /** Waits for `outcome`, then throws the first fault so far, or what became of the device. */
  async #settle<T>(outcome: Promise<T>): Promise<T> {
    try {
      const value = await throttled(outcome);
      await this.#faults.raise();
      return value;
    } catch (error) {
      await this.#faults.raise();
      this.#assertUsable();
      throw error instanceof DeviceError ? error : new DeviceError(`${this.name}: ${(error as Error).message}`);
    }
  }

  #assertUsable(): void {
    if (this.#gone) throw new DeviceError(`the WebGPU device ${this.name} ${this.#gone}; open another one`);
  }

  /** `buffer` as one of this device's, still alive. */
  #own(buffer: Buffer, who: string): WebgpuBuffer {
    this.#assertUsable();
    const mine = buffer as WebgpuBuffer;
    if (mine.owner !== this) throw new DeviceError(`${who}: a buffer was freed before, or is of another device`);
    return mine;
  }

  #assertRange(who: string, buffer: Buffer, offset: number, bytes: number): void {
    const reachesEnd = Math.ceil((offset + bytes) / 4) === Math.ceil(buffer.bytes / 4);
    if (offset < 0 || bytes < 0 || !(offset + bytes <= buffer.bytes))
      throw new DeviceError(`${who}: ${bytes} bytes at offset ${offset} lie outside of a buffer of ${buffer.bytes} bytes`);
    if (offset % 4 !== 0 || (bytes % 4 !== 0 && !reachesEnd))
      throw new DeviceError(`${who}: ${bytes} bytes at offset ${offset}: WebGPU moves whole words; both must be multiples of 4`);
  }
}

/** What compiles for it: the browser, or Node with Dawn, which is pinned together with this package. */
function runtimeOf(source: AdapterSource): string {
  const { userAgent = '' } = globalThis.navigator ?? {};
  const [, product = 'unknown', version = '0'] = /(Firefox|Chrome|Version|Node\.js|Deno|Bun)\/([\d.]+)/.exec(userAgent) ?? [];
  return source === 'host' ? `${product.toLowerCase()} ${version}` : `dawn on ${product.toLowerCase()} ${version}`;
}

/** What WebGPU would refuse later, said at once and by name. */
function assertCall(label: string, entry: Entry, buffers: readonly WebgpuBuffer[], args: readonly number[]): void {
  const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name).join(', ') || 'none';
  if (buffers.length !== entry.buffers.length || args.length !== entry.arguments.length)
    throw new DeviceError(
      `${label}: called with ${buffers.length} buffers and ${args.length} arguments, expected buffers ${names(entry.buffers)} and arguments ${names(entry.arguments)}`,
    );
  const isBoundTwice = (i: number) => buffers.some(({ gpu }, j) => j !== i && gpu === buffers[i].gpu);
  const written = entry.buffers.find(({ access }, i) => access === 'write' && isBoundTwice(i));
  if (written) throw new DeviceError(`${label}: ${written.name} is written, so its buffer cannot be bound a second time`);
}
