// One test body for every device: the CPU, and WebGPU where there is an adapter. Each run must leave the device's memory as it found it.

import { type Device, openDevice } from '../kernels/index.ts';
import { webgpuForTests } from '../kernels/webgpu/adapter.ts';
import { launchesOf } from './launches.ts';
import { scope } from './scope.ts';

/** The devices that tests run on. Throws where the environment says CI and there is no adapter. */
export async function devicesForTests(): Promise<Device[]> {
  const webgpu = await webgpuForTests();
  return [await openDevice('cpu', { threads: 2 }), ...(webgpu ? [webgpu] : [])];
}

/** Runs a body in a scope of its own. Throws an Error where buffers are left on the device that the launches it keeps do not account for. */
export async function leavesNothing(device: Device, body: (device: Device) => void | Promise<void>): Promise<void> {
  launchesOf(device).clear();
  const before = device.memory().liveBuffers;
  await scope(async () => body(device));
  launchesOf(device).clear();
  const left = device.memory().liveBuffers - before;
  if (left !== 0) throw new Error(`${left} buffers are left on ${device.kind}`);
}

/** Numbers in [low, high) that repeat for the same seed, none within 0.01 of 0: away from the kinks of abs and relu. */
export function sampleValues(count: number, seed: number, low = -2, high = 2): Float32Array<ArrayBuffer> {
  // Steps of the golden ratio fill the interval evenly (Weyl's sequence).
  return Float32Array.from({ length: count }, (_, i) => {
    const value = low + (high - low) * (((i + 1) * 0.6180339887498949 + seed * 0.7548776662466927) % 1);
    return Math.abs(value) < 0.01 ? value + 0.05 : value;
  });
}

/** Where `actual` leaves `expected` by more than `tolerance`, relative above 1 and absolute below; undefined where nowhere. NaN and infinities must match. */
export function differs(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): string | undefined {
  if (actual.length !== expected.length) return `${actual.length} elements, expected ${expected.length}`;
  for (let i = 0; i < actual.length; i++) {
    if (Object.is(actual[i], expected[i]) || actual[i] === expected[i]) continue;
    if (!(Math.abs(actual[i] - expected[i]) <= tolerance * Math.max(1, Math.abs(expected[i]))))
      return `element ${i} is ${actual[i]}, expected ${expected[i]}`;
  }
  return undefined;
}
