// Memory of a plan: what an arm holds while its case is measured, whether that fits the device and the machine, and which arms fit together.

import { paddedBytes } from '../kernels/dtype.ts';
import { MAX_OPERAND_BYTES, operandExtents, type Problem } from '../kernels/problem.ts';
import type { Entry } from './plan.ts';

export const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;

/** Bytes of each operand of a problem, by name. */
export const operandBytes = (problem: Problem): Record<string, number> =>
  Object.fromEntries(Object.entries(operandExtents(problem)).map(([name, extent]) => [name, paddedBytes(extent)]));

export const totalBytes = (bytes: Readonly<Record<string, number>>): number => Object.values(bytes).reduce((sum, one) => sum + one, 0);

/** Why the CPU device cannot hold a problem with its workspace; undefined where it can. WebGPU kernels know their adapter's limits themselves. */
export function wasmRefusal(problem: Problem, workspaceBytes: number): string | undefined {
  const bytes = totalBytes(operandBytes(problem)) + workspaceBytes;
  return bytes > MAX_OPERAND_BYTES
    ? `it needs ${mebibytes(bytes)}, more than the ${mebibytes(MAX_OPERAND_BYTES)} of a WebAssembly memory`
    : undefined;
}

/** Why the machine cannot hold an arm; undefined where it can. */
export const machineRefusal = (bytes: number, memoryBytes: number): string | undefined =>
  bytes > memoryBytes ? `it needs ${mebibytes(bytes)} with its operands, more than the ${mebibytes(memoryBytes)} that are free` : undefined;

/**
 * Packs entries in order into groups that fit in memory together. The reference arm, the baseline or else the first, stands first in every
 * group, but for entries that do not fit beside it: those are measured alone.
 */
export function groupsOf(entries: readonly Entry[], memoryBytes: number, baseline?: string): Entry[][] {
  const runnable = entries.filter(({ refusal }) => refusal === undefined);
  const reference = runnable.find(({ arm }) => arm.name === baseline) ?? runnable[0];
  if (!reference) return [];
  const others = runnable.filter((entry) => entry !== reference);
  const room = memoryBytes - reference.bytes;
  const groups: Entry[][] = [[reference]];
  let free = room;
  for (const entry of others.filter(({ bytes }) => bytes <= room)) {
    if (entry.bytes > free) {
      groups.push([reference]);
      free = room;
    }
    groups.at(-1)!.push(entry);
    free -= entry.bytes;
  }
  return [...groups, ...others.filter(({ bytes }) => bytes > room).map((entry) => [entry])];
}
