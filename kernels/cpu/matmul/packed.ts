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
import { advance, assemble, call, i32, min, type Routine, set, type Task, task } from '../assembly.ts';
import { ARGUMENTS_ADDRESS } from '../command.ts';
import { callMacro, macroRoutine, scratchBytes } from '../macro.ts';
import { packRoutine } from '../pack.ts';
import { evenUnits, sharedBy, sharing, sharingConstraints, tasksOf, threadsOf, threadsWorth } from '../threading.ts';
import type { TileShape } from '../tile.ts';
import { productSeconds } from '../tile-model.ts';

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
    // 0: A is read where it lies; 1: a slab of it is packed by all threads, then multiplied; 2: each task packs its own block.
    PACKA: [1, 0, 2],
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
  estimate,
  model: ({ batch, m, n, k }, tunables, traits) =>
    productSeconds({ rows: m, columns: n, depth: k, count: batch }, tunables, traits, tunables.KC),
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

/** Up to so many elements, rows of a transposed A lie together; beyond so many bytes of it, packing is paid for by three strips of B or more, else by two. */
const [SHORT_ROW, FAR_BYTES] = [128, 2 ** 25];
/**
 * Rows of a block. Where that leaves every thread its tasks, blocks of fewer rows keep no thread waiting at the end and leave more of the cache to B; where
 * lines of A^T are read in place, more rows use more of each page.
 */
const [BLOCK_ROWS, FINE_BLOCK_ROWS, LONG_BLOCK_ROWS] = [120, 48, 192];

/**
 * A is read where it lies if its rows run along k: a tile then reads MR streams. Transposed, a step reads MR of the M elements of another row: a cache line
 * and a page for some bytes, of which the strips beside it use the rest. Then the task that needs a block packs it, reading longer pieces of rows. That is of
 * no use where rows are short, nor where B is so narrow that the block is read once or twice: there, a slab of so few steps that its lines stay in the
 * first-level cache does better.
 */
function defaults(problem: MatmulProblem, traits: Traits): Tunables {
  const { m, n, k, transposeA } = problem;
  const tile = registerTile(traits);
  const { l1Bytes, l2Bytes } = traits.limits;
  const shared = sharedBy(matmulCost(problem), traits, 6);
  const isScattered = transposeA && m > SHORT_ROW;
  const bytesA = 4 * m * k;
  const isSmall = bytesA <= l2Bytes / 2;
  const isNarrow = n <= (isSmall || bytesA > FAR_BYTES ? 2 : 1) * tile.NR;
  // The deepest slab whose strip of B fits the first-level cache: fewer passes over C, and fewer meetings of threads.
  const deepest = 512 * tile.NR * 4 <= l1Bytes ? 512 : 256;
  const KC = isScattered && isNarrow && !isSmall ? 128 : deepest;
  const PACKA = isScattered && !isNarrow ? 2 : 0;
  const tasks = tasksOf(shared, traits);
  const isFine = PACKA === 2 || (!isScattered && tasks > 1 && m >= BLOCK_ROWS * tasks);
  const MC = isFine ? FINE_BLOCK_ROWS : isScattered ? LONG_BLOCK_ROWS : BLOCK_ROWS;
  return { ...tile, KU: 4, KC, MC, NC: 2048, PACKA, ...shared };
}

/** Whole tiles of arithmetic, packing, and what it takes to start a pass and to wait for its last task; or every byte once. Measured, in round numbers. */
function estimate(problem: MatmulProblem, traits: Traits): number {
  const { batch, m, n, k } = problem;
  const cost = matmulCost(problem);
  const threads = threadsWorth(cost, traits);
  const { KC, PACKA } = defaults(problem, traits);
  const rate = traits.features.has('revectorize') ? 95e9 : 50e9;
  const packing = batch * k * (n * 0.6e-9 + (PACKA ? m * 0.3e-9 : 0));
  const passes = 2 * batch * Math.ceil(k / KC);
  const seconds = Math.max(tiledFlops(problem, registerTile(traits)) / rate + packing, cost.bytes / 10e9);
  return 2e-6 + passes * (threads > 1 ? 5e-6 : 1e-6) + seconds / threads;
}

/** `extent` cut into equal parts of at most `most`, each a multiple of `unit`. */
function slabs(extent: number, most: number, unit = 1): { count: number; size: number } {
  const count = Math.ceil(extent / most);
  return { count, size: Math.ceil(Math.ceil(extent / count) / unit) * unit };
}

/** How A is read by the tile: packed, by whomever, or where it lies. */
const sideA = (problem: MatmulProblem, { PACKA }: Tunables): TileShape['a'] => (PACKA ? 'packed' : problem.transposeA ? 'columns' : 'rows');

const hasEpilogue = ({ epilogue }: MatmulProblem): boolean => epilogue.bias || epilogue.relu;

/** The compute entry for slab `index` of `count` along k. */
function entryOf(problem: MatmulProblem, index: number, count: number): string {
  if (index === count - 1 && hasEpilogue(problem)) return count === 1 ? 'only' : 'last';
  return index === 0 && !problem.accumulate ? 'first' : 'next';
}

function plan(problem: MatmulProblem, tunables: Tunables, traits: Traits): Plan {
  const { batch, m, n, k, transposeA, transposeB, alpha, epilogue } = problem;
  const { MR, NR, KU, KC, MC, NC, PACKA } = tunables;
  const isSlab = PACKA === 1;
  const [depth, across, down] = [slabs(k, KC, KU), slabs(n, NC, NR), slabs(m, isSlab ? SLAB_ROWS : m, MR)];
  const perThread = scratchBytes({ mr: MR, nr: NR }) + (PACKA === 2 ? Math.ceil((4 * depth.size * Math.min(MC, down.size)) / 64) * 64 : 0);
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
          if (isSlab) passes.push(packPass('packA', 'A', offsetA, rows, steps, leadingA, MR, tasks, []));
          const block = blocking(rows, columns, tunables, traits);
          passes.push({
            entry: entryOf(problem, k0 / depth.size, depth.count),
            buffers: [isSlab ? 'packedA' : 'A', 'packedB', ...(epilogue.bias && k0 + steps === k ? ['bias'] : []), 'C', 'scratch'],
            arguments: [
              ...[isSlab ? 0 : offsetA, 4 * j0, 4 * ((b * m + i0) * n + j0), rows, columns, steps],
              ...[isSlab ? 4 * steps : transposeA ? 4 : leadingA, leadingA, 4 * n, block.rows, block.columns, block.across],
              ...(PACKA === 2 ? [perThread] : []),
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
      ...(isSlab ? { packedA: 4 * depth.size * strips(down.size, MR) } : {}),
      scratch: traits.limits.threads * perThread,
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

/** Blocks of about MC rows, and as many columns as leave every thread several tasks. */
function blocking(rows: number, columns: number, tunables: Tunables, traits: Traits) {
  const { MR, MC, NR } = tunables;
  const wanted = Math.ceil(tasksOf(tunables, traits) / Math.ceil(rows / MC));
  const width = Math.ceil(columns / wanted / NR) * NR;
  const across = Math.ceil(columns / width);
  const height = MR * evenUnits(Math.ceil(rows / MR), MC / MR, across, threadsOf(tunables, traits));
  return { rows: height, columns: width, across, down: Math.ceil(rows / height) };
}

const U32 = (...names: string[]): Entry['arguments'] => names.map((name) => ({ name, type: 'u32' }));

function generate(problem: MatmulProblem, tunables: Tunables, traits: Traits): Source {
  const { MR, NR, KU, PACKA } = tunables;
  const { transposeA, transposeB, alpha, epilogue } = problem;
  const fma = traits.features.has('relaxed-simd');
  const shape: TileShape = { mr: MR, nr: NR, unroll: KU, a: sideA(problem, tunables), b: 'packed', fma, accumulate: false, scale: false };
  const tasks: Record<string, Task> = { packB: packTask(NR, transposeB ? 'k' : 'lanes', alpha !== 1) };
  if (PACKA === 1) tasks.packA = packTask(MR, transposeA ? 'lanes' : 'k', false);
  const packs = PACKA === 2 ? packRoutine({ width: MR, contiguous: transposeA ? 'lanes' : 'k', scale: false }) : undefined;
  tasks.first = computeTask(shape, packs);
  tasks.next = computeTask({ ...shape, accumulate: true }, packs);
  if (hasEpilogue(problem)) {
    tasks.only = computeTask({ ...shape, epilogue }, packs);
    tasks.last = computeTask({ ...shape, accumulate: true, epilogue }, packs);
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

/**
 * One block of `blockRows` by `blockColumns` of C, for one slab of k. `rowA`: bytes from a row of A to the next; `stepA`: the tile's stride. With `packs` the
 * task packs its rows of A into its thread's scratch first, after the tile there.
 */
function computeTask(shape: TileShape, packs?: Routine): Task {
  const bias = shape.epilogue?.bias ?? false;
  const buffers = ['A', 'B', ...(bias ? ['bias'] : []), 'C', 'scratch'];
  const entry: Entry = {
    buffers: buffers.map((name) => ({ name, access: name === 'C' || name === 'scratch' ? 'write' : 'read' })),
    arguments: U32(...COMPUTE_ARGUMENTS, ...(packs ? ['perThread'] : [])),
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
    if (packs) {
      const panel = () => i32.add(i32.add(scratch, scratchBytes(shape)), i32.mul(thread, argument.perThread));
      advance(A, i32.add(argument.offsetA, i32.mul(i, rowA)));
      call(packs, [A, panel(), height, k, argument.stepA, 0]);
      set(A, panel());
    }
    callMacro(macro, {
      a: () => (packs ? A : i32.add(i32.add(A, argument.offsetA), i32.mul(i, rowA))),
      b: () => i32.add(B, i32.shl(i32.mul(j, k), 2)),
      c: () => i32.add(i32.add(C, argument.offsetC), i32.add(i32.mul(i, argument.strideC), i32.shl(j, 2))),
      rows: () => height,
      columns: () => width,
      k: () => k,
      stripA: () => (packs ? i32.shl(i32.mul(k, shape.mr), 2) : i32.mul(rowA, shape.mr)),
      stripB: () => i32.shl(i32.mul(k, shape.nr), 2),
      strideA: () => argument.stepA,
      strideB: () => 0,
      strideC: () => argument.strideC,
      bias: () => (bias ? i32.add(i32.add(argument.bias, argument.offsetBias), i32.shl(j, 2)) : 0),
      alpha: () => 0,
      scratch: () => i32.add(scratch, i32.mul(thread, packs ? argument.perThread : scratchBytes(shape))),
    });
  });
}
