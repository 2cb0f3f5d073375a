// A traced device says what it does: a span for each verb that takes time, and a counter of the bytes it holds. The device stays the object it was; its
// verbs are replaced on it, so that nothing is paid where nobody traces.
//
// On the CPU a dispatch is the kernel. On a queue it only records commands: the device itself tells when they ran, and what is seen here are waits.
//
// Between kernels the caches hold little of what recording touches, and reading the clock alone costs half a microsecond (the first time; a fifth the second): so
// a kernel's span is two readings and a row of a log, and gets its name when it is handed over. So does a copy's.

import type { Device, Program } from './device.ts';
import { type Category, clockNs, MAIN_THREAD, type Recorder } from './span.ts';

/** Looking up a program that is there takes less; building one takes more. */
const LEAST_COMPILE_NS = 20e3;
/** What is held is read again after this long, so that reading it costs nothing beside short kernels. */
const MEMORY_EVERY_NS = 10e6;

/** A device with threads of its own, which note what they do while they are told to. */
interface ThreadedDevice extends Device {
  noteShares(isOn: boolean): void;
}

/** What the main thread did, in order: a row is two times, a number of bytes, and what it was, as it came. */
class VerbLog {
  #length = 0;
  #numbers = new Float64Array(3 * 1024);
  #programs: (Program | undefined)[] = [];
  #names: string[] = [];

  /** A dispatch of an entry of a program, or a copy of so many bytes. */
  note(program: Program | undefined, name: string, startNs: number, endNs: number, bytes: number): void {
    const i = this.#length++;
    if (3 * i === this.#numbers.length) {
      const longer = new Float64Array(6 * i);
      longer.set(this.#numbers);
      this.#numbers = longer;
    }
    this.#numbers[3 * i] = startNs;
    this.#numbers[3 * i + 1] = endNs;
    this.#numbers[3 * i + 2] = bytes;
    this.#programs[i] = program;
    this.#names[i] = name;
  }

  /** Records what was noted as spans of the main thread, and forgets it; the columns stay as long as they were. */
  tell(recorder: Recorder): void {
    for (let i = 0; i < this.#length; i++) {
      const [startNs, endNs, bytes] = this.#numbers.subarray(3 * i, 3 * i + 3);
      const program = this.#programs[i];
      if (program) recorder.span(MAIN_THREAD, `${program.source.label}.${this.#names[i]}`, 'kernel', startNs, endNs);
      else recorder.span(MAIN_THREAD, this.#names[i], 'copy', startNs, endNs, { bytes });
    }
    this.#length = 0;
  }
}

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
  const log = new VerbLog();
  recorder.collecting(() => log.tell(recorder));
  const note = (program: Program | undefined, name: string, startNs: number, bytes = 0): void => {
    const endNs = clockNs();
    log.note(program, name, startNs, endNs, bytes);
    recorder.took(endNs);
    if (endNs - lookedNs > MEMORY_EVERY_NS) readMemory(endNs);
  };
  const span = (track: string, name: string, category: Category, startNs: number, args?: Record<string, number>): void =>
    recorder.span(track, name, category, startNs, clockNs(), args);

  // The other threads of a crew note the dispatches that the main thread does.
  let notesShares = false;
  const noteShares = (isOn: boolean): void => {
    notesShares = isOn;
    (device as Partial<ThreadedDevice>).noteShares?.(isOn);
  };

  const verbs: Partial<Device> = {
    write(buffer, data, offset) {
      if (!recorder.admits()) return write.call(device, buffer, data, offset);
      const startNs = clockNs();
      write.call(device, buffer, data, offset);
      note(undefined, 'host to device', startNs, data.byteLength);
    },
    read(buffer, offset, bytes) {
      if (!recorder.admits()) return read.call(device, buffer, offset, bytes);
      const startNs = clockNs();
      const values = read.call(device, buffer, offset, bytes);
      const moved = bytes ?? buffer.bytes - (offset ?? 0);
      // On the CPU the bytes were copied by the call; elsewhere they are there when the promise settles.
      if (isQueue)
        values.then(
          () => span(waits, 'device to host', 'wait', startNs, { bytes: moved }),
          () => {},
        );
      else note(undefined, 'device to host', startNs, moved);
      return values;
    },
    prepare(source) {
      const startNs = clockNs();
      const program = prepare.call(device, source);
      if (clockNs() - startNs > LEAST_COMPILE_NS) span(MAIN_THREAD, source.label, 'compile', startNs);
      return program;
    },
  };
  const onQueue: Partial<Device> = {
    async sync() {
      const startNs = clockNs();
      await sync.call(device);
      const endNs = clockNs();
      recorder.span(waits, 'sync', 'wait', startNs, endNs);
      if (endNs - lookedNs > MEMORY_EVERY_NS) readMemory(endNs);
    },
  };
  const onCpu: Partial<Device> = {
    dispatch(program, entry, buffers, args, grid) {
      const isNoted = recorder.admits();
      if (isNoted !== notesShares) noteShares(isNoted);
      if (!isNoted) return dispatch.call(device, program, entry, buffers, args, grid);
      const startNs = clockNs();
      dispatch.call(device, program, entry, buffers, args, grid);
      note(program, entry, startNs);
    },
    copy(from, to, fromOffset = 0, toOffset = 0, bytes = from.bytes - fromOffset) {
      if (!recorder.admits()) return copy.call(device, from, to, fromOffset, toOffset, bytes);
      const startNs = clockNs();
      copy.call(device, from, to, fromOffset, toOffset, bytes);
      note(undefined, 'device to device', startNs, bytes);
    },
  };
  return Object.assign(device, verbs, isQueue ? onQueue : onCpu);
}
