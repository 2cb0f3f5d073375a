// The CPU device: one shared WebAssembly.Memory, programs compiled from generated modules, and a crew of threads that run their tasks.
//
// A dispatch returns when it is done. So reads and syncs have nothing to wait for, and an error is thrown by the call that caused it.

import { arch, cpus } from 'node:os';
import type { Buffer, Device, DeviceMemory, Program } from '../device.ts';
import { DeviceError } from '../device.ts';
import type { Grid, Source } from '../kernel.ts';
import { type Recorder, tracing } from '../span.ts';
import type { Identity } from '../tuned/entry.ts';
import { Arena } from './arena.ts';
import { MAX_PAGES } from './assembly.ts';
import { copyBytes, copyOf, copySource } from './bytes.ts';
import { COMMAND_BYTES, MAX_ARGUMENTS, WORD } from './command.ts';
import { compile, type FlagSet, v8Flags } from './compile.ts';
import { Crew } from './crew.ts';
import { probe } from './probe.ts';
import { sharedBy, unitsPerTask } from './threading.ts';
import { type EntryFunction, instantiate } from './worker.ts';

export interface CpuOptions {
  /** Threads that take part, the caller included; all cores if absent. */
  readonly threads?: number;
  /** `default` compiles under V8's own flags, as a program that sets none. */
  readonly flags?: 'tuned' | 'default';
  /** Bytes the memory may grow to; 4 GiB, the most there is, if absent. */
  readonly memoryLimit?: number;
  /** A dispatch whose threads end no task for this long is an error; 5000 if absent. */
  readonly lostAfterMs?: number;
  /** Leaves kernels that lose accuracy out of what is chosen on this device. */
  readonly deterministic?: boolean;
}

/** Bytes of a cache line: shares are whole lines. */
const LINE = 64;
/** Below this a dispatch costs more than copying by the engine. */
const LEAST_COPY = 4096;

class CpuBuffer implements Buffer {
  readonly address: number;
  readonly bytes: number;
  constructor(address: number, bytes: number) {
    this.address = address;
    this.bytes = bytes;
  }
}

class CpuProgram implements Program {
  readonly source: Source;
  readonly id: number;
  readonly module: WebAssembly.Module;
  /** Names of the entries; a dispatch sends the index. */
  readonly entries: readonly string[];
  readonly run: readonly EntryFunction[];
  readonly ready = Promise.resolve();
  constructor(source: Source, id: number, module: WebAssembly.Module, memory: WebAssembly.Memory) {
    this.source = source;
    this.id = id;
    this.module = module;
    this.entries = Object.keys(source.entries);
    this.run = instantiate(this, memory);
  }
}

/** Opens the CPU. Throws a DeviceError where the engine has no SIMD, or a thread count that is not a whole number from 1 to 64. */
export async function openCpu({
  threads,
  flags = 'tuned',
  memoryLimit = MAX_PAGES * 65536,
  lostAfterMs = 5000,
  deterministic = false,
}: CpuOptions = {}): Promise<CpuDevice> {
  const { features, limits } = probe();
  if (!features.has('simd')) throw new DeviceError('cpu: this engine has no WebAssembly SIMD; Node 24 or later has');
  const count = threads ?? (features.has('threads') ? limits.threads : 1);
  if (!Number.isInteger(count) || count < 1 || count > 64)
    throw new DeviceError(`cpu: threads is ${count}, expected a whole number from 1 to 64`);
  const memory = new WebAssembly.Memory({ initial: 16, maximum: MAX_PAGES, shared: true });
  const recorder = tracing();
  const crew = await Crew.start(memory, count, lostAfterMs, recorder !== undefined);
  const usable = new Set([...features].filter((feature) => flags === 'tuned' || feature !== 'revectorize'));
  const device = new CpuDevice(memory, crew, usable, { ...limits, threads: count }, { flags, memoryLimit, deterministic });
  recorder?.collecting(() => device.tellShares(recorder));
  return device;
}

export class CpuDevice implements Device {
  readonly kind = 'cpu';
  readonly name = cpus()[0]?.model.trim() || 'unknown processor';
  readonly identity: Identity = {
    name: this.name,
    vendor: vendorOf(this.name),
    architecture: arch(),
    runtime: `node ${process.versions.node}`,
  };
  readonly features: ReadonlySet<string>;
  readonly limits: Readonly<Record<string, number>>;
  readonly deterministic: boolean;
  /** The V8 flags that this device's programs are compiled under; empty for V8's own. */
  readonly v8Flags: string;
  #flags: FlagSet;
  #memory: WebAssembly.Memory;
  #arena: Arena;
  #crew: Crew;
  #integers: Int32Array;
  #floats: Float32Array;
  #bytes: Uint8Array;
  #copy: CpuProgram | undefined;
  #programs = new Map<string, CpuProgram>();
  /** The same programs by the source they were prepared from, so that preparing again need not compare bytes. */
  #known = new WeakMap<Source, CpuProgram>();
  #counts = { writtenBytes: 0, writes: 0, readBytes: 0, reads: 0 };
  #closed = false;

  /** Use `openCpu`. */
  constructor(
    memory: WebAssembly.Memory,
    crew: Crew,
    features: ReadonlySet<string>,
    limits: Readonly<Record<string, number>>,
    { flags, memoryLimit, deterministic }: { flags: FlagSet; memoryLimit: number; deterministic: boolean },
  ) {
    this.features = features;
    this.limits = limits;
    this.deterministic = deterministic;
    this.v8Flags = v8Flags(flags);
    this.#flags = flags;
    this.#memory = memory;
    this.#crew = crew;
    this.#arena = new Arena(memory, COMMAND_BYTES, memoryLimit);
    this.#integers = new Int32Array(memory.buffer, WORD.arguments * 4, MAX_ARGUMENTS);
    this.#floats = new Float32Array(memory.buffer, WORD.arguments * 4, MAX_ARGUMENTS);
    this.#bytes = new Uint8Array(memory.buffer);
  }

  alloc(bytes: number): Buffer {
    this.#check();
    const buffer = new CpuBuffer(this.#arena.alloc(bytes), bytes);
    if (this.#bytes.length !== this.#memory.buffer.byteLength) this.#bytes = new Uint8Array(this.#memory.buffer);
    return buffer;
  }

  free(buffer: Buffer): void {
    this.#arena.free((buffer as CpuBuffer).address);
  }

  write(buffer: Buffer, data: ArrayBufferView, offset = 0): void {
    const target = this.view(buffer, offset, data.byteLength, 'write');
    copyBytes(target, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    this.#counts.writes++;
    this.#counts.writtenBytes += data.byteLength;
  }

  async read(buffer: Buffer, offset = 0, bytes = buffer.bytes - offset): Promise<Uint8Array<ArrayBuffer>> {
    const copy = copyOf(this.view(buffer, offset, bytes, 'read'));
    this.#counts.reads++;
    this.#counts.readBytes += bytes;
    return copy;
  }

  /** The bytes themselves, without a copy. Holds until the next `alloc`, which may grow the memory. */
  view(buffer: Buffer, offset = 0, bytes = buffer.bytes - offset, verb = 'view'): Uint8Array {
    this.#check();
    if (!(offset >= 0 && bytes >= 0 && offset + bytes <= buffer.bytes))
      throw new DeviceError(`cpu: ${verb} of ${bytes} bytes at offset ${offset} does not fit a buffer of ${buffer.bytes} bytes`);
    const start = (buffer as CpuBuffer).address + offset;
    return this.#bytes.subarray(start, start + bytes);
  }

  copy(from: Buffer, to: Buffer, fromOffset = 0, toOffset = 0, bytes = from.bytes - fromOffset): void {
    const [target, source] = [this.view(to, toOffset, bytes, 'copy'), this.view(from, fromOffset, bytes, 'copy')];
    if (from === to || bytes < LEAST_COPY) target.set(source);
    else this.#copyShared(source, target);
  }

  /** By memory.copy, and by all threads where that pays. */
  #copyShared(from: Uint8Array, to: Uint8Array): void {
    this.#copy ??= this.prepare(copySource());
    const shared = sharedBy({ flops: 0, bytes: 2 * from.length }, this, 4);
    const share = unitsPerTask(Math.ceil(from.length / LINE), shared, this) * LINE;
    const [source, target] = [from, to].map(({ byteOffset, length }) => new CpuBuffer(byteOffset, length));
    this.dispatch(this.#copy, 'copy', [source, target], [from.length, share], [Math.ceil(from.length / share), 1, 1]);
  }

  fill(buffer: Buffer, word: number): void {
    const view = this.view(buffer);
    new Uint32Array(view.buffer, view.byteOffset, view.length >> 2).fill(word);
  }

  prepare(source: Source): CpuProgram {
    this.#check();
    const known = this.#known.get(source);
    if (known) return known;
    const key = keyOf(source.code as Uint8Array);
    let program = this.#programs.get(key);
    if (!program) {
      const { id, module, entries } = (program = new CpuProgram(source, this.#programs.size, compile(source, this.#flags), this.#memory));
      this.#programs.set(key, program);
      this.#crew.send({ id, module, entries });
    }
    this.#known.set(source, program);
    return program;
  }

  dispatch(program: Program, entry: string, buffers: readonly Buffer[], args: readonly number[], grid: Grid): void {
    this.#check();
    const { id, run, entries, source } = program as CpuProgram;
    const index = entries.indexOf(entry);
    if (index < 0) throw new DeviceError(`cpu: ${source.label} has no entry ${entry}; it has ${entries.join(', ')}`);
    const kinds = source.entries[entry].arguments;
    if (buffers.length !== source.entries[entry].buffers.length || args.length !== kinds.length)
      throw new DeviceError(
        `cpu: ${source.label}.${entry} takes ${source.entries[entry].buffers.length} buffers and ${kinds.length} arguments, got ${buffers.length} and ${args.length}`,
      );
    const first = buffers.length;
    for (let i = 0; i < first; i++) this.#integers[i] = (buffers[i] as CpuBuffer).address;
    for (let i = 0; i < args.length; i++) {
      if (kinds[i].type === 'f32') this.#floats[first + i] = args[i];
      else this.#integers[first + i] = args[i];
    }
    const tasks = grid[0] * grid[1] * grid[2];
    if (tasks > 0) this.#crew.run(source.label, id, index, run[index], tasks);
  }

  /** Nothing is ever queued here: dispatch has done the work. */
  submit(): void {}
  async sync(): Promise<void> {}

  /** Wall time of `work` on the caller's clock; dispatches end before they return. */
  async span(work: () => void): Promise<number> {
    const start = process.hrtime.bigint();
    work();
    return Number(process.hrtime.bigint() - start);
  }

  memory(): DeviceMemory {
    const { liveBytes, liveBlocks, peakBytes, pooledBytes } = this.#arena;
    return { liveBytes, liveBuffers: liveBlocks, peakBytes, pooledBytes, ...this.#counts, programs: this.#programs.size, lateCompiles: 0 };
  }

  /** Whether the crew's other threads note what they do of the dispatches to come, for `tellShares`. */
  noteShares(isOn: boolean): void {
    this.#crew.noteShares(isOn);
  }

  /** Tells a trace what the crew's other threads did since the last time. */
  tellShares(recorder: Recorder): void {
    const programs = [...this.#programs.values()];
    this.#crew.shares((thread, program, entry, startNs, endNs) => {
      const { source, entries } = programs[program];
      recorder.span(`crew thread ${thread}`, `${source.label}.${entries[entry]}`, 'kernel', startNs, endNs);
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#crew.close();
  }

  #check(): void {
    if (this.#closed) throw new DeviceError('cpu: the device is closed');
  }
}

/** Who makes a processor, by what its model is called. */
const vendorOf = (model: string): string | undefined => /intel|amd|apple|ampere|neoverse|graviton|qualcomm/i.exec(model)?.[0].toLowerCase();

/** The bytes themselves as a map key. */
function keyOf(code: Uint8Array): string {
  let key = '';
  for (let i = 0; i < code.length; i += 4096) key += String.fromCharCode(...code.subarray(i, i + 4096));
  return key;
}
