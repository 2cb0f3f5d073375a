// Probes find out what this engine on this processor can really do. Nothing is assumed from a version or a name.

import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Source } from '../kernel.ts';
import { assemble, call, f32x4, type Local, set, task, v128 } from './assembly.ts';
import { compile, type FlagSet } from './compile.ts';
import { tileRoutine } from './tile.ts';
import { type EntryFunction, instantiate } from './worker.ts';

export interface Probes {
  readonly features: ReadonlySet<string>;
  /** `threads`, and the data caches: `l1Bytes` and `l2Bytes` of one core, `l3Bytes` of all. */
  readonly limits: Readonly<Record<string, number>>;
}

/** Revectorised code must be at least this much faster to count as such; measured ratios are about 2.5, or 1. */
const REVECTORIZE_GAIN = 1.4;

let known: Probes | undefined;

/** What can be used here: features `simd`, `relaxed-simd`, `revectorize`, `threads`. Probed once a process, in a few milliseconds. */
export function probe(): Probes {
  if (known) return known;
  const features = new Set<string>();
  if (validates((a) => set(a, f32x4.add(a, a)))) features.add('simd');
  if (validates((a) => set(a, f32x4.relaxed_madd(a, a, a)))) features.add('relaxed-simd');
  if (typeof SharedArrayBuffer === 'function' && availableParallelism() > 1) features.add('threads');
  if (features.has('relaxed-simd') && tileMilliseconds('eager') > REVECTORIZE_GAIN * tileMilliseconds('tuned')) features.add('revectorize');
  known = { features, limits: { threads: availableParallelism(), ...caches() } };
  return known;
}

const NOTHING = { buffers: [], arguments: [] } as const;

function validates(body: (a: Local<'v128'>) => void): boolean {
  const source = assemble('probe', { main: task(NOTHING, { a: v128 }, ({ a }) => body(a)) });
  return WebAssembly.validate(source.code as Uint8Array<ArrayBuffer>);
}

/** Best of several runs of a 6x16 tile on cached panels: what revectorisation helps most. */
function tileMilliseconds(flags: FlagSet): number {
  const tile = tileRoutine({ mr: 6, nr: 16, unroll: 4, a: 'packed', b: 'packed', fma: true, accumulate: false, scale: false });
  const steps = 256;
  const source: Source = assemble('probe', { main: task(NOTHING, {}, () => call(tile, [0, 8192, 32768, steps, 0, 0, 64, 6, 0, 0])) });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const [run] = instantiate({ module: compile(source, flags), entries: ['main'] }, memory) as [EntryFunction];
  let best = Infinity;
  for (let round = 0; round < 12; round++) {
    const start = performance.now();
    for (let i = 0; i < 30; i++) run(0, 0, 0);
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

/** Cache sizes as Linux tells them; elsewhere, sizes that most processors have. */
function caches(): Record<string, number> {
  const sizes: Record<string, number> = { l1Bytes: 32 * 1024, l2Bytes: 512 * 1024, l3Bytes: 8 * 1024 * 1024 };
  const folder = '/sys/devices/system/cpu/cpu0/cache';
  try {
    for (const index of readdirSync(folder).filter((name) => name.startsWith('index'))) {
      const read = (name: string) => readFileSync(`${folder}/${index}/${name}`, 'utf8').trim();
      const [, size, unit] = /^(\d+)([KM])$/.exec(read('size')) ?? [];
      if (read('type') !== 'Instruction' && size) sizes[`l${read('level')}Bytes`] = Number(size) * (unit === 'M' ? 2 ** 20 : 1024);
    }
  } catch {
    // Not Linux, or a container that hides it: the sizes above stand.
  }
  return sizes;
}
