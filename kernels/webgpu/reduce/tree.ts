// out[o, j] = fold over r of expression(x0[o, r, j]).
//
//   rows (inner is 1):   LANES threads take a chunk of a row; each folds every LANES-th quad of elements,     t0 t1 t2 t3
//                        then a tree in workgroup memory folds the threads                                     └┬─┘  └┬─┘
//   columns, short rows: a thread takes a chunk of a column; its neighbours take the columns beside it          └──┬──┘
//
// Lanes side by side read neighbouring quads, which a GPU makes one access of. A software adapter gains nothing by that and pays dearly for barriers: there
// every row has one thread, if there are enough of them.
//
// Chunks of one row or column become partial results that a second dispatch of the same kind folds. Both orders depend on the shape alone.

import { stepsOf } from '../../expression.ts';
import type { Entry, Grid, Kernel, Pass, Source, Traits, Tunables } from '../../kernel.ts';
import { type Fold, isIndex, type ReduceProblem } from '../../problems/reduce.ts';
import { reduceCost, reduceFacts, reduceVariant } from '../../reduce.ts';
import { extensions, source, typeName, type Width } from '../elements.ts';
import { functionsFor, hasInfiniteConstant, operation } from '../math.ts';
import { argumentBlock, linearGrid, parameters, WORKGROUP_NUMBER } from '../wgsl.ts';

/** Elements of a chunk of a row: 64 for each thread; and of a column. */
const ROW_CHUNK = 4096;
const COLUMN_CHUNK = 256;
const WG = 64;

export const tree: Kernel<ReduceProblem> = {
  name: 'tree',
  op: 'reduce',
  device: 'webgpu',
  summary: 'a tree over the threads of a workgroup along rows, a thread a column otherwise; two passes where chunks are many',
  requires: [],
  tunables: { LANES: [64, 32, 16, 8, 1] },
  constraints: [],
  deterministic: true,
  facts: reduceFacts,
  rejects: ({ expression }) =>
    hasInfiniteConstant(expression) ? 'its expression has a constant that is not finite, which WGSL cannot write' : undefined,
  defaults: ({ outer }, { limits }) => ({ LANES: limits.softwareAdapter && outer >= WG ? 1 : 64 }),
  cost: reduceCost,
  estimate: (problem, { limits }) => {
    const { executedFlops, bytes } = reduceCost(problem);
    return limits.softwareAdapter ? 100e-6 + executedFlops / 0.5e9 : 20e-6 + executedFlops / 1e12 + bytes / 200e9;
  },
  variant: (problem) =>
    [reduceVariant(problem), isRows(problem) ? 'rows' : '', isWide(problem) ? 'wide' : '', chunksOf(problem) > 1 ? 'chunks' : '']
      .filter(Boolean)
      .join('/'),
  generate,

  plan(problem, { LANES }) {
    const { outer, reduced, inner } = problem;
    const chunks = chunksOf(problem);
    const chunk = chunkOf(problem);
    const results = outer * inner;
    const gridOf = (count: number): Grid => linearGrid(Math.ceil(count / (isRows(problem) ? WG / LANES : WG)));
    if (chunks === 1)
      return {
        passes: [
          { entry: 'fold', buffers: ['x0', 'out'], arguments: [reduced, inner, 1, reduced, results, reduced], grid: gridOf(results) },
        ],
        workspace: {},
      };
    const states = isIndex(problem.fold) ? ['values', 'indices'] : ['values'];
    const passes: Pass[] = [
      {
        entry: 'fold_chunks',
        buffers: ['x0', ...states],
        arguments: [reduced, inner, chunks, chunk, results * chunks, reduced],
        grid: gridOf(results * chunks),
      },
      {
        entry: 'fold_states',
        buffers: [...states, 'out'],
        arguments: [chunks, inner, 1, chunks, results, reduced],
        grid: gridOf(results),
      },
    ];
    return { passes, workspace: Object.fromEntries(states.map((name) => [name, 4 * results * chunks])) };
  },
};

/** Short rows have a thread each, like columns: there is nothing to share. */
const isRows = ({ inner, reduced }: ReduceProblem): boolean => inner === 1 && reduced > WG;
/** Whether rows are folded four elements at a time: an index has to be compared with every other. */
const isWide = (problem: ReduceProblem): boolean =>
  isRows(problem) && problem.reduced % 4 === 0 && problem.source === 'f32' && !isIndex(problem.fold);
const chunkOf = (problem: ReduceProblem): number => (isRows(problem) ? ROW_CHUNK : COLUMN_CHUNK);
const chunksOf = (problem: ReduceProblem): number =>
  problem.reduced < 2 * chunkOf(problem) ? 1 : Math.ceil(problem.reduced / chunkOf(problem));

/** `count` is that of the folds done at once; `whole` that of the elements of a mean. */
const ARGUMENTS = parameters('u32', 'reduced', 'inner', 'chunks', 'chunk', 'folds', 'whole');

const entryOf = (reads: readonly string[], writes: readonly string[]): Entry => ({
  buffers: [...reads.map((name) => ({ name, access: 'read' as const })), ...writes.map((name) => ({ name, access: 'write' as const }))],
  arguments: ARGUMENTS,
});

/** WGSL of the fold's state: a value, and its index where that is what is asked for. */
function stateCode(fold: Fold, type: 'f32' | 'i32'): string {
  const worst = type === 'f32' ? '3.40282346e38' : '2147483647';
  const isMax = fold.endsWith('max');
  const start = fold === 'sum' || fold === 'mean' ? '0' : isMax ? `-${worst}` : worst;
  const compare = isMax ? '>' : '<';
  const merge = isIndex(fold)
    ? `if (b.value ${compare} a.value || (b.value == a.value && b.index < a.index)) { return b; }\n  return a;`
    : `return State(${fold === 'sum' || fold === 'mean' ? 'a.value + b.value' : `${isMax ? 'max' : 'min'}(a.value, b.value)`}, 0);`;
  return `struct State { value: ${type}, index: i32 }
const START = State(${start}, 2147483647);
fn merged(a: State, b: State) -> State {
  ${merge}
}`;
}

/** `element(e)`, or `elements(e)` of the four from e on. */
function elementCode({ expression }: ReduceProblem, width: Width): string {
  const steps = stepsOf(expression).map((step, s) =>
    step.kind === 'input'
      ? `  let v${s} = load${width === 4 ? '4' : ''}_x0(e);`
      : `  let v${s} = ${operation(
          step,
          step.operands.map((operand) => `v${operand}`),
          width,
        )};`,
  );
  const name = width === 4 ? 'elements' : 'element';
  return `fn ${name}(e: u32) -> ${typeName(expression.type, width)} {\n${steps.join('\n')}\n  return v${steps.length - 1};\n}`;
}

/** Four chains of a fold, merged in the end. */
const wideCode = (fold: Fold, type: 'f32' | 'i32'): string => {
  const merged = fold === 'sum' || fold === 'mean' ? 'a + b' : `${fold}(a, b)`;
  return `fn merged4(a: vec4<${type}>, b: vec4<${type}>) -> vec4<${type}> { return ${merged}; }
fn of_chains(a: vec4<${type}>) -> State {
  return merged(merged(State(a.x, 0), State(a.y, 0)), merged(State(a.z, 0), State(a.w, 0)));
}`;
};

/** How the folds of an entry are dealt out, and what they read. */
interface FoldShape {
  /** Threads of a row; undefined for columns and short rows, which have one each. */
  readonly lanes: number | undefined;
  /** What element r of a chunk, e in the whole, gives as a State. */
  readonly state: string;
  /** Whether `elements(e)` gives four. */
  readonly isWide: boolean;
}

/** An entry that folds every chunk. */
function foldCode(name: string, { lanes = 1, state, isWide }: FoldShape, store: string): string {
  const perGroup = WG / lanes;
  // Every thread stays to the end, for the barriers: one without a fold repeats the last.
  return `@compute @workgroup_size(${WG})
fn ${name}(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let own = (${WORKGROUP_NUMBER}) * ${perGroup}u + thread / ${lanes}u;
  let lane = thread % ${lanes}u;
  let fold = min(own, args.folds - 1u);
  let j = fold % args.inner;
  let chunk = (fold / args.inner) % args.chunks;
  let o = fold / args.inner / args.chunks;
  let end = min((chunk + 1u) * args.chunk, args.reduced);
${isWide ? wideLoop(lanes) : narrowLoop(lanes, state)}${lanes > 1 ? treeCode(lanes) : ''}
  if (own >= args.folds || lane > 0u) { return; }
  ${store}
}`;
}

const narrowLoop = (lanes: number, state: string): string => `  var state = START;
  for (var r = chunk * args.chunk + lane; r < end; r += ${lanes}u) {
    let e = (o * args.reduced + r) * args.inner + j;
    state = merged(state, ${state});
  }`;

const wideLoop = (lanes: number): string => `  var chains = vec4(START.value);
  for (var r = chunk * args.chunk + 4u * lane; r < end; r += ${4 * lanes}u) {
    chains = merged4(chains, elements(o * args.reduced + r));
  }
  var state = of_chains(chains);`;

const treeCode = (lanes: number): string => `
  shared_states[thread] = state;
  for (var half = ${lanes / 2}u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { shared_states[thread] = merged(shared_states[thread], shared_states[thread + half]); }
  }
  state = shared_states[thread - lane];`;

function generate(problem: ReduceProblem, { LANES }: Tunables, traits: Traits): Source {
  const { fold, expression, dtype, source: stored } = problem;
  const type = expression.type as 'f32' | 'i32';
  const lanes = isRows(problem) ? LANES : undefined;
  const wide = isWide(problem);
  const shape = { lanes, state: 'State(element(e), i32(r))', isWide: wide };
  const states = isIndex(fold) ? ['values', 'indices'] : ['values'];
  const result = isIndex(fold) ? 'state.index' : fold === 'mean' ? 'state.value / f32(args.whole)' : 'state.value';
  const isShared = lanes !== undefined && lanes > 1;
  const head = [
    stateCode(fold, type),
    isShared ? `var<workgroup> shared_states: array<State, ${WG}>;` : '',
    wide ? wideCode(fold, type) : '',
  ];
  const width = wide ? 4 : 1;
  const read = [source(0, 'x0', stored, width, traits), functionsFor(expression, width), elementCode(problem, width)];
  const variable = (binding: number, name: string, access: string, as: string) =>
    `@group(0) @binding(${binding}) var<storage, ${access}> ${name}: array<${as}>;`;
  const label = `reduce/tree/${tree.variant(problem)} LANES=${LANES}`;
  const enable = extensions([stored], traits);
  if (chunksOf(problem) === 1) {
    const entry = entryOf(['x0'], ['out']);
    const code = [
      enable,
      argumentBlock(2, entry),
      ...head,
      ...read,
      variable(1, 'out', 'read_write', dtype),
      foldCode('fold', shape, `out[fold] = ${result};`),
    ];
    return { label, code: code.filter(Boolean).join('\n'), entries: { fold: entry } };
  }
  const chunks = entryOf(['x0'], states);
  const merge = entryOf(states, ['out']);
  const n = states.length;
  const code = [
    enable,
    // Both entries have as many buffers, so that their arguments stand at one binding.
    argumentBlock(n + 1, chunks),
    ...head,
    ...read,
    variable(1, 'values', 'read_write', type),
    isIndex(fold) ? variable(2, 'indices', 'read_write', 'i32') : '',
    foldCode('fold_chunks', shape, `values[fold] = state.value;${isIndex(fold) ? ' indices[fold] = state.index;' : ''}`),
    variable(0, 'made_values', 'read', type),
    isIndex(fold) ? variable(1, 'made_indices', 'read', 'i32') : '',
    variable(n, 'out', 'read_write', dtype),
    foldCode(
      'fold_states',
      { ...shape, isWide: false, state: `State(made_values[e], ${isIndex(fold) ? 'made_indices[e]' : '0'})` },
      `out[fold] = ${result};`,
    ),
  ];
  return { label, code: code.filter(Boolean).join('\n'), entries: { fold_chunks: chunks, fold_states: merge } };
}
