// Launches of a device: what an op comes down to for given layouts, compiled once and kept, so that an eager op costs a look-up and its dispatches.
//
// The key is op, layouts and attributes. The least recently used is dropped beyond the limit; programs themselves stay in the device's cache.

import { type Buffer, bytesPerElement, choose, type Device, Launch, launched, type Problem } from '../kernels/index.ts';
import { generatedOnce } from './generated.ts';
import { type Layout, layoutOf, type Spec, specText } from './layout.ts';
import type { Attributes, Lowering, Op, Operand, View } from './op.ts';
import { sizeOf } from './shape.ts';

/** Bytes of a dense tensor, in whole words. */
export const denseBytes = ({ shape, dtype }: Spec): number => Math.ceil((sizeOf(shape) * bytesPerElement(dtype)) / 4) * 4;

interface BoundLaunch {
  readonly launch: Launch;
  readonly names: readonly string[];
  readonly places: readonly number[];
}

/** The kernel for a step of an op. Throws a RangeError that names the op, its operands and what to do where the device has none. */
function kernelFor(op: Op, operands: readonly Operand<Layout>[], problem: Problem, device: Device): ReturnType<typeof choose> {
  try {
    return choose(problem, device);
  } catch (error) {
    const given = operands.map((operand) => (typeof operand === 'number' ? `${operand}` : specText(operand)));
    const { message } = error as Error;
    const isOfHalves = device.kind === 'cpu' && message.includes('f16');
    const remedy = isOfHalves ? 'cpu keeps f16 but does not compute with it: use f32 there, or webgpu' : 'cast or copy the operands';
    throw new RangeError(`${op.name}(${given.join(', ')}): ${message}; ${remedy}`, { cause: error });
  }
}

/** An op made ready for layouts: how its output lies, and what is dispatched; nothing where the output is a view of the first input. */
export class Prepared {
  readonly output: Layout;
  readonly isView: boolean;
  readonly bytes: number;
  /** When it was last asked for, in uses of the cache that keeps it. */
  lastUse = 0;
  readonly #launches: readonly BoundLaunch[];
  readonly #temporaries: readonly number[];
  readonly #constants: readonly Buffer[];
  readonly #device: Device;
  #hasFailed = false;

  constructor(device: Device, op: Op, operands: readonly Operand<Layout>[], attributes: Attributes) {
    const spec = op.infer(operands, attributes);
    const view: View | undefined = typeof operands[0] === 'object' ? op.view?.(operands[0], spec, attributes) : undefined;
    this.#device = device;
    this.isView = view !== undefined;
    this.output = view ? layoutOf(spec, view.strides, view.offset) : layoutOf(spec);
    this.bytes = denseBytes(spec);
    const { steps, temporaries = [], constants = [] }: Lowering = view ? { steps: [] } : op.lower(operands, spec, attributes);
    this.#temporaries = temporaries;
    // All are chosen before the first is launched: where one cannot be done, no workspace is left behind.
    const chosen = steps.map(({ problem, bind }) => ({ problem, bind, choice: kernelFor(op, operands, problem, device) }));
    this.#launches = chosen.map(({ problem, bind, choice }) => ({
      launch: launched(
        choice,
        () => kernelFor(op, operands, problem, device),
        ({ kernel, tunables }) => new Launch(device, generatedOnce(device, kernel), problem, tunables),
        () => (this.#hasFailed = true),
      ),
      names: Object.keys(bind),
      places: Object.values(bind),
    }));
    this.#constants = constants.map((values) => {
      const buffer = device.alloc(Math.ceil(values.byteLength / 4) * 4);
      device.write(buffer, values);
      return buffer;
    });
  }

  /** Whether a program of it did not compile that the tuned table had proposed: prepared again, it has another. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Dispatches everything; `buffers` are the inputs in order (anything in a number's place) and then the output. */
  run(buffers: Buffer[]): void {
    const first = buffers.length;
    for (const bytes of this.#temporaries) buffers.push(this.#device.alloc(bytes));
    const last = buffers.length;
    buffers.push(...this.#constants);
    try {
      for (const { launch, names, places } of this.#launches) {
        const operands: Record<string, Buffer> = {};
        for (let i = 0; i < names.length; i++) operands[names[i]] = buffers[places[i]];
        launch.run(operands);
      }
    } finally {
      for (let i = first; i < last; i++) this.#device.free(buffers[i]);
    }
  }

  /** Settles when every program is compiled. */
  async ready(): Promise<void> {
    await Promise.all(this.#launches.map(({ launch }) => launch.ready));
  }

  free(): void {
    for (const { launch } of this.#launches) launch.free();
    for (const buffer of this.#constants) this.#device.free(buffer);
  }
}

/** Prepared ops of one device. */
export class Launches {
  readonly device: Device;
  readonly limit: number;
  #kept = new Map<string, Prepared>();
  #misses = 0;
  #uses = 0;

  /** Keeps at most `limit` prepared ops. */
  constructor(device: Device, limit = 4096) {
    this.device = device;
    this.limit = limit;
  }

  /** How many prepared ops are kept. */
  get size(): number {
    return this.#kept.size;
  }

  /** How many ops had to be prepared since the device was opened. */
  get misses(): number {
    return this.#misses;
  }

  /** The op made ready for these layouts. Throws what `infer` and `lower` throw, and a RangeError where no kernel can do it. */
  get(op: Op, operands: readonly Operand<Layout>[], attributes: Attributes): Prepared {
    let key = op.name;
    // -0 prints as 0, but is another number.
    for (const operand of operands) key += typeof operand === 'number' ? ` =${Object.is(operand, -0) ? '-0' : operand}` : ` ${operand.id}`;
    for (const name in attributes) key += ` ${name}:${attributes[name]}`;
    const found = this.#kept.get(key);
    if (found?.hasFailed) this.#drop(key);
    else if (found) {
      found.lastUse = ++this.#uses;
      return found;
    }
    const prepared = new Prepared(this.device, op, operands, attributes);
    prepared.lastUse = ++this.#uses;
    this.#misses++;
    this.#kept.set(key, prepared);
    if (this.#kept.size > this.limit) this.#drop(this.#stalest());
    return prepared;
  }

  /** A search, and no order kept: preparing costs hundreds of times more than looking at every key, and a hit must cost nothing. */
  #stalest(): string {
    let [stalest, since] = ['', Number.POSITIVE_INFINITY];
    for (const [key, { lastUse }] of this.#kept) if (lastUse < since) [stalest, since] = [key, lastUse];
    return stalest;
  }

  #drop(key: string): void {
    this.#kept.get(key)!.free();
    this.#kept.delete(key);
  }

  /** Gives the workspaces of all launches back. */
  clear(): void {
    for (const key of [...this.#kept.keys()]) this.#drop(key);
  }
}

const byDevice = new Map<Device, Launches>();

/** The launches of a device. */
export function launchesOf(device: Device): Launches {
  let launches = byDevice.get(device);
  if (!launches) byDevice.set(device, (launches = new Launches(device)));
  return launches;
}

/** Drops what is kept for a device, which is then closed or measured afresh. */
export function forgetLaunches(device: Device): void {
  byDevice.get(device)?.clear();
  byDevice.delete(device);
}
