// C = epilogue(alpha · op(A) · op(B)) by register tiles over packed panels.
//
//   for jc in steps of NC:                       a slab of B, KC x NC, packed into strips of NR          (third-level cache)
//     for pc in steps of KC:
//       for ic in steps of SLAB_ROWS:            a slab of A, packed into strips of MR
//         tasks of MC rows x some columns:       a block of A, MC x KC, in the second-level cache
//           macro-kernel                         a strip of B, KC x NR, in the first
//
// Packing puts every panel in the order that the tile reads it, whatever the transposes, so that all four run alike; sums of a K longer than KC are continued
// in C. Goto & van de Geijn, "Anatomy of high-performance matrix multiplication" (2008); blocking after BLIS.

import type { Entry, Kernel, Pass, Plan, Source, Traits, Tunables } from '../../kernel.ts';
import { matmulCost, matmulFacts, matmulVariant } from '../../matmul.ts';
import type { MatmulProblem } from '../../problem.ts';
import { advance, assemble, call, i32, min, set, type Task, task } from '../assembly.ts';
import { ARGUMENTS_ADDRESS } from '../command.ts';
import { callMacro, macroRoutine, scratchBytes } from '../macro.ts';
import { packRoutine } from '../pack.ts';
import { sharedBy, sharing, sharingConstraints, tasksOf, threadsWorth } from '../threading.ts';
import type { TileShape } from '../tile.ts';

/** Rows of A that are packed at a time: bounds the workspace, whatever M is. */
const SLAB_ROWS = 3840;
export const packed: Kernel<MatmulProblem> = {
  name: 'packed',
  op: 'matmul',
  device: 'cpu',
  summary: 'register tiles over packed panels, blocked for every cache level',
  requires: ['simd'],
  tunables: {
    MR: [6, 4, 5, 3, 8],
    NR: [16, 8, 12],
    KU: [4, 2, 1, 8],
    KC: [256, 128, 192, 384, 512],
    MC: [120, 48, 96, 192, 240],
    NC: [2048, 512, 1024, 4096],
    PACKA: [1, 0],
    // The last task to end should not keep the others waiting long.
    ...sharing(6, 1, 3, 12),
  },
  constraints: [
    ...['MR * NR <= 96', 'MR * NR >= 24', 'MC % MR == 0', 'NC % NR == 0', 'KC * NR * 4 <= l1Bytes', 'MC * KC * 4 <= l2Bytes'],
    ...sharingConstraints(6),
  ],
  deterministic: true,
  facts: matmulFacts,
  rejects: ({ dtype }) => (dtype === 'f32' ? undefined : `it stores f32, not ${dtype}`),
  defaults,
  cost: matmulCost,
  estimate: (problem, traits) => {
    const threads = threadsWorth(matmulCost(problem), traits);
    const rate = traits.features.has('revectorize') ? 95e9 : 50e9;
    // Packing moves what is packed once more; it overlaps with arithmetic where there is much of that.
    const seconds = Math.max(tiledFlops(problem, registerTile(traits)) / rate, matmulCost(problem).bytes / 10e9);
    return 4e-6 + seconds / threads;
  },
  variant: matmulVariant,
  generate,
  plan,
};

/** The tile that suits the engine: 256 bits fused, 128 bits fused, or multiply and add apart; V8 leaves 15 vector registers. */
export function registerTile({ features }: Traits): { MR: number; NR: number } {
  if (features.has('revectorize')) return { MR: 6, NR: 16 };
  return features.has('relaxed-simd') ? { MR: 6, NR: 8 } : { MR: 4, NR: 8 };
}

/** Operations that whole tiles execute: rows and columns of C rounded up to the tile. */
export function tiledFlops({ batch, m, n, k }: MatmulProblem, { MR, NR }: { MR: number; NR: number }): number {
  return 2 * batch * Math.ceil(m / MR) * MR * Math.ceil(n / NR) * NR * k;
}

function defaults(problem: MatmulProblem, traits: Traits): Tunables {
  const tile = registerTile(traits);
  // The deepest slab whose strip of B fits the first-level cache: fewer passes over C, and fewer meetings of threads.
  const KC = 512 * tile.NR * 4 <= traits.limits.l1Bytes ? 512 : 256;
  const PACKA = problem.n <= 8 * tile.NR ? 0 : 1;
  return { ...tile, KU: 4, KC, MC: tile.MR === 4 ? 96 : 120, NC: 2048, PACKA, ...sharedBy(matmulCost(problem), traits, 6) };
}

/** `extent` cut into equal parts of at most `most`, each a multiple of `unit`. */
function slabs(extent: number, most: number, unit = 1): { count: number; size: number } {
  const count = Math.ceil(extent / most);
  return { count, size: Math.ceil(Math.ceil(extent / count) / unit) * unit };
}

/** How A is read by the tile: packed, or where it lies. */
const sideA = (problem: MatmulProblem, { PACKA }: Tunables): TileShape['a'] => (PACKA ? 'packed' : problem.transposeA ? 'columns' : 'rows');

const hasEpilogue = ({ epilogue }: MatmulProblem): boolean => epilogue.bias || epilogue.relu;

/** The compute entry for slab `index` of `count` along k. */
function entryOf(problem: MatmulProblem, index: number, count: number): string {
  if (index === count - 1 && hasEpilogue(problem)) return count === 1 ? 'only' : 'last';
  return index === 0 ? 'first' : 'next';
}

function plan(problem: MatmulProblem, tunables: Tunables, traits: Traits): Plan {
  const { batch, m, n, k, transposeA, transposeB, alpha, epilogue } = problem;
  const { MR, NR, KU, KC, MC, NC, PACKA } = tunables;
  const [depth, across, down] = [slabs(k, KC, KU), slabs(n, NC, NR), slabs(m, SLAB_ROWS, MR)];
  const tasks = tasksOf(tunables, traits);
  const passes: Pass[] = [];
  for (let b = 0; b < batch; b++)
    for (let j0 = 0; j0 < n; j0 += across.size)
      for (let k0 = 0; k0 < k; k0 += depth.size) {
        const [columns, steps] = [Math.min(across.size, n - j0), Math.min(depth.size, k - k0)];
        const offsetB = 4 * (b * k * n + (transposeB ? j0 * k + k0 : k0 * n + j0));
        passes.push(packPass('packB', 'B', offsetB, columns, steps, 4 * (transposeB ? k : n), NR, tasks, alpha === 1 ? [] : [alpha]));
        for (let i0 = 0; i0 < m; i0 += down.size) {
          const rows = Math.min(down.size, m - i0);
          const offsetA = 4 * (b * m * k + (transposeA ? k0 * m + i0 : i0 * k + k0));
          const leadingA = 4 * (transposeA ? m : k);
          if (PACKA) passes.push(packPass('packA', 'A', offsetA, rows, steps, leadingA, MR, tasks, []));
          const block = blocking(rows, columns, tunables, tasks);
          passes.push({
            entry: entryOf(problem, k0 / depth.size, depth.count),
            buffers: [PACKA ? 'packedA' : 'A', 'packedB', ...(epilogue.bias && k0 + steps === k ? ['bias'] : []), 'C', 'scratch'],
            arguments: [
              ...[PACKA ? 0 : offsetA, 4 * j0, 4 * ((b * m + i0) * n + j0), rows, columns, steps],
              ...[PACKA ? 4 * steps : transposeA ? 4 : leadingA, leadingA, 4 * n, MC, block.columns, block.across],
            ],
            grid: [block.across, block.down, 1],
          });
        }
      }
  const strips = (extent: number, width: number) => Math.ceil(extent / width) * width;
  return {
    passes,
    workspace: {
      packedB: 4 * depth.size * strips(across.size, NR),
      ...(PACKA ? { packedA: 4 * depth.size * strips(down.size, MR) } : {}),
      scratch: traits.limits.threads * scratchBytes({ mr: MR, nr: NR }),
    },
  };
}

function packPass(
  entry: string,
  operand: 'A' | 'B',
  offset: number,
  lanes: number,
  k: number,
  stride: number,
  width: number,
  tasks: number,
  alpha: number[],
): Pass {
  const strips = Math.ceil(lanes / width);
  const perTask = Math.ceil(strips / tasks);
  return {
    entry,
    buffers: [operand, `packed${operand}`],
    arguments: [offset, lanes, k, stride, perTask, ...alpha],
    grid: [Math.ceil(strips / perTask), 1, 1],
  };
}

/** Blocks of MC rows, and as many columns as leave every thread several tasks. */
function blocking(rows: number, columns: number, { MC, NR }: Tunables, tasks: number): { columns: number; across: number; down: number } {
  const down = Math.ceil(rows / MC);
  const width = Math.ceil(columns / Math.ceil(tasks / down) / NR) * NR;
  return { columns: width, across: Math.ceil(columns / width), down };
}

const U32 = (...names: string[]): Entry['arguments'] => names.map((name) => ({ name, type: 'u32' }));

function generate(problem: MatmulProblem, tunables: Tunables, traits: Traits): Source {
  const { MR, NR, KU, PACKA } = tunables;
  const { transposeA, transposeB, alpha, epilogue } = problem;
  const fma = traits.features.has('relaxed-simd');
  const shape: TileShape = { mr: MR, nr: NR, unroll: KU, a: sideA(problem, tunables), b: 'packed', fma, accumulate: false, scale: false };
  const tasks: Record<string, Task> = { packB: packTask(NR, transposeB ? 'k' : 'lanes', alpha !== 1) };
  if (PACKA) tasks.packA = packTask(MR, transposeA ? 'lanes' : 'k', false);
  tasks.first = computeTask(shape);
  tasks.next = computeTask({ ...shape, accumulate: true });
  if (hasEpilogue(problem)) {
    tasks.only = computeTask({ ...shape, epilogue });
    tasks.last = computeTask({ ...shape, accumulate: true, epilogue });
  }
  return assemble(`matmul/packed/${matmulVariant(problem)}/${MR}x${NR}`, tasks);
}

/** Packs `perTask` strips of W lanes; strips are `lanes` apart in the source and k·W elements apart in the target. */
function packTask(width: number, contiguous: 'lanes' | 'k', scale: boolean): Task {
  const entry: Entry = {
    buffers: [
      { name: 'from', access: 'read' },
      { name: 'to', access: 'write' },
    ],
    arguments: [...U32('offset', 'lanes', 'k', 'stride', 'perTask'), ...(scale ? [{ name: 'alpha', type: 'f32' as const }] : [])],
  };
  const alphaAddress = ARGUMENTS_ADDRESS + 4 * 7;
  const pack = packRoutine({ width, contiguous, scale });
  return task(
    entry,
    { first: i32, some: i32, most: i32 },
    ({ task, first, some, most }, { from, to, offset, lanes, k, stride, perTask }) => {
      set(first, i32.mul(i32.mul(task, perTask), width));
      set(some, i32.sub(lanes, first));
      set(most, i32.mul(perTask, width));
      min(some, some, most);
      advance(from, i32.add(offset, i32.mul(first, contiguous === 'lanes' ? 4 : stride)));
      advance(to, i32.shl(i32.mul(first, k), 2));
      call(pack, [from, to, some, k, stride, scale ? alphaAddress : 0]);
    },
  );
}

const COMPUTE_ARGUMENTS = [
  'offsetA',
  'offsetBias',
  'offsetC',
  'rows',
  'columns',
  'k',
  'rowA',
  'stepA',
  'strideC',
  'blockRows',
  'blockColumns',
  'blocksAcross',
];

/** One block of `blockRows` by `blockColumns` of C, for one slab of k. `rowA`: bytes from a row of A to the next; `stepA`: the tile's stride. */
function computeTask(shape: TileShape): Task {
  const bias = shape.epilogue?.bias ?? false;
  const buffers = ['A', 'B', ...(bias ? ['bias'] : []), 'C', 'scratch'];
  const entry: Entry = {
    buffers: buffers.map((name) => ({ name, access: name === 'C' || name === 'scratch' ? 'write' : 'read' })),
    arguments: U32(...COMPUTE_ARGUMENTS),
  };
  const macro = macroRoutine(shape);
  return task(entry, { i: i32, j: i32, height: i32, width: i32 }, ({ task, thread, i, j, height, width }, argument) => {
    const { A, B, C, scratch, k, rowA, blockRows, blockColumns, blocksAcross } = argument;
    set(i, i32.mul(i32.div_u(task, blocksAcross), blockRows));
    set(j, i32.mul(i32.rem_u(task, blocksAcross), blockColumns));
    set(height, i32.sub(argument.rows, i));
    min(height, height, blockRows);
    set(width, i32.sub(argument.columns, j));
    min(width, width, blockColumns);
    callMacro(macro, {
      a: () => i32.add(i32.add(A, argument.offsetA), i32.mul(i, rowA)),
      b: () => i32.add(B, i32.shl(i32.mul(j, k), 2)),
      c: () => i32.add(i32.add(C, argument.offsetC), i32.add(i32.mul(i, argument.strideC), i32.shl(j, 2))),
      rows: () => height,
      columns: () => width,
      k: () => k,
      stripA: () => i32.mul(rowA, shape.mr),
      stripB: () => i32.shl(i32.mul(k, shape.nr), 2),
      strideA: () => argument.stepA,
      strideB: () => 0,
      strideC: () => argument.strideC,
      bias: () => (bias ? i32.add(i32.add(argument.bias, argument.offsetBias), i32.shl(j, 2)) : 0),
      alpha: () => 0,
      scratch: () => i32.add(scratch, i32.mul(thread, scratchBytes(shape))),
    });
  });
}
