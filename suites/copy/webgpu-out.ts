// Paths from WebGPU to the host: always a copy into a buffer that can be mapped, and the wait until it is. They differ in what is kept and what is copied again.

import { openDevice } from '../../kernels/open.ts';
import type { WebgpuDevice } from '../../kernels/webgpu/device.ts';
import { throttled } from '../../kernels/webgpu/wait.ts';
import { bindable, type Path, type Transfer } from './path.ts';

const readable = (gpu: GPUDevice, size: number): GPUBuffer =>
  gpu.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });

/** Has the GPU copy `from` into a staging buffer, and maps that. */
async function mapped(gpu: GPUDevice, from: GPUBuffer, staging: GPUBuffer): Promise<Uint8Array> {
  const encoder = gpu.createCommandEncoder();
  encoder.copyBufferToBuffer(from, 0, staging, 0, from.size);
  gpu.queue.submit([encoder.finish()]);
  await throttled(staging.mapAsync(GPUMapMode.READ));
  return new Uint8Array(staging.getMappedRange());
}

/** The bytes of a buffer. */
export async function fromDevice(gpu: GPUDevice, from: GPUBuffer): Promise<Uint8Array> {
  const staging = readable(gpu, from.size);
  const bytes = (await mapped(gpu, from, staging)).slice();
  staging.destroy();
  return bytes;
}

/** A transfer to the host: `make` gets the source and an array that is kept, and gives what arrived. */
async function toHost(
  bytes: number,
  make: (gpu: GPUDevice, from: GPUBuffer, host: Uint8Array) => () => Promise<Uint8Array>,
): Promise<Transfer> {
  const device = (await openDevice('webgpu')) as WebgpuDevice;
  const { gpu } = device;
  const from = gpu.createBuffer({ size: bytes, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC });
  const run = make(gpu, from, new Uint8Array(bytes).fill(0xa5));
  let last: Uint8Array;
  return {
    async put(values) {
      gpu.queue.writeBuffer(from, 0, values);
      await throttled(gpu.queue.onSubmittedWorkDone());
    },
    async run() {
      last = await run();
    },
    arrived: () => last,
    close: () => device.close(),
  };
}

const kept = (bytes: number) =>
  toHost(bytes, (gpu, from, host) => {
    const staging = readable(gpu, bytes);
    return async () => {
      host.set(await mapped(gpu, from, staging));
      staging.unmap();
      return host;
    };
  });

const fresh = (bytes: number) =>
  toHost(bytes, (gpu, from, host) => async () => {
    const staging = readable(gpu, bytes);
    host.set(await mapped(gpu, from, staging));
    staging.destroy();
    return host;
  });

/** The mapped bytes are read where they lie: until the next transfer unmaps them. */
const inPlace = (bytes: number) =>
  toHost(bytes, (gpu, from) => {
    const staging = readable(gpu, bytes);
    return async () => {
      if (staging.mapState === 'mapped') staging.unmap();
      return mapped(gpu, from, staging);
    };
  });

/** The device's verb: staging buffers are kept, the array is fresh. */
async function read(bytes: number): Promise<Transfer> {
  const device = await openDevice('webgpu');
  const buffer = device.alloc(bytes);
  let last: Uint8Array;
  return {
    async put(values) {
      device.write(buffer, values);
      await device.sync();
    },
    async run() {
      last = await device.read(buffer);
    },
    arrived: () => last,
    close: () => device.close(),
  };
}

const out = { device: 'webgpu', place: 'webgpu', direction: 'device-to-host', moves: true } as const;

export const webgpuOutPaths: readonly Path[] = [
  { ...out, ...bindable, name: 'read', holds: 4, open: read },
  { ...out, name: 'mapAsync', holds: 3, open: kept },
  { ...out, name: 'mapAsync/fresh', freshOf: 'mapAsync', holds: 3, open: fresh },
  { ...out, name: 'mapAsync/in-place', holds: 2, open: inPlace },
];
