// Copies of bytes, as the CPU device makes them: between the host's arrays and its memory by the C library, within its memory by the crew.
//
// TypedArray.set moves shared memory word by word, since another thread may look on: half the rate of the C library's memcpy beyond the caches. Filling a
// Buffer with a pattern as long as itself is one memcpy, shared or not. Measured here at 64 MiB: 24 against 13 GB/s, read and written both counted.

import type { Entry, Source } from '../kernel.ts';
import { advance, assemble, i32, local, memory, min, set, task } from './assembly.ts';

/** Below this the call of Buffer.fill costs more than it saves. */
const LEAST_FILL = 4096;

/** Copies `from` over `to`, which is as long; they may overlap. */
export function copyBytes(to: Uint8Array, from: Uint8Array): void {
  if (to.length < LEAST_FILL || to.buffer === from.buffer) to.set(from);
  else bufferOf(to).fill(from);
}

/** A copy of `from` in fresh memory. Memory that is about to be overwritten is not cleared first. */
export function copyOf(from: Uint8Array): Uint8Array<ArrayBuffer> {
  if (from.length < LEAST_FILL) return new Uint8Array(from);
  const copy = Buffer.allocUnsafeSlow(from.length);
  copy.fill(from);
  return new Uint8Array(copy.buffer as ArrayBuffer);
}

const bufferOf = ({ buffer, byteOffset, length }: Uint8Array): Buffer => Buffer.from(buffer as ArrayBuffer, byteOffset, length);

const ENTRY: Entry = {
  buffers: [
    { name: 'from', access: 'read' },
    { name: 'to', access: 'write' },
  ],
  arguments: ['bytes', 'share'].map((name) => ({ name, type: 'u32' })),
};

/** Copies `bytes` bytes, `share` of them a task, by memory.copy. */
export const copySource = (): Source =>
  assemble('device/copy', {
    copy: task(ENTRY, { length: i32 }, ({ task, length }, { from, to, bytes, share }) => {
      advance(from, i32.mul(task, share));
      advance(to, i32.mul(task, share));
      set(length, i32.sub(bytes, i32.mul(task, share)));
      min(length, length, share);
      local.get(to);
      local.get(from);
      local.get(length);
      memory.copy();
    }),
  });
