// Generated code, kept: launches of one program that differ only in sizes or scalars (a rate, a random step) share what was generated for the first.

import type { Device } from '../kernels/index.ts';
import { type AnyKernel, programKey, type Source } from '../kernels/kernel.ts';

const kept = new WeakMap<Device, Map<string, Source>>();

/** The kernel with a `generate` that does its work once for each program on a device. */
export function generatedOnce(device: Device, kernel: AnyKernel): AnyKernel {
  let sources = kept.get(device);
  if (!sources) kept.set(device, (sources = new Map()));
  const known = sources;
  const generate: AnyKernel['generate'] = (problem, tunables, traits) => {
    const key = programKey(kernel, problem, tunables, traits);
    let source = known.get(key);
    if (!source) known.set(key, (source = kernel.generate(problem, tunables, traits)));
    return source;
  };
  return { ...kernel, generate };
}
