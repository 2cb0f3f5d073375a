// C[b] = epilogue(alpha · op(A[b]) · op(B[b])), where C has at most 8 rows or at most 8 columns: a matrix times a few vectors.
//
//            p ─▶                        The matrix is the long operand (op(B) transposed, or op(A)); its rows are what C has many of.
//        ┌────────────┐                  A workgroup has some rows and all vectors. Its threads lie LK along p and WG / LK along the
//   rows │▪▪▪▪ matrix │                  rows; each sums ROWS rows times the vectors over every LK-th step of p, and a tree in
//        └────────────┘                  workgroup memory adds the LK sums up.
//        ┌────────────┐
//        │▪▪▪▪ vectors│  up to 8         Every element of the matrix is read once, by neighbouring threads from neighbouring
//        └────────────┘                  addresses, in quads where they are aligned. That is all there is to gain: memory is the limit.
//
// After cuBLAS' and BLIS' distinction of dot- and axpy-like GEMV: along p threads share a row, across p they share a step.

import type { Kernel, Source, Traits, Tunables } from '../../kernel.ts';
import { matmulCost, matmulFacts, matmulVariant, onlyOverwrites } from '../../matmul.ts';
import { bytesPerElement, type MatmulProblem } from '../../problem.ts';
import { elementsPerWord, linearGrid, lines, parameters, storageOf, WORKGROUP_NUMBER } from '../wgsl.ts';
import { roughSeconds } from './estimate.ts';
import { alignment, epilogue, indexA, indexB, knobList, operandBuffers, operandNames, operands, tooLarge } from './variant.ts';

const MOST_VECTORS = 8;

/** A problem as a matrix times a few vectors. */
interface Skinny {
  /** The operand that holds the matrix, and the other one. */
  readonly matrix: 'A' | 'B';
  readonly vectors: 'A' | 'B';
  readonly rows: number;
  readonly count: number;
  /** Vectors that the code is made for: `count` up to the next power of two. */
  readonly countClass: number;
  /** Whether the matrix lies in memory along p; and the vectors. */
  readonly matrixAlongP: boolean;
  readonly vectorsAlongP: boolean;
  /** Whether quads of the matrix are aligned; and of the vectors, along p. */
  readonly matrixQuads: boolean;
  readonly vectorQuads: boolean;
}

function skinny(problem: MatmulProblem): Skinny {
  const { m, n, transposeA, transposeB } = problem;
  const quads = alignment(problem);
  const fewRows = m <= n;
  const count = Math.min(m, n);
  const matrix = fewRows ? 'B' : 'A';
  const vectors = fewRows ? 'A' : 'B';
  // A single vector has no other direction to lie in.
  const vectorsAlongP = count === 1 || (fewRows ? !transposeA : transposeB);
  const matrixAlongP = fewRows ? transposeB : !transposeA;
  return {
    matrix,
    vectors,
    rows: Math.max(m, n),
    count,
    countClass: 2 ** Math.ceil(Math.log2(count)),
    matrixAlongP,
    vectorsAlongP,
    matrixQuads: quads[matrix],
    vectorQuads: matrixAlongP && quads[matrix] && vectorsAlongP,
  };
}

export const gemv: Kernel<MatmulProblem> = {
  name: 'gemv',
  op: 'matmul',
  device: 'webgpu',
  summary: `a matrix times at most ${MOST_VECTORS} vectors, reduced in workgroup memory`,
  requires: [],
  tunables: { WG: [64, 32, 128, 256], LK: [64, 1, 2, 4, 8, 16, 32, 128, 256], ROWS: [4, 1, 2, 8] },
  constraints: [
    'LK <= WG <= maxComputeInvocationsPerWorkgroup',
    'WG <= maxComputeWorkgroupSizeX',
    // Words of packed f16 hold two rows.
    'elementBytes == 4 or WG // LK * ROWS >= 2',
    '4 * WG * ROWS * vectors <= maxComputeWorkgroupStorageSize',
  ],
  deterministic: true,
  facts: (problem) => ({
    ...matmulFacts(problem),
    vectors: skinny(problem).countClass,
    elementBytes: bytesPerElement(problem.dtype),
  }),
  rejects: (problem, traits) =>
    Math.min(problem.m, problem.n) > MOST_VECTORS
      ? `C is ${problem.m}x${problem.n}, expected at most ${MOST_VECTORS} rows or columns`
      : (onlyOverwrites(problem) ?? tooLarge(problem, traits) ?? sharedWords(problem, traits)),
  defaults,
  cost: matmulCost,
  estimate(problem, traits) {
    const { rows, count, countClass } = skinny(problem);
    const height = rowsPerGroup(defaults(problem, traits));
    return roughSeconds(problem, traits, {
      software: 1.3e9 * Math.sqrt(countClass),
      hardware: 500e9 * count,
      outputsPerGroup: height * count,
      groups: problem.batch * Math.ceil(rows / height),
    });
  },
  variant,
  generate,
  plan(problem, tunables) {
    const { batch, m, n, k, alpha } = problem;
    const tiles = batch * Math.ceil(skinny(problem).rows / rowsPerGroup(tunables));
    return {
      passes: [{ entry: 'matmul', buffers: operandNames(problem), arguments: [m, n, k, tiles, alpha], grid: linearGrid(tiles) }],
      workspace: {},
    };
  },
};

/**
 * Neighbouring threads read neighbouring addresses on a GPU; on a software adapter a thread does best by itself, since barriers are dear.
 */
function defaults(problem: MatmulProblem, { limits }: Traits): Tunables {
  if (limits.softwareAdapter) return { WG: 32, LK: 1, ROWS: 4 };
  return skinny(problem).matrixAlongP ? { WG: 64, LK: 64, ROWS: 4 } : { WG: 128, LK: 16, ROWS: 4 };
}

const rowsPerGroup = ({ WG, LK, ROWS }: Tunables): number => (WG / LK) * ROWS;

/** Why two workgroups would have to write one word, where f16 elements are packed in words. */
function sharedWords(problem: MatmulProblem, traits: Traits): string | undefined {
  const { batch, m, n, dtype } = problem;
  const apart = m <= n ? n % 2 === 0 || batch * m === 1 : batch === 1 || (m * n) % 2 === 0;
  if (storageOf(dtype, traits) !== 'packed' || apart) return undefined;
  return `${batch} matrices of ${m}x${n} f16 elements share words, and the device lacks shader-f16; naive and splitk can do it`;
}

function variant(problem: MatmulProblem): string {
  const { matrix, countClass, matrixQuads, vectorQuads } = skinny(problem);
  const quads = `${matrixQuads ? 'M' : ''}${vectorQuads ? 'V' : ''}` || 'unaligned';
  return `${matmulVariant(problem)}/${matrix}x${countClass}/${quads}`;
}

function generate(problem: MatmulProblem, tunables: Tunables, traits: Traits): Source {
  const { WG, LK, ROWS } = tunables;
  const shape = skinny(problem);
  const storage = storageOf(problem.dtype, traits);
  const matrixQuads = shape.matrixQuads && (shape.matrixAlongP || ROWS % 4 === 0);
  const entry = {
    buffers: operandBuffers(problem),
    arguments: [...parameters('u32', 'm', 'n', 'k', 'tiles'), ...parameters('f32', 'alpha')],
  };
  const quads = { A: false, B: false, C: false, [shape.matrix]: matrixQuads, [shape.vectors]: shape.vectorQuads };
  const [rows, count] = shape.matrix === 'B' ? ['args.n', 'args.m'] : ['args.m', 'args.n'];
  // Neighbouring threads have neighbouring addresses: along p, or across it.
  const [rowStride, pStride] = shape.matrixAlongP ? [LK, 1] : [1, WG / LK];
  const code = `${operands(problem, storage, entry, quads)}
${epilogue(problem)}

/** The sums of all threads: vector · ${ROWS} + row of the thread, then lane. */
var<workgroup> sums: array<f32, ${shape.countClass * ROWS * WG}>;

fn result(vector: u32, row: u32, first_row: u32) -> f32 {
  if (first_row + row >= ${rows}) { return 0.0; }
  let sum = sums[(vector * ${ROWS} + row % ${ROWS}) * ${WG} + row / ${ROWS} * ${rowStride}];
  return epilogue(sum, ${shape.matrix === 'B' ? 'first_row + row' : 'vector'});
}

@compute @workgroup_size(${WG})
fn matmul(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let tile = ${WORKGROUP_NUMBER};
  if (tile >= args.tiles) { return; }
  let across = (${rows} + ${rowsPerGroup(tunables) - 1}) / ${rowsPerGroup(tunables)};
  let first_row = tile % across * ${rowsPerGroup(tunables)};
  let matrix = tile / across;
  let base_A = matrix * args.m * args.k;
  let base_B = matrix * args.k * args.n;
  let base_C = matrix * args.m * args.n;
  let lane_p = lane / ${pStride} % ${LK};
  let lane_row = lane / ${rowStride} % ${WG / LK};
${multiply(problem, shape, tunables, matrixQuads, rows, count)}
${reduction(shape, tunables, pStride)}
${stores(shape, tunables, elementsPerWord(storage), count)}
}
`;
  return { label: `matmul/gemv/${variant(problem)} ${knobList(tunables)}`, code, entries: { matmul: entry } };
}

/** The loop over p, every LK-th step or quad of steps; leaves the thread's sums in sum_VECTOR_ROW. */
function multiply(
  problem: MatmulProblem,
  { matrix, vectors, countClass, matrixAlongP, vectorQuads }: Skinny,
  { LK, ROWS }: Tunables,
  quads: boolean,
  rows: string,
  count: string,
): string {
  const index = (name: 'A' | 'B', line: string, p: string) =>
    name === 'A' ? indexA(problem, 'base_A', line, p) : indexB(problem, 'base_B', p, line);
  const rowsAtOnce = quads && !matrixAlongP ? 4 : 1;
  const stepsAtOnce = quads && matrixAlongP ? 4 : 1;
  const vectorAt = (v: number, p: string) => `load_${vectors}(${index(vectors, `vector_${v}`, p)})`;
  const vectorLoad = (v: number) => {
    if (stepsAtOnce === 1) return vectorAt(v, 'p');
    if (vectorQuads) return `load4_${vectors}(${index(vectors, `vector_${v}`, 'p')})`;
    return `vec4(${[0, 1, 2, 3].map((c) => vectorAt(v, `(p + ${c})`)).join(', ')})`;
  };
  const term = (v: number, i: number) => {
    if (stepsAtOnce === 4) return `sum_${v}_${i} += dot(m_${i}, v_${v});`;
    return `sum_${v}_${i} = fma(m_${i - (i % rowsAtOnce)}${rowsAtOnce === 4 ? `.${'xyzw'[i % 4]}` : ''}, v_${v}, sum_${v}_${i});`;
  };
  const starts = ROWS / rowsAtOnce;
  return `${lines(countClass, (v) => `let vector_${v} = min(${v}u, ${count} - 1);`)}
${lines(starts, (q) => `let row_${q * rowsAtOnce} = min(first_row + lane_row * ${ROWS} + ${q * rowsAtOnce}, ${rows} - ${rowsAtOnce});`)}
${lines(countClass, (v) => lines(ROWS, (i) => `var sum_${v}_${i} = 0.0;`))}
for (var p = lane_p * ${stepsAtOnce}; p < args.k; p += ${LK * stepsAtOnce}) {
${lines(starts, (q) => `let m_${q * rowsAtOnce} = load${quads ? '4' : ''}_${matrix}(${index(matrix, `row_${q * rowsAtOnce}`, 'p')});`)}
${lines(countClass, (v) => `let v_${v} = ${vectorLoad(v)};`)}
${lines(countClass, (v) => lines(ROWS, (i) => term(v, i)))}
}`;
}

/** The tree that adds the LK sums of a row up, in an order that never changes. */
function reduction({ countClass }: Skinny, { WG, LK, ROWS }: Tunables, pStride: number): string {
  const put = lines(countClass, (v) => lines(ROWS, (i) => `sums[${(v * ROWS + i) * WG} + lane] = sum_${v}_${i};`));
  const tree = `for (var half = ${LK / 2}u; half > 0; half >>= 1) {
if (lane_p < half) {
for (var at = lane; at < ${countClass * ROWS * WG}; at += ${WG}) { sums[at] += sums[at + half * ${pStride}]; }
}
workgroupBarrier();
}`;
  return `${put}\nworkgroupBarrier();\n${LK > 1 ? tree : ''}`;
}

/** The threads store the words of the workgroup's part of C. */
function stores({ matrix }: Skinny, tunables: Tunables, each: number, count: string): string {
  const group = rowsPerGroup(tunables);
  const loop = `for (var e = lane * ${each}; e < ${count} * ${group}; e += ${tunables.WG * each})`;
  if (matrix === 'B') {
    const value = (c: number) => `result(e / ${group}, e % ${group} + ${c}, first_row)`;
    return `${loop} {
if (first_row + e % ${group} < args.n) {
store_C(base_C + e / ${group} * args.n + first_row + e % ${group}, ${each === 1 ? value(0) : `vec2(${value(0)}, ${value(1)})`});
}
}`;
  }
  const value = (c: number) => `result((e + ${c}) % args.n, (e + ${c}) / args.n, first_row)`;
  return `${loop} {
if (first_row * args.n + e < args.m * args.n) {
store_C(base_C + first_row * args.n + e, ${each === 1 ? value(0) : `vec2(${value(0)}, ${value(1)})`});
}
}`;
}
