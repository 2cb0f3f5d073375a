// Binding: whether the operands of a problem can be bound as storage buffers at all.

import { type Extent, paddedBytes } from '../dtype.ts';
import type { Traits } from '../kernel.ts';

/** Why one of `operands` cannot be bound on a device with these traits; undefined where all can. */
export function unbindable(operands: Readonly<Record<string, Extent>>, { limits }: Traits): string | undefined {
  const most = limits.maxStorageBufferBindingSize;
  for (const [name, extent] of Object.entries(operands))
    if (paddedBytes(extent) > most) return `operand ${name} has ${paddedBytes(extent)} bytes, more than the ${most} that can be bound`;
  return undefined;
}
