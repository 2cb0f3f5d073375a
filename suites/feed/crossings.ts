// What a step must move between host and device, from the shapes alone; what it did move, by the device's counters; and how long that takes by itself.

import { parametersOf, shapesOf, type Training } from '../../framework/exact/training.ts';
import { sizeOf } from '../../framework/shape.ts';
import type { Device } from '../../kernels/device.ts';
import type { Form } from './forms.ts';

/** Bytes and crossings of a step. */
export interface Crossings {
  readonly toDevice: number;
  readonly toHost: number;
  readonly writes: number;
  readonly reads: number;
}

const BYTES = 4;

/** What the graph of a form says must move in each step after the first. */
export function mustMove(form: Form, training: Training): Crossings {
  const { x, y } = shapesOf(training);
  const parameters = parametersOf(training);
  const data = form === 'resident' ? 0 : BYTES * (sizeOf(x) + sizeOf(y));
  const weights = BYTES * parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const feedsWeights = form === 'placeholders' || form === 'variables';
  const fetchesWeights = feedsWeights || form === 'assign';
  return {
    toDevice: data + (feedsWeights ? weights : 0),
    toHost: BYTES + (fetchesWeights ? weights : 0),
    writes: (form === 'resident' ? 0 : 2) + (feedsWeights ? parameters.length : 0),
    reads: 1 + (fetchesWeights ? parameters.length : 0),
  };
}

/** What `work` moves, by the device's counters. */
export async function moved(device: Device, work: () => Promise<unknown>): Promise<Crossings> {
  const before = device.memory();
  await work();
  const after = device.memory();
  return {
    toDevice: after.writtenBytes - before.writtenBytes,
    toHost: after.readBytes - before.readBytes,
    writes: after.writes - before.writes,
    reads: after.reads - before.reads,
  };
}

export interface Crossing {
  readonly isWrite: boolean;
  readonly bytes: number;
}

/** The crossings of `work` one by one. */
export async function listed(device: Device, work: () => Promise<unknown>): Promise<Crossing[]> {
  const crossings: Crossing[] = [];
  const { write, read } = device;
  device.write = (buffer, data, offset) => {
    crossings.push({ isWrite: true, bytes: data.byteLength });
    write.call(device, buffer, data, offset);
  };
  device.read = (buffer, offset = 0, bytes = buffer.bytes - offset) => {
    crossings.push({ isWrite: false, bytes });
    return read.call(device, buffer, offset, bytes);
  };
  try {
    await work();
  } finally {
    Object.assign(device, { write, read });
  }
  return crossings;
}

/** Crossings made again without the rest of a step. */
export interface Replay {
  /** Makes each once, the queue drained before and after it, so that no read waits for a computation. Nanoseconds that all of them took. */
  once(): Promise<number>;
  close(): void;
}

/** Buffers and arrays for the crossings, each its own, as a step has them; all pages have been touched. */
export async function replayOf(device: Device, crossings: readonly Crossing[]): Promise<Replay> {
  const places = crossings.map(({ bytes, isWrite }) => ({
    isWrite,
    buffer: device.alloc(bytes),
    data: new Uint8Array(isWrite ? bytes : 0).fill(1),
  }));
  async function once(): Promise<number> {
    let spent = 0;
    for (const { isWrite, buffer, data } of places) {
      await device.sync();
      const began = performance.now();
      if (isWrite) {
        device.write(buffer, data);
        await device.sync();
      } else await device.read(buffer);
      spent += performance.now() - began;
    }
    return spent * 1e6;
  }
  for (const { buffer } of places) device.fill(buffer, 1);
  await once();
  return {
    once,
    close() {
      for (const { buffer } of places) device.free(buffer);
    },
  };
}
