// The arena hands out bytes of one shared WebAssembly.Memory: what every CPU buffer and every thread's scratch is made of.
//
// Freed blocks are kept in lists by exact size and reused for the same size. Where none fits, the arena cuts from its free end and grows the memory; where
// that fails, it first gives freed blocks back: neighbours are merged, and the best fit is cut.
//
// No key ever leaves a map on the way: a Map from which keys are deleted as others come is copied to a new table again and again, each old table keeps the
// next alive, and once V8 has moved one to its old space the chain of them grows until the next full collection: 2 KB a training step were measured.

import { DeviceError } from '../device.ts';

const ALIGNMENT = 64;
const PAGE = 65536;
/** Kernels may load (never store) up to one vector past a row's end: the last block must not end at the memory's end. */
const SLACK = 256;

interface Block {
  readonly address: number;
  readonly size: number;
}

export class Arena {
  readonly memory: WebAssembly.Memory;
  #end: number;
  #limit: number;
  /** The size of the live block at an address; 0 where the block is free. */
  #live = new Map<number, number>();
  /** Addresses of free blocks by their size; empty where there are none now. */
  #free = new Map<number, number[]>();
  #liveBlocks = 0;
  #liveBytes = 0;
  #pooledBytes = 0;
  #peakBytes = 0;

  /** `reserved` bytes at the start stay outside the arena; `limit` is the most the memory may grow to, in bytes. */
  constructor(memory: WebAssembly.Memory, reserved: number, limit: number) {
    this.memory = memory;
    this.#end = roundUp(reserved, ALIGNMENT);
    this.#limit = limit;
  }

  get liveBytes(): number {
    return this.#liveBytes;
  }
  get liveBlocks(): number {
    return this.#liveBlocks;
  }
  get pooledBytes(): number {
    return this.#pooledBytes;
  }
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /** Address of `bytes` fresh bytes, aligned to 64; their contents are undefined. */
  alloc(bytes: number): number {
    const size = Math.max(ALIGNMENT, roundUp(bytes, ALIGNMENT));
    const address = this.#reuse(size) ?? this.#extend(size) ?? this.#fit(size);
    if (address === undefined) throw new DeviceError(this.#exhausted(bytes));
    this.#live.set(address, size);
    this.#liveBlocks++;
    this.#liveBytes += size;
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes);
    return address;
  }

  free(address: number): void {
    const size = this.#live.get(address);
    if (!size) throw new DeviceError(`cpu: free of address ${address}, which is not allocated (freed twice, or of another device)`);
    this.#live.set(address, 0);
    this.#liveBlocks--;
    this.#liveBytes -= size;
    this.#keep({ address, size });
  }

  #keep({ address, size }: Block): void {
    const list = this.#free.get(size);
    if (list) list.push(address);
    else this.#free.set(size, [address]);
    this.#pooledBytes += size;
  }

  #reuse(size: number): number | undefined {
    const address = this.#free.get(size)?.pop();
    if (address !== undefined) this.#pooledBytes -= size;
    return address;
  }

  #extend(size: number): number | undefined {
    const needed = this.#end + size + SLACK;
    if (needed > this.#limit) return undefined;
    const missing = Math.ceil((needed - this.memory.buffer.byteLength) / PAGE);
    if (missing > 0) {
      try {
        this.memory.grow(missing);
      } catch {
        return undefined;
      }
    }
    const address = this.#end;
    this.#end += size;
    return address;
  }

  /** The smallest merged run of free blocks that holds `size`; what is left of it stays free. */
  #fit(size: number): number | undefined {
    const runs = mergeNeighbours([...this.#free].flatMap(([each, addresses]) => addresses.map((address) => ({ address, size: each }))));
    const best = runs.filter((run) => run.size >= size).sort((a, b) => a.size - b.size)[0];
    this.#free.clear();
    this.#live = new Map([...this.#live].filter(([, each]) => each > 0));
    this.#pooledBytes = 0;
    for (const run of runs) {
      const rest = run === best ? { address: run.address + size, size: run.size - size } : run;
      if (rest.size > 0) this.#keep(rest);
    }
    return best?.address;
  }

  #exhausted(bytes: number): string {
    const mebibytes = (value: number) => `${(value / 2 ** 20).toFixed(1)} MiB`;
    return `cpu: cannot allocate ${mebibytes(bytes)}: ${mebibytes(this.#liveBytes)} are in use and the limit is ${mebibytes(this.#limit)}; free tensors, or make the problem smaller`;
  }
}

const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple;

function mergeNeighbours(blocks: readonly Block[]): Block[] {
  const merged: Block[] = [];
  for (const block of [...blocks].sort((a, b) => a.address - b.address)) {
    const last = merged.at(-1);
    if (last && last.address + last.size === block.address)
      merged[merged.length - 1] = { address: last.address, size: last.size + block.size };
    else merged.push(block);
  }
  return merged;
}
