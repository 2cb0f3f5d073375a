// A path is one way for bytes to get from one place to another; a transfer is that way made ready for a number of bytes.

import type { Facts, Work } from '../../harness/suite.ts';
import type { Cost, DeviceKind, Traits } from '../../kernels/kernel.ts';
import { clockNs, MAIN_THREAD, type Recorder, tracing } from '../../kernels/span.ts';
import { firstDifference, pattern } from './pattern.ts';

export const DIRECTIONS = ['host-to-device', 'device-to-host', 'device-to-device', 'main-to-worker'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** A path made ready. The source holds what `put` gave it last. */
export interface Transfer {
  /** Puts other bytes at the source; their memory is not kept. */
  put(bytes: Uint8Array<ArrayBuffer>): void | Promise<void>;
  /** Moves the bytes. Ends, or its promise settles, when they have arrived; with `settle`, when that has settled. */
  run(): unknown;
  settle?(): Promise<void>;
  /** The bytes at the destination. */
  arrived(): Uint8Array | Promise<Uint8Array>;
  close?(): void | Promise<void>;
}

export interface Path {
  readonly direction: Direction;
  readonly device: DeviceKind;
  readonly name: string;
  /** What it runs on: `cpu/2`, `webgpu`, `worker`. */
  readonly place: string;
  readonly threads?: number;
  /** False where nothing is copied: the other side gets to see the bytes where they lie. */
  readonly moves: boolean;
  /** The path that does the same with buffers that it keeps from call to call. */
  readonly freshOf?: string;
  /** True where transfers are queued one behind the other and waited for together. */
  readonly queued?: boolean;
  /** True for what no program would do to get its bytes across: a loop over as many of them, for the roof. */
  readonly loop?: boolean;
  /** The least bytes that it is measured with. */
  readonly least?: number;
  /** How many times the payload it holds, on host and device together. */
  readonly holds: number;
  /** Why a device with these traits cannot do it; undefined where it can. */
  refuses?(bytes: number, traits: Traits): string | undefined;
  open(bytes: number): Promise<Transfer>;
}

/** The device's verbs take buffers that kernels can bind whole. */
export const bindable: Pick<Path, 'refuses'> = {
  refuses: (bytes, { limits }) =>
    bytes > limits.maxStorageBufferBindingSize
      ? `${bytes} bytes are more than the ${limits.maxStorageBufferBindingSize} that the adapter binds (maxStorageBufferBindingSize)`
      : undefined,
};

export const armNameOf = ({ name, place }: Pick<Path, 'name' | 'place'>): string => `${name}@${place}`;

/** What the two sides are, as case names say it: `cpu`, `webgpu`, `worker`. */
export const sideOf = ({ place }: Pick<Path, 'place'>): string => place.split('/')[0];

/** A path as the harness calls it: each of the payload's bytes is checked after a transfer. */
export async function workOf(path: Path, bytes: number): Promise<Work> {
  const transfer = await path.open(bytes);
  await transfer.put(pattern(bytes, 1));
  const recorder = tracing();
  return {
    run: recorder ? told(recorder, path, bytes, () => transfer.run()) : () => transfer.run(),
    settle: transfer.settle && (() => transfer.settle!()),
    async verify() {
      // Other bytes than those of the first call, which may still lie there.
      await transfer.put(pattern(bytes, 2));
      await transfer.run();
      await transfer.settle?.();
      return firstDifference(await transfer.arrived(), pattern(bytes, 2));
    },
    facts: () => factsOf(path, bytes),
    close: () => transfer.close?.(),
  };
}

/** Transfers that a trace shows whole, by the path's name: most paths are not the device's verbs, which tell of themselves. */
function told(recorder: Recorder, path: Path, bytes: number, run: () => unknown): () => unknown {
  const name = armNameOf(path);
  return () => {
    if (!recorder.admits()) return run();
    const began = clockNs();
    const end = () => recorder.span(MAIN_THREAD, name, 'copy', began, clockNs(), { bytes });
    const running = run();
    if (running instanceof Promise) return running.then(end);
    end();
    return running;
  };
}

/** What a transfer costs: the payload, counted once; nothing where none is copied. */
export const costOf = ({ moves }: Path, bytes: number): Cost | undefined => (moves ? { flops: 0, executedFlops: 0, bytes } : undefined);

function factsOf({ direction, moves }: Path, bytes: number): Facts {
  if (!moves) return {};
  return {
    bytesH2d: direction === 'host-to-device' ? bytes : undefined,
    bytesD2h: direction === 'device-to-host' ? bytes : undefined,
  };
}
