// Uniforms are the scalar arguments of the dispatches of one batch: one block each in one GPU buffer, bound by dynamic offset.
//
// The blocks are filled on the host and written once, right before their batch is submitted. Queue order then makes it safe to start over
// from the first block in every batch; only within a batch must no block be used twice, so a full buffer means: submit first.

import type { ScalarType } from '../kernel.ts';

const BLOCKS = 1024;

export class Uniforms {
  readonly buffer: GPUBuffer;
  readonly blockBytes: number;
  #queue: GPUQueue;
  #words: { readonly u32: Uint32Array<ArrayBuffer>; readonly i32: Int32Array; readonly f32: Float32Array };
  #used = 0;

  constructor(device: GPUDevice) {
    this.blockBytes = device.limits.minUniformBufferOffsetAlignment;
    this.#queue = device.queue;
    this.buffer = device.createBuffer({
      label: 'uniforms',
      size: BLOCKS * this.blockBytes,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    const bytes = new ArrayBuffer(this.buffer.size);
    this.#words = { u32: new Uint32Array(bytes), i32: new Int32Array(bytes), f32: new Float32Array(bytes) };
  }

  get isFull(): boolean {
    return this.#used === BLOCKS;
  }

  /** Puts one dispatch's arguments into the next block; its byte offset. */
  push(types: readonly ScalarType[], values: readonly number[]): number {
    const offset = this.#used++ * this.blockBytes;
    for (let i = 0; i < types.length; i++) this.#words[types[i]][offset / 4 + i] = values[i];
    return offset;
  }

  /** Hands the blocks to the queue, ahead of the batch that uses them, and starts over. */
  flush(): void {
    if (this.#used > 0) this.#queue.writeBuffer(this.buffer, 0, this.#words.u32, 0, (this.#used * this.blockBytes) / 4);
    this.#used = 0;
  }
}
