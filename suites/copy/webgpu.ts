// Paths of WebGPU, made of the API's own calls beside the device's verbs. Each transfer is waited for before the next one begins, so that the queue is drained
// and a sample is the time of transfers alone; what is queued says so. Waits are throttled, and none is pending when an arm is parked.

import { openDevice } from '../../kernels/open.ts';
import type { WebgpuDevice } from '../../kernels/webgpu/device.ts';
import { throttled } from '../../kernels/webgpu/wait.ts';
import { kernelCopy } from './kernels.ts';
import { bindable, type Path, type Transfer } from './path.ts';
import { fromDevice } from './webgpu-out.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** What the API's calls need, and a buffer on the device with its way back for the check. */
interface Target {
  readonly device: WebgpuDevice;
  readonly gpu: GPUDevice;
  readonly host: Bytes;
  /** A buffer that a kernel could read. */
  create(): GPUBuffer;
  /** All that was submitted has ended. */
  drained(): Promise<unknown>;
}

async function targetOf(bytes: number): Promise<Target> {
  const device = (await openDevice('webgpu')) as WebgpuDevice;
  const { gpu } = device;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  return {
    device,
    gpu,
    host: new Uint8Array(bytes).fill(0xa5),
    create: () => gpu.createBuffer({ size: bytes, usage }),
    drained: () => throttled(gpu.queue.onSubmittedWorkDone()),
  };
}

/** A transfer to the device: `make` says how, and which buffer holds what arrived. */
async function toDevice(
  bytes: number,
  make: (target: Target) => { run(): unknown; settle?(): Promise<void>; last(): GPUBuffer },
): Promise<Transfer> {
  const target = await targetOf(bytes);
  const { run, settle, last } = make(target);
  return {
    put: (values) => target.host.set(values),
    run,
    settle,
    arrived: () => fromDevice(target.gpu, last()),
    close: () => target.device.close(),
  };
}

/** A buffer for each transfer; the one before is destroyed when the next begins, so that the last can be looked at. */
function freshly(make: () => GPUBuffer) {
  let last: GPUBuffer | undefined;
  const next = (): GPUBuffer => {
    last?.destroy();
    return (last = make());
  };
  return { next, last: () => last! };
}

const writeBuffer = (bytes: number) =>
  toDevice(bytes, ({ gpu, host, create, drained }) => {
    const buffer = create();
    return {
      run() {
        gpu.queue.writeBuffer(buffer, 0, host);
        return drained();
      },
      last: () => buffer,
    };
  });

const writeBufferQueued = (bytes: number) =>
  toDevice(bytes, ({ gpu, host, create, drained }) => {
    const buffer = create();
    return {
      run: () => gpu.queue.writeBuffer(buffer, 0, host),
      async settle() {
        await drained();
      },
      last: () => buffer,
    };
  });

const writeBufferFresh = (bytes: number) =>
  toDevice(bytes, ({ gpu, host, create, drained }) => {
    const { next, last } = freshly(create);
    return {
      run() {
        gpu.queue.writeBuffer(next(), 0, host);
        return drained();
      },
      last,
    };
  });

/** The buffer that kernels read is itself created mapped; its bytes go to the GPU with the next submit. */
const mappedAtCreation = (bytes: number) =>
  toDevice(bytes, ({ gpu, host, drained }) => {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    const { next, last } = freshly(() => gpu.createBuffer({ size: bytes, usage, mappedAtCreation: true }));
    return {
      run() {
        const buffer = next();
        new Uint8Array(buffer.getMappedRange()).set(host);
        buffer.unmap();
        gpu.queue.submit([]);
        return drained();
      },
      last,
    };
  });

/** A staging buffer is filled while it is mapped, copied from on the GPU, and mapped again, which takes until the copy has ended. */
const staged = (bytes: number) =>
  toDevice(bytes, ({ gpu, host, create }) => {
    const [buffer, staging] = [create(), stagingOf(gpu, bytes)];
    return { run: () => throttled(sent(gpu, staging, buffer, host)), last: () => buffer };
  });

const stagedFresh = (bytes: number) =>
  toDevice(bytes, ({ gpu, host, create, drained }) => {
    const buffer = create();
    const { next } = freshly(() => stagingOf(gpu, bytes));
    return {
      run() {
        fill(gpu, next(), buffer, host);
        return drained();
      },
      last: () => buffer,
    };
  });

/** Staging buffers of a ring. */
const RING = 3;

/** The host fills one staging buffer while the GPU copies from others. */
const ring = (bytes: number) =>
  toDevice(bytes, ({ gpu, host, create, drained }) => {
    const buffer = create();
    const slots = Array.from({ length: RING }, () => ({ staging: stagingOf(gpu, bytes), mapped: Promise.resolve() as Promise<unknown> }));
    let turn = Promise.resolve();
    let at = 0;
    return {
      run() {
        const slot = slots[at++ % RING];
        turn = turn.then(async () => {
          await throttled(slot.mapped);
          slot.mapped = sent(gpu, slot.staging, buffer, host);
        });
      },
      async settle() {
        await turn;
        await throttled(Promise.all(slots.map(({ mapped }) => mapped)));
        await drained();
      },
      last: () => buffer,
    };
  });

const stagingOf = (gpu: GPUDevice, size: number): GPUBuffer =>
  gpu.createBuffer({ size, usage: GPUBufferUsage.MAP_WRITE | GPUBufferUsage.COPY_SRC, mappedAtCreation: true });

/** Fills a mapped staging buffer and has the GPU copy it. */
function fill(gpu: GPUDevice, staging: GPUBuffer, to: GPUBuffer, host: Bytes): void {
  new Uint8Array(staging.getMappedRange()).set(host);
  staging.unmap();
  const encoder = gpu.createCommandEncoder();
  encoder.copyBufferToBuffer(staging, 0, to, 0, host.length);
  gpu.queue.submit([encoder.finish()]);
}

function sent(gpu: GPUDevice, staging: GPUBuffer, to: GPUBuffer, host: Bytes): Promise<undefined> {
  fill(gpu, staging, to, host);
  return staging.mapAsync(GPUMapMode.WRITE);
}

/** The device's verb, which is writeBuffer with its checks. */
async function written(bytes: number): Promise<Transfer> {
  const device = await openDevice('webgpu');
  const buffer = device.alloc(bytes);
  const host = new Uint8Array(bytes);
  return {
    put: (values) => host.set(values),
    run() {
      device.write(buffer, host);
      return device.sync();
    },
    arrived: () => device.read(buffer),
    close: () => device.close(),
  };
}

/** copyBufferToBuffer by the device's verb. */
async function copied(bytes: number): Promise<Transfer> {
  const device = await openDevice('webgpu');
  const [from, to] = [device.alloc(bytes), device.alloc(bytes)];
  return {
    put: (values) => device.write(from, values),
    run() {
      device.copy(from, to);
      return device.sync();
    },
    arrived: () => device.read(to),
    close: () => device.close(),
  };
}

const common = { device: 'webgpu', place: 'webgpu', moves: true } as const;
const into = { ...common, direction: 'host-to-device' } as const;
const within = { ...common, direction: 'device-to-device', holds: 2 } as const;
export const webgpuPaths: readonly Path[] = [
  { ...into, ...bindable, name: 'write', holds: 3, open: written },
  { ...into, name: 'writeBuffer', holds: 3, open: writeBuffer },
  { ...into, name: 'writeBuffer/fresh', freshOf: 'writeBuffer', holds: 4, open: writeBufferFresh },
  { ...into, name: 'writeBuffer/queued', queued: true, holds: 4, open: writeBufferQueued },
  { ...into, name: 'mapped-at-creation', freshOf: 'writeBuffer', holds: 4, open: mappedAtCreation },
  { ...into, name: 'staging', holds: 3, open: staged },
  { ...into, name: 'staging/fresh', freshOf: 'staging', holds: 4, open: stagedFresh },
  { ...into, name: 'staging/ring', queued: true, holds: 2 + RING, open: ring },
  { ...within, ...bindable, name: 'copy', open: copied },
  { ...within, ...bindable, name: 'copy-kernel', open: (bytes) => kernelCopy(bytes, 'webgpu') },
];
