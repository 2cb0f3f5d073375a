// Compiling decides how fast a CPU kernel runs: straight to the optimising tier, and with revectorisation where the engine has it.

import v8 from 'node:v8';
import { DeviceError } from '../device.ts';
import type { Source } from '../kernel.ts';

/** Under which V8 flags a device compiles: `default` sets none, as most people run; `tuned` is what each flag below is for. */
export type FlagSet = 'default' | 'eager' | 'tuned';

/**
 * Flags while one of our modules compiles, and what puts V8's defaults back.
 *
 * Kernels are small and called often: no baseline tier and no lazy compilation, so that the first call already runs the final code.
 * Revectorisation fuses pairs of 128-bit operations into 256-bit AVX2 (V8 13 and later, x86-64).
 */
const EAGER = { on: ['--no-liftoff', '--no-wasm-lazy-compilation'], off: ['--liftoff', '--wasm-lazy-compilation'] };
const REVECTORIZE = { on: ['--experimental-wasm-revectorize'], off: ['--no-experimental-wasm-revectorize'] };

const FLAGS: Record<FlagSet, (typeof EAGER)[]> = { default: [], eager: [EAGER], tuned: [EAGER, REVECTORIZE] };

/** The flags of a set, as a record shows them. */
export const v8Flags = (set: FlagSet): string => FLAGS[set].flatMap(({ on }) => on).join(' ');

/** Compiles under a set of flags. Throws a DeviceError that names the source where the bytes are not valid. */
export function compile(source: Source, set: FlagSet): WebAssembly.Module {
  for (const { on } of FLAGS[set]) for (const flag of on) v8.setFlagsFromString(flag);
  try {
    return new WebAssembly.Module(tagged(source.code as Uint8Array<ArrayBuffer>, set));
  } catch (error) {
    throw new DeviceError(`cpu: ${source.label} does not compile: ${(error as Error).message}`, { cause: error });
  } finally {
    for (const { off } of FLAGS[set]) for (const flag of off) v8.setFlagsFromString(flag);
  }
}

/** The module with a custom section: V8 caches native code by bytes alone, and would hand one device the code of another with other flags. */
function tagged(bytes: Uint8Array, tag: string): Uint8Array<ArrayBuffer> {
  const name = new TextEncoder().encode(tag);
  const whole = new Uint8Array(bytes.length + name.length + 3);
  whole.set(bytes);
  whole.set([0, name.length + 1, name.length], bytes.length);
  whole.set(name, bytes.length + 3);
  return whole;
}
