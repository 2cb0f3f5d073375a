// A block is the TM×TN corner of C that one thread sums in registers; a tile is the blocks of one workgroup, WGY·TM rows by WGX·TN columns.
//
//      p ─▶            WGX·TN                Of op(A) a thread needs TM rows, of op(B) TN columns. Both come from a source: straight from
//    ┌──────┐        ┌────┬───┐              memory, or from a piece BK deep that the workgroup staged in its own memory before.
//    │ op(A)│ TM   p │    │ TN│  op(B)
//    └──────┘      ▼ └────┴───┘              An operand lies in memory along p or across it. Four neighbours are loaded at once where they
//                                            are aligned: along p they are four steps of one row, across p they are one step of four rows.
//
// The generator below writes the loop over p in these terms, the same for A and B, staged or not, aligned or not. Sums are named
// sum_ROW_PART, vectors of min(TN, 4) columns. With QUAD, threads that lie side by side share their rows of A by `quadBroadcast`.
// Nothing is loaded from outside an operand: rows beyond the edge repeat the last one and are not stored.

import type { Tunables } from '../../kernel.ts';
import type { MatmulProblem } from '../../problem.ts';
import { lines, type Storage } from '../wgsl.ts';
import type { Alignment } from './variant.ts';

/** How a piece that is no part of a matrix in memory gets into workgroup memory: statements before the first piece, and for each of them. */
export interface Gather {
  readonly start: string;
  readonly stage: string;
}

/** One operand as a block sees it. `outer` is its dimension that is not K. */
export interface Side {
  readonly name: 'A' | 'B';
  readonly outer: 'm' | 'n';
  /** First row of op(A), or column of op(B), of the tile; and of the block, counted within the tile. */
  readonly tileStart: string;
  readonly blockStart: string;
  /** Rows or columns of a thread, and of the tile. */
  readonly block: number;
  readonly tile: number;
  /** Whether elements that follow each other in memory follow each other along p. */
  readonly alongP: boolean;
  /** Whether memory has whole quads. */
  readonly aligned: boolean;
  readonly staged: boolean;
  /** Whether four neighbouring threads, which have the same rows, load a quarter of them each and hand them round. */
  readonly shared: boolean;
  /** Elements from one line of the staged piece to the next. */
  readonly stagedStride: number;
  /** Where the workgroup stages by other code than for a matrix. */
  readonly gather?: Gather;
}

export type Sides = readonly [Side, Side];

/** The operands of a matmul problem. */
export function sidesOf({ transposeA, transposeB }: MatmulProblem, knobs: Tunables, aligned: Alignment): Sides {
  const { WGX, WGY, TM, TN, BK, SA, SB, PAD, QUAD = 0 } = knobs;
  const stride = (alongP: boolean, tile: number) => (alongP ? BK : tile) + PAD;
  return [
    {
      name: 'A',
      outer: 'm',
      tileStart: 'tile_row',
      blockStart: 'block_row',
      block: TM,
      tile: WGY * TM,
      alongP: !transposeA,
      aligned: aligned.A,
      staged: SA === 1,
      shared: QUAD === 1,
      stagedStride: stride(!transposeA, WGY * TM),
    },
    {
      name: 'B',
      outer: 'n',
      tileStart: 'tile_column',
      blockStart: 'block_column',
      block: TN,
      tile: WGX * TN,
      alongP: transposeB,
      aligned: aligned.B,
      staged: SB === 1,
      shared: false,
      stagedStride: stride(transposeB, WGX * TN),
    },
  ];
}

/** Workgroup memory for the staged pieces, as quads. */
export function blockDeclarations(both: Sides, knobs: Tunables): string {
  return both
    .filter(({ staged }) => staged)
    .map(
      (side) => `var<workgroup> piece_${side.name}: array<vec4<f32>, ${((side.alongP ? side.tile : knobs.BK) * side.stagedStride) / 4}>;`,
    )
    .join('\n');
}

/** Statements that begin the sums of a block. Expects `lane` (local index). */
export const startSums = ({ WGX, TM, TN }: Tunables): string => `let block_row = lane / ${WGX} * ${TM};
let block_column = lane % ${WGX} * ${TN};
${lines(TM, (i) => lines(parts(TN), (j) => `var sum_${i}_${j} = ${vector(TN)}();`))}`;

/**
 * Statements that add to sum_ROW_PART the products of p from `first` up to `last` (u32 expressions, `first` a multiple of 4).
 *
 * Expects the names of `startSums`, `tile_row`, `tile_column` (of the tile, in C) and `base_A`, `base_B` (element where the matrices start).
 */
export function addProducts(both: Sides, knobs: Tunables, first: string, last: string): string {
  const start = both.map((side) => `${lineStarts(side)}\n${side.gather?.start ?? ''}`).join('\n');
  if (!both.some(({ staged }) => staged)) {
    return `${start}
let piece = ${first};
let depth = ${last} - piece;
${steps(knobs, both)}`;
  }
  return `${start}
for (var piece = ${first}; piece < ${last}; piece += ${knobs.BK}) {
${both.map((side) => side.gather?.stage ?? stage(side, knobs)).join('\n')}
workgroupBarrier();
let depth = min(${knobs.BK}, ${last} - piece);
${steps(knobs, both)}
workgroupBarrier();
}`;
}

/** Statements that leave in sum_ROW_PART the products of p from `first` up to `last`. */
export const accumulate = (both: Sides, knobs: Tunables, first: string, last: string): string =>
  `${startSums(knobs)}\n${addProducts(both, knobs, first, last)}`;

/** Vectors that hold a row of a block, and their WGSL type. */
const parts = (TN: number): number => Math.ceil(TN / 4);
const vector = (TN: number): string => `vec${Math.min(TN, 4)}<f32>`;

/** The loop over the steps of a piece: KU at a time, then one by one. */
function steps(knobs: Tunables, both: Sides): string {
  const { KU } = knobs;
  const rest = `for (; step < depth; step++) {\n${multiply(knobs, both, 1)}\n}`;
  const unrolled = `for (; step + ${KU} <= depth; step += ${KU}) {\n${multiply(knobs, both, KU)}\n}`;
  return `{\nvar step = 0u;\n${KU > 1 ? unrolled : ''}\n${rest}\n}`;
}

/** `depth` steps, all loads first: independent loads overlap, and each value is used TM or TN times. */
function multiply({ TM, TN }: Tunables, [a, b]: Sides, depth: number): string {
  const [fromA, fromB] = [fragment(a, depth), fragment(b, depth)];
  return [
    fromA.loads,
    fromB.loads,
    lines(depth, (p) =>
      lines(TM, (i) =>
        lines(
          parts(TN),
          (j) => `sum_${i}_${j} = fma(${vector(TN)}(${fromA.at(i, p)}), ${fromB.quad(j, p, Math.min(TN, 4))}, sum_${i}_${j});`,
        ),
      ),
    ),
  ].join('\n');
}

/** The values of one side for `depth` steps: their loads, and expressions for one of them or for neighbours across p. */
interface Fragment {
  readonly loads: string;
  at(i: number, p: number): string;
  quad(j: number, p: number, width: number): string;
}

function fragment(side: Side, depth: number): Fragment {
  const { name, block, alongP, staged, shared } = side;
  if (shared) return sharedFragment(side, depth);
  const aligned = side.aligned || staged;
  const value = (i: number, p: number) => `${name.toLowerCase()}_${i}_${p}`;
  const together = (at: Fragment['at']) => (j: number, p: number, width: number) =>
    `vec${width}(${Array.from({ length: width }, (_, c) => at(4 * j + c, p)).join(', ')})`;
  if (alongP && aligned && depth % 4 === 0) {
    const at = (i: number, p: number) => `${value(i, p - (p % 4))}.${'xyzw'[p % 4]}`;
    const loads = lines(block, (i) => lines(depth / 4, (q) => `let ${value(i, 4 * q)} = ${load4(side, i, 4 * q)};`));
    return { loads, at, quad: together(at) };
  }
  if (!alongP && aligned && block % 4 === 0) {
    const at = (i: number, p: number) => `${value(i - (i % 4), p)}.${'xyzw'[i % 4]}`;
    const loads = lines(depth, (p) => lines(block / 4, (j) => `let ${value(4 * j, p)} = ${load4(side, 4 * j, p)};`));
    return { loads, at, quad: (j, p) => value(4 * j, p) };
  }
  const loads = lines(depth, (p) => lines(block, (i) => `let ${value(i, p)} = ${load1(side, i, p)};`));
  return { loads, at: value, quad: together(value) };
}

/** A thread loads every fourth row, by its place in its quad, and gets the others from its neighbours. */
function sharedFragment(side: Side, depth: number): Fragment {
  const own = fragment({ ...side, shared: false, block: side.block / 4, aligned: side.aligned && side.alongP }, depth);
  const at = (i: number, p: number) => `shared_${i}_${p}`;
  const hand = (i: number, p: number) => `let ${at(i, p)} = quadBroadcast(${own.at(Math.floor(i / 4), p)}, ${i % 4}u);`;
  const loads = `${own.loads}\n${lines(depth, (p) => lines(side.block, (i) => hand(i, p)))}`;
  return { ...own, loads, at };
}

/** Where the lines of a block start, outside of the loop: `line_A_3` is row 3 of the block, at p = 0. */
function lineStarts(side: Side): string {
  const { name, outer, block, tileStart, blockStart, alongP, aligned, staged, shared, stagedStride } = side;
  return lines(shared ? block / 4 : block, (i) => {
    if (staged) return `let line_${name}_${i} = (${blockStart} + ${i})${alongP ? ` * ${stagedStride}` : ''};`;
    // A quad across p must lie within the operand as a whole.
    const wide = !alongP && aligned && !shared && block % 4 === 0 && i % 4 === 0;
    const offset = shared ? `${4 * i} + (lane & 3)` : i;
    const index = `min(${tileStart} + ${blockStart} + ${offset}, args.${outer} - ${wide ? 4 : 1})`;
    return `let line_${name}_${i} = base_${name} + ${index}${alongP ? ' * args.k' : ''};`;
  });
}

/** The index of element p of line i of the current piece: within the staged piece, or within the operand. */
function index({ name, outer, alongP, staged, stagedStride }: Side, i: number, p: number): string {
  const step = `(step + ${p})`;
  if (staged) return `line_${name}_${i} + ${step}${alongP ? '' : ` * ${stagedStride}`}`;
  return `line_${name}_${i} + (piece + ${step})${alongP ? '' : ` * args.${outer}`}`;
}

const load4 = (side: Side, i: number, p: number): string =>
  side.staged ? `piece_${side.name}[(${index(side, i, p)}) >> 2u]` : `load4_${side.name}(${index(side, i, p)})`;

const load1 = (side: Side, i: number, p: number): string =>
  side.staged ? `piece_${side.name}[(${index(side, i, p)}) >> 2u][(${index(side, i, p)}) & 3u]` : `load_${side.name}(${index(side, i, p)})`;

/** The workgroup copies the piece of one side, quad by quad, laid out as in memory. */
function stage(side: Side, { WGX, WGY, BK }: Tunables): string {
  const { name, outer, tile, tileStart, alongP, aligned, staged, stagedStride } = side;
  if (!staged) return '';
  const [length, quads] = alongP ? [BK, (tile * BK) / 4] : [tile, (BK * tile) / 4];
  // Along p a line is a row of the tile; across p it is one step of p.
  const lineIndex = alongP ? `min(${tileStart} + line, args.${outer} - 1)` : `min(piece + line, args.k - 1)`;
  const [extent, from] = alongP ? ['args.k', 'piece'] : [`args.${outer}`, tileStart];
  const element = (c: number) => `load_${name}(start + min(${from} + at + ${c}, ${extent} - 1))`;
  const quad = aligned ? `load4_${name}(start + min(${from} + at, ${extent} - 4))` : `vec4(${[0, 1, 2, 3].map(element).join(', ')})`;
  return `for (var i = lane; i < ${quads}; i += ${WGX * WGY}) {
let line = i / ${length / 4};
let at = i % ${length / 4} * 4;
let start = base_${name} + ${lineIndex} * ${extent};
piece_${name}[(line * ${stagedStride} + at) / 4] = ${quad};
}`;
}

/**
 * Statements that store a block to `target` as rows of C, through `convert` from the sum of row i and column j of the block to what is stored.
 *
 * Expects the names of `accumulate` and `base_C`; `start` is the element of the row at `column`, where the block starts. `quads` is whether C has whole quads and its storage was declared with width 4.
 * With `adds`, to what `target` holds, which then has loads.
 */
export function storeBlock(
  target: string,
  storage: Storage,
  { TM, TN }: Tunables,
  quads: boolean,
  convert = (sum: string, _i: number, j: number) => `epilogue(${sum}, column + ${j})`,
  adds = false,
): string {
  const width = quads && TN % 4 === 0 ? 4 : storage === 'packed' ? 2 : 1;
  const sum = (i: number, j: number) => `sum_${i}_${Math.floor(j / 4)}.${'xyzw'[j % 4]}`;
  const store = (i: number, j: number) => {
    const values = Array.from({ length: width }, (_, c) => convert(sum(i, j + c), i, j + c));
    const value = width === 1 ? values[0] : `vec${width}(${values.join(', ')})`;
    const four = width === 4 ? '4' : '';
    const all = adds ? `load${four}_${target}(start + ${j}) + ${value}` : value;
    return `if (column + ${j} < args.n) { store${four}_${target}(start + ${j}, ${all}); }`;
  };
  return `let column = tile_column + block_column;
${lines(
  TM,
  (i) => `if (tile_row + block_row + ${i} < args.m) {
let start = base_C + (tile_row + block_row + ${i}) * args.n + column;
${lines(TN / width, (q) => store(i, q * width))}
}`,
)}`;
}
