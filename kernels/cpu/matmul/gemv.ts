// C = epilogue(alpha · op(A) · op(B)) where C has at most eight rows or columns: a matrix X times V vectors, in one pass over X.
//
// X is read once and everything else is small, so memory sets the time. The vectors are packed first; then, by how X lies,
//
//   dot:   rows of X run along k.      C[i, v] = sum over p of X[i, p] · V[v, p]        gemv-dot.ts
//   axpy:  rows of X run along C.      C[v, j] += V[v, p] · X[p, j]                     gemv-axpy.ts
//
// Both read X in several bands side by side: more cache lines are under way than with one stream, and what is not X is loaded less often.

import type { Entry, Kernel, Plan, Source, Traits, Tunables } from '../../kernel.ts';
import { matmulCost, matmulFacts, matmulVariant, onlyOverwrites } from '../../matmul.ts';
import type { MatmulProblem } from '../../problem.ts';
import { advance, assemble, f32, i32, loopWhileBelow, multiplyAdd, repeat, set, type Task, task } from '../assembly.ts';
import { THREADS, THREADS_FIT, threadsBy, threadsOf, threadsWorth } from '../threading.ts';
import { axpyTask, chunkElements } from './gemv-axpy.ts';
import { dotTask } from './gemv-dot.ts';
import { roles } from './gemv-parts.ts';

const MAX_VECTORS = 8;

export const gemv: Kernel<MatmulProblem> = {
  name: 'gemv',
  op: 'matmul',
  device: 'cpu',
  summary: 'a matrix times up to eight vectors, in one pass over the matrix',
  requires: ['simd'],
  tunables: { BANDS: [4, 8, 2, 1], CHUNK: [4096, 512, 1024, 2048], THREADS },
  constraints: ['min(M, N) <= 8', 'batch == 1', 'CHUNK * min(M, N) * 8 <= l2Bytes', THREADS_FIT],
  deterministic: true,
  facts: matmulFacts,
  rejects(problem) {
    const { dtype, batch, m, n } = problem;
    if (dtype !== 'f32') return `it stores f32, not ${dtype}`;
    if (batch > 1) return 'it does one matrix, not a batch';
    return Math.min(m, n) > MAX_VECTORS ? `C is ${m}x${n}, and it does at most ${MAX_VECTORS} rows or columns` : onlyOverwrites(problem);
  },
  defaults: (problem, traits) => {
    const { vectors, form } = roles(problem);
    const CHUNK = [4096, 2048, 1024, 512].find((each) => each * vectors * 4 <= traits.limits.l1Bytes * 2) ?? 512;
    return { BANDS: bandsFor(form, vectors), CHUNK, THREADS: threadsBy(matmulCost(problem), traits) };
  },
  cost: matmulCost,
  estimate: (problem, traits) => {
    const { flops, bytes } = matmulCost(problem);
    const threads = threadsWorth(matmulCost(problem), traits);
    const flopRate = (roles(problem).form === 'axpy' ? 60e9 : 30e9) * threads;
    // Threads share the way to memory, and add up their caches.
    const byteRate = (bytes > traits.limits.l3Bytes ? 25e9 : 60e9) * Math.sqrt(threads);
    return 3e-6 + Math.max(bytes / byteRate, flops / flopRate) + problem.k * 2e-9;
  },
  variant: (problem) => `${matmulVariant(problem)}/${roles(problem).vectors}${roles(problem).rowsOfC ? 'rows' : 'columns'}`,
  generate,
  plan,
};

/** Four streams keep memory busy; more rows at a time pay where their elements stay in registers and the sums are the bottleneck. */
function bandsFor(form: 'dot' | 'axpy', vectors: number): number {
  if (form === 'axpy') return vectors > 1 && vectors <= 4 ? 8 : 4;
  return vectors <= 4 ? 4 : 2;
}

function generate(problem: MatmulProblem, { BANDS, CHUNK }: Tunables, { features }: Traits): Source {
  const add = multiplyAdd(features.has('relaxed-simd'));
  const { form } = roles(problem);
  return assemble(`matmul/gemv/${matmulVariant(problem)}/${form}`, {
    pack: packTask(problem),
    multiply: form === 'dot' ? dotTask(problem, BANDS, add) : axpyTask(problem, BANDS, CHUNK, add),
  });
}

/**
 * Packs the vectors, times alpha: three nested runs over (outer, middle, inner), each with its own stride in the source, written one after another.
 *
 * For dot that is (vector, 1, p); for axpy (step, band, vector), and once more for the rows that no band has.
 */
function packTask({ alpha }: MatmulProblem): Task {
  const scale = alpha !== 1;
  const entry: Entry = {
    buffers: [
      { name: 'from', access: 'read' },
      { name: 'to', access: 'write' },
    ],
    arguments: [
      ...['source', 'target', 'outer', 'middle', 'inner', 'outerStride', 'middleStride', 'innerStride'].map((name) => ({
        name,
        type: 'u32' as const,
      })),
      ...(scale ? [{ name: 'alpha', type: 'f32' as const }] : []),
    ],
  };
  return task(entry, { i: i32, j: i32, row: i32, element: i32, value: f32 }, ({ i, j, row, element, value }, argument, scalar) => {
    const { from, to, source, target, outer, middle, inner, outerStride, middleStride, innerStride } = argument;
    advance(from, source);
    advance(to, target);
    repeat(outer, () => {
      set(i, 0);
      set(row, from);
      loopWhileBelow(i, middle, 1, () => {
        set(j, 0);
        set(element, row);
        loopWhileBelow(j, inner, 1, () => {
          set(value, f32.load({}, element));
          if (scale) set(value, f32.mul(value, scalar.alpha));
          f32.store({}, to, value);
          advance(to, 4);
          advance(element, innerStride);
        });
        advance(row, middleStride);
      });
      advance(from, outerStride);
    });
  });
}

function plan(problem: MatmulProblem, tunables: Tunables, traits: Traits): Plan {
  const { BANDS, CHUNK } = tunables;
  const { n, k, alpha, epilogue } = problem;
  const { vectors, rowsOfC, matrix, outputs, form, step, stride } = roles(problem);
  const share = Math.ceil(outputs / threadsOf(tunables, traits) / 16) * 16;
  const perTask = form === 'dot' ? share : Math.min(CHUNK, Math.max(512, share));
  const band = Math.floor(k / BANDS);
  const packing =
    form === 'dot'
      ? [[0, 0, vectors, 1, k, stride, 0, step]]
      : [
          [0, 0, band, BANDS, vectors, step, band * step, stride],
          [band * BANDS * step, 4 * band * BANDS * vectors, k - band * BANDS, 1, vectors, step, 0, stride],
        ];
  const [strideOutput, strideVector] = rowsOfC ? [4, 4 * n] : [4 * n, 4];
  return {
    passes: [
      ...packing.map((runs) => ({
        entry: 'pack',
        buffers: [matrix === 'A' ? 'B' : 'A', 'vectors'],
        arguments: [...runs, ...(alpha === 1 ? [] : [alpha])],
        grid: [1, 1, 1] as const,
      })),
      {
        entry: 'multiply',
        buffers: [matrix, 'vectors', ...(epilogue.bias ? ['bias'] : []), 'C', 'sums'],
        arguments: [outputs, k, 4 * (form === 'dot' ? k : outputs), perTask, strideOutput, strideVector],
        grid: [Math.ceil(outputs / perTask), 1, 1],
      },
    ],
    workspace: {
      vectors: 4 * vectors * k,
      sums: traits.limits.threads * 4 * (form === 'dot' ? BANDS * vectors : chunkElements(vectors, CHUNK)),
    },
  };
}
