// The copy suite: what it costs to get bytes from one place to another, by every path there is, and from which size on which path is the one to take.
//
// Rows carry the payload, counted once, over the time; the roof of the CPU's copies is the best of several loops over as many bytes in the same rounds.

import { type Case, type FunctionArm, type Request, type Suite, UsageError } from '../harness/suite.ts';
import { byteSize, byteSizes } from './byte-sizes.ts';
import { cpuPaths } from './copy/cpu.ts';
import { armNameOf, costOf, DIRECTIONS, type Path, sideOf, workOf } from './copy/path.ts';
import { verdict } from './copy/verdict.ts';
import { webgpuPaths } from './copy/webgpu.ts';
import { webgpuOutPaths } from './copy/webgpu-out.ts';
import { workerPaths } from './copy/worker.ts';
import { listOf } from './options.ts';

const [KiB, MiB] = [2 ** 10, 2 ** 20];
const SIZES = [4, 64, KiB, 4 * KiB, 16 * KiB, 64 * KiB, 256 * KiB, MiB, 4 * MiB, 16 * MiB, 64 * MiB, 256 * MiB];
const QUICK_SIZES = [4, 64 * KiB, 16 * MiB];
/** Two buffers of this fit a WebAssembly memory. */
const MOST = 2 ** 30;

/** The paths on the devices that were asked for; to a worker is from the CPU. */
export const pathsOf = ({ devices, threads }: Pick<Request, 'devices' | 'threads'>): Path[] => [
  ...(devices.includes('cpu') ? [...cpuPaths(threads), ...workerPaths] : []),
  ...(devices.includes('webgpu') ? [...webgpuPaths, ...webgpuOutPaths] : []),
];

const armOf = (path: Path, bytes: number): FunctionArm => ({
  name: armNameOf(path),
  device: path.device,
  threads: path.threads,
  cost: costOf(path, bytes),
  bytes: () => path.holds * bytes,
  refuses: (traits) => path.refuses?.(bytes, traits),
  make: () => workOf(path, bytes),
});

function cases(request: Request): Case[] {
  const { options, quick, shapes } = request;
  if (shapes !== undefined) throw new UsageError('--shapes: copy has sizes: give them by --sizes, such as --sizes 64KiB,16MiB');
  const sizes = typeof options.sizes === 'string' ? byteSizes('sizes', options.sizes, MOST) : quick ? QUICK_SIZES : SIZES;
  const directions = listOf(request, 'direction', DIRECTIONS, DIRECTIONS);
  const families = Map.groupBy(
    pathsOf(request).filter(({ direction }) => directions.includes(direction)),
    (path) => `copy/${path.direction}/${sideOf(path)}`,
  );
  return [...families].flatMap(([family, paths]) =>
    sizes.map((bytes): Case => {
      const measured = paths.filter(({ least = 0 }) => bytes >= least);
      return {
        name: `${family}/${byteSize(bytes)}`,
        arms: measured.map((path) => armOf(path, bytes)),
        dtype: 'u8',
        loops: measured.filter((path) => isRated(path)).map(armNameOf),
        extra: { payload_bytes: bytes },
      };
    }),
  );
}

/** Where the roof is known: between two memories of one machine. What a bus can do shows only in the paths over it. */
const isRated = ({ moves, direction, device }: Path): boolean =>
  moves && direction !== 'main-to-worker' && (device === 'cpu' || direction === 'device-to-device');

const suite: Suite = {
  name: 'copy',
  question: 'What does it cost to get bytes to the device and back, within it, and to a worker, by every path there is?',
  options: [
    { flags: '--sizes <list>', description: 'bytes to move: 4B to 1GiB, such as 64KiB,16MiB' },
    { flags: '--direction <list>', description: DIRECTIONS.join(', ') },
  ],
  cases,
  verdict: (rows, request) => verdict(rows, pathsOf(request)),
};

export default suite;
