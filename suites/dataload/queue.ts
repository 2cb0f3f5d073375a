// The queueing model: a data loader and a training step in virtual time, on a machine with a number of cores.
//
//   workers:  fetch (waits) -> decode (computes)     at most `prefetch` batches ahead of the main thread, the one it waits for not counted
//   main:     wait for a batch -> copy -> compute    without workers it fetches and decodes as well
//
// Threads that compute share the cores evenly: with n of them on C cores each runs at min(1, C/n) of its speed. So a worker that decodes slows a step
// that computes on all cores, which no formula of the form max(fetch, decode, compute) sees. Nothing is drawn by chance: the same figures in, the same out.

/** What one step asks of each part, in milliseconds on an idle machine. */
export interface StepWork {
  /** Waits for storage. */
  readonly fetch: number;
  /** One thread's computing: decoding, transforms, copying from the page cache. */
  readonly decode: number;
  /** One thread's: host to device. */
  readonly copy: number;
  /** The training step, on `threads` threads. */
  readonly compute: number;
}

export type Stage = keyof StepWork;
export const STAGES: readonly Stage[] = ['fetch', 'decode', 'copy', 'compute'];

export interface Setting {
  /** 0: the main thread loads. */
  readonly workers: number;
  /** Batches that workers may be ahead; 0: they start when a batch is asked for. */
  readonly prefetch: number;
  readonly cores: number;
  /** Threads that the training step keeps busy on the processor; 0 for a GPU. */
  readonly threads: number;
}

/** A step in steady state, in milliseconds; batches that were ready, on average, when one was asked for. */
export interface Forecast {
  readonly step: number;
  /** Blocked until a batch was there, or making it. */
  readonly wait: number;
  readonly copy: number;
  /** Longer than the work's where workers take cores. */
  readonly compute: number;
  readonly ready: number;
}

type Phase = 'idle' | Stage;

/** A thread of the model: what it does, and how much of that is left. */
interface Thread {
  phase: Phase;
  left: number;
  batch: number;
}

/** Steps that are simulated, and those of them before the pipeline is taken to be steady. What is left, 168, is whole turns of 2, 3, 4, 6, 7 or 8 workers. */
const STEPS = 240;
const WARM_UP = 72;

class Pipeline {
  readonly #work: StepWork;
  readonly #setting: Setting;
  readonly #workers: Thread[];
  readonly #main: Thread = { phase: 'idle', left: 0, batch: 0 };
  /** Batches that are made and not taken. */
  readonly #ready = new Set<number>();
  #claimed = 0;
  #now = 0;
  /** Time of the main thread by what it did, and batches that were ready, since the warm-up. */
  #spent = { idle: 0, fetch: 0, decode: 0, copy: 0, compute: 0 };
  #seen = 0;

  constructor(work: StepWork, setting: Setting) {
    this.#work = work;
    this.#setting = setting;
    this.#workers = Array.from({ length: setting.workers }, () => ({ phase: 'idle', left: 0, batch: -1 }));
  }

  run(): Forecast {
    let since = 0;
    this.#ask();
    while (this.#main.batch < STEPS) {
      this.#claim();
      this.#take();
      const before = this.#main.batch;
      this.#advance();
      if (before < WARM_UP && this.#main.batch >= WARM_UP) {
        since = this.#now;
        this.#spent = { idle: 0, fetch: 0, decode: 0, copy: 0, compute: 0 };
        this.#seen = 0;
      }
    }
    const steps = STEPS - WARM_UP;
    const { idle, fetch, decode, copy, compute } = this.#spent;
    return {
      step: (this.#now - since) / steps,
      wait: (idle + fetch + decode) / steps,
      copy: copy / steps,
      compute: compute / steps,
      ready: this.#seen / steps,
    };
  }

  /** The main thread asks for its next batch, and makes it where nobody else does. */
  #ask(): void {
    this.#seen += this.#ready.size;
    if (this.#setting.workers === 0) this.#start(this.#main, 'fetch');
    else this.#main.phase = 'idle';
  }

  #start(thread: Thread, phase: Stage): void {
    thread.phase = phase;
    thread.left = this.#work[phase];
  }

  /** Idle workers claim the next batches, as far ahead as they may. */
  #claim(): void {
    const asked = this.#main.phase === 'idle' ? 1 : 0;
    for (const worker of this.#workers) {
      // What the main thread works on has been taken already.
      const taken = this.#main.batch + (asked ? 0 : 1);
      if (worker.phase !== 'idle' || this.#claimed - taken >= this.#setting.prefetch + asked) continue;
      worker.batch = this.#claimed++;
      this.#start(worker, 'fetch');
    }
  }

  #take(): void {
    if (this.#main.phase === 'idle' && this.#ready.delete(this.#main.batch)) {
      this.#start(this.#main, 'copy');
      this.#claim();
    }
  }

  /** Lets time pass until somebody is done with something. */
  #advance(): void {
    const active = [this.#main, ...this.#workers].filter(({ phase }) => phase !== 'idle');
    const running = active.reduce((sum, thread) => sum + this.#threadsOf(thread), 0);
    const share = Math.min(1, this.#setting.cores / running);
    const rate = (thread: Thread) => (this.#threadsOf(thread) > 0 ? share : 1);
    const passed = Math.min(...active.map((thread) => thread.left / rate(thread)));
    this.#now += passed;
    this.#spent[this.#main.phase] += passed;
    for (const thread of active) {
      thread.left -= passed * rate(thread);
      if (thread.left <= 1e-9) this.#next(thread);
    }
  }

  #threadsOf({ phase }: Thread): number {
    if (phase === 'compute') return this.#setting.threads;
    return phase === 'decode' || phase === 'copy' ? 1 : 0;
  }

  #next(thread: Thread): void {
    if (thread.phase === 'fetch') this.#start(thread, 'decode');
    else if (thread.phase === 'copy') this.#start(thread, 'compute');
    else if (thread.phase === 'compute') {
      thread.batch++;
      this.#ask();
    } else if (thread === this.#main) this.#start(thread, 'copy');
    else {
      this.#ready.add(thread.batch);
      thread.phase = 'idle';
    }
  }
}

/** What a step comes to in a setting. */
export const forecast = (work: StepWork, setting: Setting): Forecast => new Pipeline(work, setting).run();
