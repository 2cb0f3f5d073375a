// A traced device says what it does: a span for each verb that takes time, and a counter of the bytes it holds. The device stays the object it was; its
// verbs are replaced on it, so that nothing is paid where nobody traces.
//
// On the CPU a dispatch is the kernel. On a queue it only records commands: the device itself tells when they ran, and what is seen here are waits.

import type { Device, Program } from './device.ts';
import { type Category, clockNs, MAIN_THREAD, type Recorder } from './span.ts';

/** Looking up a program that is there takes less; building one takes more. */
const LEAST_COMPILE_NS = 20e3;
/** What is held is read again after this long, so that reading it costs nothing beside short kernels. */
const MEMORY_EVERY_NS = 1e6;

/** Has `recorder` told what `device` does from now on, and returns the device. */
export function traced<D extends Device>(device: D, recorder: Recorder): D {
  const isQueue = device.kind !== 'cpu';
  const waits = isQueue ? `waits for ${device.kind}` : MAIN_THREAD;
  const heldName = `${device.kind} memory (bytes)`;
  const { dispatch, write, read, copy, sync, prepare } = device as Device;
  let held = -1;
  let lookedNs = -Infinity;
  const readMemory = (atNs: number): void => {
    lookedNs = atNs;
    const { liveBytes } = device.memory();
    if (liveBytes === held) return;
    held = liveBytes;
    recorder.count(heldName, liveBytes, atNs);
  };
  const done = (track: string, name: string, category: Category, startNs: number, args?: Record<string, number>): void => {
    const endNs = clockNs();
    recorder.span(track, name, category, startNs, endNs, args);
    if (endNs - lookedNs > MEMORY_EVERY_NS) readMemory(endNs);
  };

  const names = new WeakMap<Program, Map<string, string>>();
  const nameOf = (program: Program, entry: string): string => {
    let known = names.get(program);
    if (!known) names.set(program, (known = new Map()));
    let name = known.get(entry);
    if (name === undefined) known.set(entry, (name = `${program.source.label}.${entry}`));
    return name;
  };

  const verbs: Partial<Device> = {
    write(buffer, data, offset) {
      if (!recorder.admits()) return write.call(device, buffer, data, offset);
      const startNs = clockNs();
      write.call(device, buffer, data, offset);
      done(MAIN_THREAD, 'host to device', 'copy', startNs, { bytes: data.byteLength });
    },
    read(buffer, offset, bytes) {
      if (!recorder.admits()) return read.call(device, buffer, offset, bytes);
      const startNs = clockNs();
      const values = read.call(device, buffer, offset, bytes);
      const args = { bytes: bytes ?? buffer.bytes - (offset ?? 0) };
      // On the CPU the bytes were copied by the call; elsewhere they are there when the promise settles.
      if (isQueue)
        values.then(
          () => done(waits, 'device to host', 'wait', startNs, args),
          () => {},
        );
      else done(MAIN_THREAD, 'device to host', 'copy', startNs, args);
      return values;
    },
    prepare(source) {
      const startNs = clockNs();
      const program = prepare.call(device, source);
      if (clockNs() - startNs > LEAST_COMPILE_NS) done(MAIN_THREAD, source.label, 'compile', startNs);
      return program;
    },
  };
  const onQueue: Partial<Device> = {
    async sync() {
      const startNs = clockNs();
      await sync.call(device);
      done(waits, 'sync', 'wait', startNs);
    },
  };
  const onCpu: Partial<Device> = {
    dispatch(program, entry, buffers, args, grid) {
      if (!recorder.admits()) return dispatch.call(device, program, entry, buffers, args, grid);
      const startNs = clockNs();
      dispatch.call(device, program, entry, buffers, args, grid);
      done(MAIN_THREAD, nameOf(program, entry), 'kernel', startNs);
    },
    copy(from, to, ...range) {
      if (!recorder.admits()) return copy.call(device, from, to, ...range);
      const startNs = clockNs();
      copy.call(device, from, to, ...range);
      done(MAIN_THREAD, 'device to device', 'copy', startNs);
    },
  };
  return Object.assign(device, verbs, isQueue ? onQueue : onCpu);
}
