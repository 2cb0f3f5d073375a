// Paths of the CPU device, whose memory is one shared WebAssembly.Memory in the same process: writing, reading and copying move bytes, views move none.

import { copyBytes } from '../../kernels/cpu/bytes.ts';
import type { CpuDevice } from '../../kernels/cpu/device.ts';
import type { Buffer, Device } from '../../kernels/device.ts';
import { openDevice } from '../../kernels/open.ts';
import { kernelCopy, loopCopy } from './kernels.ts';
import type { Path, Transfer } from './path.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** Has every page of an array written: pages that never were are all the same page of zeros. */
const touched = (bytes: number): Bytes => new Uint8Array(bytes).fill(0xa5);

/** A host array and a buffer of the device; `make` gets both and says how bytes pass between them. */
async function between(
  bytes: number,
  toDevice: boolean,
  make: (host: Bytes, buffer: Buffer, device: CpuDevice) => () => unknown,
): Promise<Transfer> {
  const device = (await openDevice('cpu', { threads: 1 })) as CpuDevice;
  const buffer = device.alloc(bytes);
  device.fill(buffer, 0x5a5a5a5a);
  const host = touched(bytes);
  return {
    put: (values) => (toDevice ? host.set(values) : device.write(buffer, values)),
    run: make(host, buffer, device),
    arrived: () => (toDevice ? device.read(buffer) : host),
    close: () => device.close(),
  };
}

const ONE = { device: 'cpu', place: 'cpu/1', threads: 1 } as const;
const into = { ...ONE, direction: 'host-to-device', moves: true, holds: 2 } as const;
const out = { ...ONE, direction: 'device-to-host', moves: true, holds: 2 } as const;

const toDevice: Path[] = [
  { ...into, name: 'write', open: (bytes) => between(bytes, true, (host, buffer, device) => () => device.write(buffer, host)) },
  { ...into, name: 'write/fresh', freshOf: 'write', open: freshWrite },
  { ...into, name: 'TypedArray.set', open: (bytes) => between(bytes, true, (host, buffer, device) => () => device.view(buffer).set(host)) },
  { ...into, name: 'view', moves: false, holds: 1, open: writtenInPlace },
];

const toHost: Path[] = [
  {
    ...out,
    name: 'view+copy',
    open: (bytes) => between(bytes, false, (host, buffer, device) => () => copyBytes(host, device.view(buffer))),
  },
  { ...out, name: 'read/fresh', freshOf: 'view+copy', holds: 3, open: freshRead },
  {
    ...out,
    name: 'TypedArray.set',
    open: (bytes) => between(bytes, false, (host, buffer, device) => () => host.set(device.view(buffer))),
  },
  { ...out, name: 'view', moves: false, holds: 1, open: readInPlace },
];

/** A buffer is allocated for each transfer, and freed by the next. */
async function freshWrite(bytes: number): Promise<Transfer> {
  const device = await openDevice('cpu', { threads: 1 });
  const host = touched(bytes);
  let buffer: Buffer | undefined;
  return {
    put: (values) => host.set(values),
    run() {
      if (buffer) device.free(buffer);
      buffer = device.alloc(bytes);
      device.write(buffer, host);
    },
    arrived: () => device.read(buffer!),
    close: () => device.close(),
  };
}

/** The device's own verb: what was read stands in an array of its own. */
async function freshRead(bytes: number): Promise<Transfer> {
  const device = await openDevice('cpu', { threads: 1 });
  const buffer = device.alloc(bytes);
  let last: Bytes;
  return {
    put: (values) => device.write(buffer, values),
    async run() {
      last = await device.read(buffer);
    },
    arrived: () => last,
    close: () => device.close(),
  };
}

/** Who makes the bytes makes them in the device's memory: what is left of the transfer is a view. */
async function writtenInPlace(bytes: number): Promise<Transfer> {
  const device = (await openDevice('cpu', { threads: 1 })) as CpuDevice;
  const buffer = device.alloc(bytes);
  return {
    put: (values) => device.view(buffer).set(values),
    run: () => device.view(buffer),
    arrived: () => device.read(buffer),
    close: () => device.close(),
  };
}

/** Who needs the bytes reads them in the device's memory. */
async function readInPlace(bytes: number): Promise<Transfer> {
  const device = (await openDevice('cpu', { threads: 1 })) as CpuDevice;
  const buffer = device.alloc(bytes);
  let view = device.view(buffer);
  return {
    put: (values) => device.write(buffer, values),
    run: () => (view = device.view(buffer)),
    arrived: () => view,
    close: () => device.close(),
  };
}

/** `device.copy` of one buffer to another. */
async function copied(bytes: number, threads: number): Promise<Transfer> {
  const device: Device = await openDevice('cpu', { threads });
  const [from, to] = [device.alloc(bytes), device.alloc(bytes)];
  device.fill(to, 0x5a5a5a5a);
  return {
    put: (values) => device.write(from, values),
    run: () => device.copy(from, to),
    arrived: () => device.read(to),
    close: () => device.close(),
  };
}

/** The copy between two arrays of the host: the engine at its best. */
async function hostCopy(bytes: number): Promise<Transfer> {
  const [from, to] = [touched(bytes), touched(bytes)];
  return { put: (values) => from.set(values), run: () => to.set(from), arrived: () => to };
}

const within = (threads: number): Path[] => {
  const common = { device: 'cpu', place: `cpu/${threads}`, threads, direction: 'device-to-device', moves: true, holds: 2 } as const;
  return [
    { ...common, name: 'copy', open: (bytes) => copied(bytes, threads) },
    { ...common, name: 'copy-kernel', open: (bytes) => kernelCopy(bytes, 'cpu', { threads }) },
  ];
};

/** A stream loop passes over less than this several times a call. */
const LEAST_LOOP = 8 * 2 ** 20;

/** Loops that copy as many bytes with as many threads, as directly as a program can: the best of them is the roof. */
const loops = (direction: Path['direction'], threads: number): Path[] => {
  const common = { device: 'cpu', place: `cpu/${threads}`, threads, direction, moves: true, loop: true, holds: 2 } as const;
  const streams = (name: string, tunables: Record<string, number>, flags: 'tuned' | 'default' = 'tuned'): Path => ({
    ...common,
    name: `loop:${name}`,
    least: LEAST_LOOP,
    open: (bytes) => loopCopy(bytes, tunables, { threads, flags }),
  });
  return [
    ...(threads === 1 ? [{ ...common, name: 'loop:host', open: hostCopy }] : []),
    streams('memory.copy', {}),
    streams('vectors', { STREAMS: 1 }),
    streams('vectors-x4', { STREAMS: 4 }),
    streams('vectors-x4-128', { STREAMS: 4 }, 'default'),
  ];
};

/** All paths of the CPU, those within its memory for each thread count. */
export const cpuPaths = (threads: readonly number[]): Path[] => [
  ...toDevice,
  ...loops('host-to-device', 1),
  ...toHost,
  ...loops('device-to-host', 1),
  ...threads.flatMap((count) => [...within(count), ...loops('device-to-device', count)]),
];
