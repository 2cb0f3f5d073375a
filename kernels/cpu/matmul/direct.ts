// C = epilogue(alpha · op(A) · B) by register tiles on the operands where they lie.
//
//   tasks of blocks of C:  macro-kernel over all of K, rows of B read in place, A row by row (or column by column where it is transposed)
//
// Nothing is copied first, which wins where the matrices fit the caches: small problems, batches of them. Rows that are a power of two apart fall into the
// same sets of the cache, so large problems belong to `packed`.

import type { Entry, Kernel, Plan, Source, Traits, Tunables } from '../../kernel.ts';
import { matmulCost, matmulFacts, matmulVariant } from '../../matmul.ts';
import { type MatmulProblem, matmulOperands } from '../../problem.ts';
import { advance, assemble, i32, min, set, task } from '../assembly.ts';
import { ARGUMENTS_ADDRESS } from '../command.ts';
import { callMacro, macroRoutine, scratchBytes } from '../macro.ts';
import { evenUnits, THREADS, THREADS_FIT, threadsBy, threadsOf, threadsWorth } from '../threading.ts';
import { productSeconds } from '../tile-model.ts';
import { registerTile, tiledFlops } from './packed.ts';

const ARGUMENTS = ['m', 'n', 'k', 'strideA', 'blockRows', 'blockColumns', 'blocksAcross', 'blocksDown'] as const;

export const direct: Kernel<MatmulProblem> = {
  name: 'direct',
  op: 'matmul',
  device: 'cpu',
  summary: 'register tiles on the operands where they lie: nothing is packed',
  requires: ['simd'],
  tunables: { MR: [6, 4, 5, 3, 8, 2], NR: [16, 8, 12], KU: [4, 2, 1], MC: [48, 24, 96, 120], NB: [192, 48, 96, 384], THREADS },
  constraints: ['MR * NR <= 96', 'MC % MR == 0', 'NB % NR == 0', 'transposeB == 0', THREADS_FIT],
  deterministic: true,
  facts: matmulFacts,
  rejects: ({ dtype, transposeB }) =>
    dtype !== 'f32' ? `it stores f32, not ${dtype}` : transposeB ? 'it reads rows of B, and B is transposed' : undefined,
  defaults,
  cost: matmulCost,
  estimate: (problem, traits) => {
    const rate = (traits.features.has('revectorize') ? 100e9 : 52e9) * threadsWorth(matmulCost(problem), traits);
    return 2e-6 + (crowding(problem, traits) * tiledFlops(problem, registerTile(traits))) / rate;
  },
  model: ({ batch, m, n, k }, tunables, traits) => productSeconds({ rows: m, columns: n, depth: k, count: batch }, tunables, traits),
  variant: matmulVariant,
  generate,
  plan,
};

/** Rows of a block that are enough of them for threads to share. */
const BLOCK_ROWS = 48;

/** Blocks of fewer rows where there are many, and a block and B would fill the second-level cache. */
function defaults(problem: MatmulProblem, traits: Traits): Tunables {
  const { m, n, k } = problem;
  const isFull = 4 * k * (BLOCK_ROWS + n) > traits.limits.l2Bytes / 3;
  const MC = isFull && m >= 8 * BLOCK_ROWS ? BLOCK_ROWS / 2 : BLOCK_ROWS;
  return { ...registerTile(traits), KU: 4, MC, NB: 192, THREADS: threadsBy(matmulCost(problem), traits) };
}

/** A bank's worth of what a cloud machine shows as its third-level cache is other people's: more than so many second-level caches lies in memory. */
const FAR = 16;

/**
 * How much slower than in the caches it runs, by how A is read, where B lies, and how well the k rows of a strip of B get along: rows whose distance is a
 * multiple of a large power of two share few places of a cache. Measured, in round numbers.
 */
function crowding({ m, n, k, transposeA }: MatmulProblem, traits: Traits): number {
  const { l2Bytes, l3Bytes } = traits.limits;
  const isNear = 4 * (m * k + k * n + m * n) <= l2Bytes;
  if (transposeA) return isNear ? 1.2 : 3;
  if (isNear) return 1;
  const bytesOfB = 4 * k * n;
  const strips = Math.ceil(n / registerTile(traits).NR);
  const distance = 4 * n;
  const evenness = Math.max(64, distance & -distance);
  const conflicts = Math.min(4, 1.5 * Math.max(0, (k * evenness) / l2Bytes - 0.5));
  if (bytesOfB <= l2Bytes) return 1 + conflicts + (strips > 8 || bytesOfB > l2Bytes / 2 ? 0.2 : 0);
  return 1 + conflicts + (bytesOfB <= Math.min(l3Bytes / 2, FAR * l2Bytes) ? 0.4 : 4);
}

function generate(problem: MatmulProblem, { MR, NR, KU }: Tunables, traits: Traits): Source {
  const { transposeA, alpha, epilogue } = problem;
  const shape = {
    mr: MR,
    nr: NR,
    unroll: KU,
    a: transposeA ? 'columns' : 'rows',
    b: 'rows',
    fma: traits.features.has('relaxed-simd'),
    accumulate: problem.accumulate === true,
    scale: alpha !== 1,
    epilogue,
  } as const;
  const operands = Object.keys(matmulOperands(problem));
  const entry: Entry = {
    buffers: [...operands, 'scratch'].map((name) => ({ name, access: name === 'C' || name === 'scratch' ? 'write' : 'read' })),
    arguments: [
      ...ARGUMENTS.map((name) => ({ name, type: 'u32' as const })),
      ...(alpha === 1 ? [] : [{ name: 'alpha', type: 'f32' as const }]),
    ],
  };
  const alphaAddress = ARGUMENTS_ADDRESS + 4 * (operands.length + 1 + ARGUMENTS.length);
  const macro = macroRoutine(shape);
  const blocks = task(entry, { batch: i32, i: i32, j: i32, height: i32, width: i32 }, (names, argument) => {
    const { task, thread, batch, i, j, height, width } = names;
    const { A, B, C, bias, scratch, m, n, k, strideA, blockRows, blockColumns, blocksAcross, blocksDown } = argument;
    set(j, i32.mul(i32.rem_u(task, blocksAcross), blockColumns));
    set(i, i32.div_u(task, blocksAcross));
    set(batch, i32.div_u(i, blocksDown));
    set(i, i32.mul(i32.rem_u(i, blocksDown), blockRows));
    set(height, i32.sub(m, i));
    min(height, height, blockRows);
    set(width, i32.sub(n, j));
    min(width, width, blockColumns);
    advance(A, i32.shl(i32.mul(batch, i32.mul(m, k)), 2));
    advance(B, i32.shl(i32.mul(batch, i32.mul(k, n)), 2));
    advance(C, i32.shl(i32.mul(batch, i32.mul(m, n)), 2));
    callMacro(macro, {
      a: () => i32.add(A, i32.mul(i, transposeA ? 4 : strideA)),
      b: () => i32.add(B, i32.shl(j, 2)),
      c: () => i32.add(C, i32.shl(i32.add(i32.mul(i, n), j), 2)),
      rows: () => height,
      columns: () => width,
      k: () => k,
      stripA: () => i32.mul(transposeA ? 4 : strideA, MR),
      stripB: () => NR * 4,
      strideA: () => strideA,
      strideB: () => i32.shl(n, 2),
      strideC: () => i32.shl(n, 2),
      bias: () => (epilogue.bias ? i32.add(bias, i32.shl(j, 2)) : 0),
      alpha: () => alphaAddress,
      scratch: () => i32.add(scratch, i32.mul(thread, scratchBytes(shape))),
    });
  });
  return assemble(`matmul/direct/${matmulVariant(problem)}/${MR}x${NR}`, { blocks });
}

/** Rows and columns of a block: at most MC and NB, and cut so that the thread with the most tiles has as few as can be. */
function blocksOf({ batch, m, n }: MatmulProblem, { MR, NR, MC, NB }: Tunables, threads: number): { rows: number; columns: number } {
  if (batch === 1 && threads === 1) return { rows: m, columns: n };
  const across = Math.ceil(n / NB);
  const height = MR * evenUnits(Math.ceil(m / MR), MC / MR, batch * across, threads);
  return { rows: height, columns: Math.ceil(n / across / NR) * NR };
}

/** One task is one block of one matrix of the batch. */
function plan(problem: MatmulProblem, tunables: Tunables, traits: Traits): Plan {
  const { batch, m, n, k, transposeA, alpha } = problem;
  const { MR, NR } = tunables;
  const { rows, columns } = blocksOf(problem, tunables, threadsOf(tunables, traits));
  const [across, down] = [Math.ceil(n / columns), Math.ceil(m / rows)];
  return {
    passes: [
      {
        entry: 'blocks',
        buffers: [...Object.keys(matmulOperands(problem)), 'scratch'],
        arguments: [m, n, k, 4 * (transposeA ? m : k), rows, columns, across, down, ...(alpha === 1 ? [] : [alpha])],
        grid: [across, down, batch],
      },
    ],
    workspace: { scratch: traits.limits.threads * scratchBytes({ mr: MR, nr: NR }) },
  };
}
