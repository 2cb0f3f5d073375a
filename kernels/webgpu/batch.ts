// A batch is what is recorded between two submits: one command encoder, in which neighbouring dispatches share a compute pass.

import type { Stage, WebgpuBuffer } from './program.ts';

export class Batch {
  /** Buffers that the recorded commands touch. A write to one of them must wait until the batch is submitted. */
  readonly used = new Set<GPUBuffer>();
  /** Who dispatched, for the blame. */
  readonly labels = new Set<string>();
  #encoder: GPUCommandEncoder;
  #timestamps: (label: string) => GPUComputePassTimestampWrites | undefined;
  #isApart: boolean;
  #pass: GPUComputePassEncoder | undefined;

  /**
   * `timestamps` is asked at the start of every compute pass, with the label of its first dispatch, where to write the pass's begin and end; `isApart` gives
   * every dispatch a pass of its own.
   */
  constructor(device: GPUDevice, timestamps: (label: string) => GPUComputePassTimestampWrites | undefined, isApart = false) {
    this.#encoder = device.createCommandEncoder();
    this.#timestamps = timestamps;
    this.#isApart = isApart;
  }

  dispatch(
    label: string,
    stage: Stage,
    buffers: readonly WebgpuBuffer[],
    uniformOffset: number,
    [x, y, z]: readonly [number, number, number],
  ) {
    if (this.#isApart) this.endPass();
    this.#pass ??= this.#encoder.beginComputePass({ timestampWrites: this.#timestamps(label) });
    this.#pass.setPipeline(stage.pipeline!);
    this.#pass.setBindGroup(0, stage.bindGroup(buffers), stage.types.length > 0 ? [uniformOffset] : []);
    this.#pass.dispatchWorkgroups(x, y, z);
    for (const { gpu } of buffers) this.used.add(gpu);
    this.labels.add(label);
  }

  /** Copies `bytes`, all multiples of 4. */
  copy(from: GPUBuffer, fromOffset: number, to: GPUBuffer, toOffset: number, bytes: number): void {
    this.endPass().copyBufferToBuffer(from, fromOffset, to, toOffset, bytes);
    this.used.add(from).add(to);
  }

  clear(buffer: GPUBuffer): void {
    this.endPass().clearBuffer(buffer);
    this.used.add(buffer);
  }

  /** Closes the open compute pass, so that commands outside of passes can be recorded. */
  endPass(): GPUCommandEncoder {
    this.#pass?.end();
    this.#pass = undefined;
    return this.#encoder;
  }

  finish(): GPUCommandBuffer {
    return this.endPass().finish();
  }

  /** The programs in the batch, in words. */
  get culprit(): string {
    const [first = 'copies', ...others] = this.labels;
    return others.length === 0 ? first : `one of ${[first, ...others].join(', ')}`;
  }
}
