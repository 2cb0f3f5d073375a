// A trial runs one configuration of a kernel twice on given operands, in guarded buffers, and gives back what it wrote.

import { validTunables } from './catalog.ts';
import type { Buffer, Device } from './device.ts';
import { bytesPerElement, type Extent, paddedBytes, type Values, valuesIn } from './dtype.ts';
import type { AnyKernel, Tunables } from './kernel.ts';
import { Launch } from './launch.ts';
import type { Problem } from './problem.ts';

/** Bytes after every operand that a kernel writes and may not touch, and what they and fresh outputs hold: -6.3e18, not a NaN. */
const GUARD_BYTES = 256;
const CANARY = 0xdeadbeef;

export interface TrialOperands {
  readonly extents: Readonly<Record<string, Extent>>;
  /** What operands hold at the start; those without are filled with garbage. */
  readonly values: Readonly<Record<string, Values>>;
  /** Operands that are written. */
  readonly outputs: readonly string[];
  /** Operands that the launch may take for constant; the second run finds garbage in those that it says it no longer reads. */
  readonly constants?: readonly string[];
}

/**
 * The values of the outputs by name. Throws an Error that says what is wrong where the kernel writes past an output's last word, or where a second run
 * gives other bits.
 */
export async function trial(
  device: Device,
  kernel: AnyKernel,
  problem: Problem,
  { extents, values, outputs, constants = [] }: TrialOperands,
  tunables: Tunables = kernel.defaults(problem, device),
): Promise<Record<string, Values>> {
  const buffers: Record<string, Buffer> = {};
  const launch = new Launch(device, kernel, problem, tunables, { constants });
  const once = async (isRead: (name: string) => boolean) => {
    for (const [name, buffer] of Object.entries(buffers)) {
      device.fill(buffer, CANARY);
      if (values[name] && isRead(name)) device.write(buffer, wholeWords(values[name]));
    }
    launch.run(buffers);
    return Promise.all(outputs.map((name) => device.read(buffers[name])));
  };
  try {
    await launch.ready;
    for (const [name, extent] of Object.entries(extents)) buffers[name] = device.alloc(paddedBytes(extent) + GUARD_BYTES);
    const first = await once(() => true);
    const second = await once((name) => !constants.includes(name) || launch.reads(name));
    for (const [i, name] of outputs.entries()) {
      const guard = new Uint32Array(first[i].buffer, paddedBytes(extents[name]));
      const touched = guard.findIndex((word) => word !== CANARY);
      if (touched >= 0) throw new Error(`word ${touched} past the end of ${name} was overwritten`);
      const bytes = extents[name].elements * bytesPerElement(extents[name].dtype);
      if (kernel.deterministic && first[i].subarray(0, bytes).some((byte, b) => byte !== second[i][b]))
        throw new Error(`two runs differ in their bits of ${name}`);
    }
    return Object.fromEntries(outputs.map((name, i) => [name, valuesIn(extents[name], first[i])]));
  } finally {
    launch.free();
    for (const buffer of Object.values(buffers)) device.free(buffer);
  }
}

/** One of the kernel's valid configurations for a problem, by turns: its default first. */
export function tunablesByTurn(device: Device, kernel: AnyKernel, problem: Problem, turn: number): Tunables {
  const all = [kernel.defaults(problem, device), ...validTunables(kernel, problem, device)];
  return all[turn % all.length];
}

function wholeWords(values: Values): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(values.byteLength / 4) * 4);
  bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return bytes;
}
