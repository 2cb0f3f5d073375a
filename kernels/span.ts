// A span is a piece of time on a track, such as a kernel on a thread; a count is the reading of a counter at a moment. They are what traces are drawn from.
//
// Nothing is recorded before `startTracing`: who might record asks `tracing()` once, when it is made, so that a run without a trace pays nothing. A recorder
// keeps itself cheap: an event between kernels costs one to two microseconds (clock and recorder are out of the caches by then), so beyond a burst it takes one per
// millisecond at most, in runs of neighbours that show a step whole where steps go on for long, and counts what it left out.

export type Category = 'load' | 'decode' | 'transform' | 'copy' | 'kernel' | 'wait' | 'compile' | 'step' | 'sample';

export interface Span {
  /** The thread or queue that was busy: `main thread`, `crew thread 1`, `loader worker 2`, `webgpu queue`. */
  readonly track: string;
  readonly name: string;
  readonly category: Category;
  /** On the clock of `clockNs`. */
  readonly startNs: number;
  readonly durationNs: number;
  readonly args?: Readonly<Record<string, number | string>>;
}

export interface Count {
  /** What is counted, with its unit: `device memory (bytes)`, `batches ready`. */
  readonly name: string;
  readonly atNs: number;
  readonly value: number;
}

export interface Events {
  readonly spans: readonly Span[];
  readonly counts: readonly Count[];
  /** Events that were not recorded, to stay cheap. */
  readonly skipped: number;
}

export const MAIN_THREAD = 'main thread';

/** Events that are taken without a look at their rate, and the nanoseconds that each further one must have to itself. */
const BURST = 50;
const EVERY_NS = 1e6;
/** Events that are let pass unrecorded before the rate is looked at again. */
const SKIP = 400;

const offsetNs = monotonicOffset();

/** Nanoseconds on a clock that all threads and processes of this machine share (in a browser: that contexts of a page share). */
export const clockNs = (): number => performance.now() * 1e6 + offsetNs;

/** What `performance.now` lacks to the system's monotonic clock; it is the same clock with another origin. */
function monotonicOffset(): number {
  const hrtime = (globalThis as { process?: { hrtime?: { bigint?(): bigint } } }).process?.hrtime;
  if (!hrtime?.bigint) return performance.timeOrigin * 1e6;
  let offset = 0;
  let doubt = Infinity;
  for (let i = 0; i < 10; i++) {
    const before = performance.now() * 1e6;
    const now = Number(hrtime.bigint());
    const after = performance.now() * 1e6;
    if (after - before >= doubt) continue;
    doubt = after - before;
    offset = now - (before + after) / 2;
  }
  return offset;
}

/** Spans in the order recorded, a column for each property: nothing is allocated while the work that is traced goes on. */
class SpanColumns {
  #length = 0;
  #times = new Float64Array(2048);
  #names: string[] = [];
  #tracks: string[] = [];
  #categories: Category[] = [];
  #args: Span['args'][] = [];

  get length(): number {
    return this.#length;
  }

  push(track: string, name: string, category: Category, startNs: number, endNs: number, args: Span['args']): void {
    const i = this.#length++;
    if (2 * i === this.#times.length) {
      const longer = new Float64Array(4 * i);
      longer.set(this.#times);
      this.#times = longer;
    }
    this.#times[2 * i] = startNs;
    this.#times[2 * i + 1] = endNs;
    this.#tracks[i] = track;
    this.#names[i] = name;
    this.#categories[i] = category;
    this.#args[i] = args;
  }

  /** The spans as objects; the columns are empty then, and as long as they were. */
  take(): Span[] {
    const spans = Array.from({ length: this.#length }, (_, i): Span => {
      const startNs = this.#times[2 * i];
      const durationNs = Math.max(0, this.#times[2 * i + 1] - startNs);
      return { track: this.#tracks[i], name: this.#names[i], category: this.#categories[i], startNs, durationNs, args: this.#args[i] };
    });
    this.#length = 0;
    return spans;
  }
}

export class Recorder {
  #spans = new SpanColumns();
  #counts: Count[] = [];
  /** Events since the last `take`. */
  #taken = 0;
  #skipped = 0;
  #skipping = 0;
  #sinceNs: number;
  #collectors = new Set<() => void>();
  readonly #clock: () => number;

  /** `clock` is for tests. */
  constructor(clock: () => number = clockNs) {
    this.#clock = clock;
    this.#sinceNs = clock();
  }

  /** Whether there is room for one more event; asked before the clock is read. A refusal is counted. */
  admits(): boolean {
    if (this.#skipping === 0) return true;
    this.#skipping--;
    this.#skipped++;
    return false;
  }

  span(track: string, name: string, category: Category, startNs: number, endNs: number, args?: Span['args']): void {
    this.#spans.push(track, name, category, startNs, endNs, args);
    this.took(endNs);
  }

  count(name: string, value: number, atNs: number = this.#clock()): void {
    this.#counts.push({ name, atNs, value });
    this.took(atNs);
  }

  /** Takes notice of an event that ended at `nowNs`; one that its recorder keeps to itself until it is collected, too. */
  took(nowNs: number): void {
    if ((++this.#taken - BURST) * EVERY_NS > nowNs - this.#sinceNs) this.#skipping = SKIP;
  }

  /** Has `collect` called before every `take`: it records what other threads or a GPU have noted by themselves. Returns what ends that. */
  collecting(collect: () => void): () => void {
    this.#collectors.add(collect);
    return () => this.#collectors.delete(collect);
  }

  /** Hands over what was recorded since the last time, and starts anew. */
  take(): Events {
    for (const collect of this.#collectors) collect();
    const events = { spans: this.#spans.take(), counts: this.#counts, skipped: this.#skipped };
    this.#counts = [];
    this.#taken = this.#skipped = this.#skipping = 0;
    this.#sinceNs = this.#clock();
    return events;
  }
}

let current: Recorder | undefined;

/** The recorder of this thread; undefined where nobody asked for a trace. */
export const tracing = (): Recorder | undefined => current;

/** Starts to record in this thread: devices and loaders opened from now on say what they do. */
export const startTracing = (recorder = new Recorder()): Recorder => (current ??= recorder);

/** Stops recording: what is opened from now on records nothing. */
export const stopTracing = (): void => void (current = undefined);
