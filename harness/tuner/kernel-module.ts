// A kernel of the user's own: a module whose default export is a Kernel record, and which may name the problems to tune it for.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { AnyKernel } from '../../kernels/kernel.ts';
import type { Problem } from '../../kernels/problem.ts';
import { UsageError } from '../suite.ts';

export interface KernelModule {
  readonly kernel: AnyKernel;
  /** Export `problems`, or the record's own field of that name; empty where there is neither. */
  readonly problems: readonly Problem[];
  readonly url: string;
}

const METHODS = ['facts', 'rejects', 'defaults', 'cost', 'estimate', 'variant', 'generate', 'plan'] as const;

/** Loads a module by its path or URL. Throws a UsageError that says what it lacks. */
export async function kernelModule(source: string): Promise<KernelModule> {
  const path = source.startsWith('file:') ? fileURLToPath(source) : resolve(source);
  if (!existsSync(path)) throw new UsageError(`there is no kernel module ${path}`);
  const url = pathToFileURL(path).href;
  let found: { default?: AnyKernel & { problems?: readonly Problem[] }; problems?: readonly Problem[] };
  try {
    found = await import(url);
  } catch (error) {
    throw new UsageError(`${path}: cannot be loaded: ${(error as Error).message.split('\n')[0]}`, { cause: error });
  }
  const kernel = found.default;
  if (typeof kernel !== 'object' || kernel === null)
    throw new UsageError(`${path}: has no default export; it must be a Kernel record, as kernels/kernel.ts describes`);
  const lacking = [
    ...(['name', 'op', 'device'] as const).filter((field) => typeof kernel[field] !== 'string'),
    ...(['requires', 'constraints'] as const).filter((field) => !Array.isArray(kernel[field])),
    ...(typeof kernel.tunables === 'object' ? [] : ['tunables']),
    ...METHODS.filter((method) => typeof kernel[method] !== 'function'),
  ];
  if (lacking.length > 0) throw new UsageError(`${path}: its default export is no Kernel record; it lacks ${lacking.join(', ')}`);
  return { kernel, problems: found.problems ?? kernel.problems ?? [], url };
}
