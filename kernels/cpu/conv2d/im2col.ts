// result = weights · image matrix, a block of columns at a time: the matrix that "image to columns" makes is never whole.
//
//                          a block of lanes (elements of a plane of the result)
//                            ┌────┐
//      steps: (q, u, v)      │    │  packed in strips for a slab of planes, in the second-level cache (runs.ts)
//          ┌───────────┐     └────┘
//   rows   │  weights  │     ┌────┐
//          └───────────┘     │    │  of the result: slab after slab is added by register tiles (strips.ts)
//     packed (filter.ts)     └────┘
//
//              row                lane                step                        weights
//   forward       filter             (image, window)     (channel of group, tap)     filter
//   input-grad    channel            (image, element)    (filter of group, tap)      filter, a phase of the elements at a time (phases.ts)
//   filter-grad   filter of group    (channel, tap)      (image, window)             outputGrad, where it lies (patches.ts)
//
// One task is one block of lanes and rows of one group. Every element's sum has one order, whatever the number of threads. Chellapilla, Puri & Simard,
// "High performance convolutional neural networks for document processing" (2006), blocked as in Goto's matmul.

import { type Correlation, conv2dCost, conv2dFacts, conv2dVariant, correlationOf, epilogueOperands } from '../../correlation.ts';
import type { Entry, Kernel, Pass, Plan, Source, Traits, Tunables } from '../../kernel.ts';
import type { Conv2dProblem } from '../../problems/conv2d.ts';
import { advance, assemble, call, i32, if_, type Local, loopWhileBelow, min, set, type Task, task } from '../assembly.ts';
import { registerTile } from '../matmul/packed.ts';
import { sharedBy, sharing, sharingConstraints, tasksOf, threadsOf, threadsWorth } from '../threading.ts';
import type { TileShape } from '../tile.ts';
import { productSeconds } from '../tile-model.ts';
import { packedElements, packFilter, packFilterPass, packTurned, packTurnedPass } from './filter.ts';
import { blocksOf } from './parts.ts';
import { patchesPlan, patchesTask } from './patches.ts';
import { type Phase, phasesOf } from './phases.ts';
import { PACK_ARGUMENTS, packRunsRoutine, RUN_BYTES, type Spacing, TABLE_ARGUMENTS, tableRoutine } from './runs.ts';
import { callInChunks, type Multiplication, slabRoutines, stripsScratch } from './strips.ts';

export const im2col: Kernel<Conv2dProblem> = {
  name: 'im2col',
  op: 'conv2d',
  device: 'cpu',
  summary: 'register tiles over columns of the image that are packed block by block',
  requires: ['simd'],
  tunables: {
    ...{ MR: [6, 4, 5, 3, 8], NR: [16, 8, 12], KU: [4, 2, 1], KC: [256, 128, 384, 512], NB: [192, 96, 384, 48], MC: [120, 240] },
    ...sharing(3, 1, 6),
  },
  constraints: [
    ...['MR * NR <= 96', 'MR * NR >= 24', 'NB % NR == 0', 'MC % MR == 0', 'KC * NR * 4 <= l1Bytes'],
    ...sharingConstraints(3),
    // The gradient of the filter is cut by its own rule.
    'TASKS == 3 or filterGrad == 0',
  ],
  deterministic: true,
  facts: (problem) => ({ ...conv2dFacts(problem), filterGrad: Number(problem.pass === 'filter-grad') }),
  rejects: () => undefined,
  defaults,
  cost: conv2dCost,
  estimate,
  model,
  variant: (problem) => `${conv2dVariant(problem)}/${spacingOf(problem)}`,
  generate,
  plan,
};

function defaults(problem: Conv2dProblem, traits: Traits): Tunables {
  const { pass, channels, filters, groups } = problem;
  const { MR, NR } = registerTile(traits);
  const rows = (pass === 'input-grad' ? channels : filters) / groups;
  const KC = 512 * NR * 4 <= traits.limits.l1Bytes ? 512 : 256;
  return { MR: Math.max(3, Math.min(MR, rows)), NR, KU: 4, KC, NB: 192, MC: 120, ...sharedBy(conv2dCost(problem), traits, 3) };
}

/**
 * Whole tiles of arithmetic; tiles that go by way of scratch because rows are missing; packing of lanes, by how far apart they lie; packing of weights that
 * change; every byte once. Measured, in round numbers.
 */
function estimate(problem: Conv2dProblem, traits: Traits, constants: readonly string[] = []): number {
  const { a, b, q, perGroup, vertical, horizontal } = correlationOf(problem);
  const { pass, groups, channels, filters } = problem;
  const isFilterGrad = pass === 'filter-grad';
  const tunables = defaults(problem, traits);
  const { MR, NR } = tunables;
  const phases = vertical.divisor * horizontal.divisor;
  // Rows, lanes and steps of the products of a group; a phase has its share of lanes and of taps.
  const positions = vertical.positions * horizontal.positions;
  const lanes = isFilterGrad ? b * positions : a * positions;
  const steps = (q * vertical.taps * horizontal.taps) / phases;
  const strips = groups * Math.ceil(lanes / NR);
  const rate = traits.features.has('revectorize') ? 100e9 : 50e9;
  const spacing = spacingOf(problem);
  const tiles = (2 * strips * NR * steps * Math.ceil(perGroup / MR) * MR) / rate;
  const ragged = perGroup % MR === 0 && phases === 1 ? 0 : strips * (phases > 1 ? Math.ceil(perGroup / MR) : 1) * 40e-9;
  // Each block of rows packs its lanes again.
  const sharing = { tasks: tasksOf(tunables, traits), threads: threadsOf(tunables, traits), beside: groups };
  const times = isFilterGrad ? 1 : blocksOf(lanes / phases, perGroup, { MR, NR, NB: tunables.NB }, sharing).down.count;
  const packing = times * groups * lanes * steps * (isFilterGrad ? 0.2e-9 : spacing === 'any' ? 0.4e-9 : spacing === 2 ? 0.12e-9 : 0.1e-9);
  const weights =
    isFilterGrad || constants.includes('filter')
      ? 0
      : ((filters * channels) / groups) * problem.vertical.window * problem.horizontal.window;
  const moved = conv2dCost(problem).bytes / 25e9 + weights * (pass === 'input-grad' ? 1.4e-9 : 0.5e-9);
  return 5e-6 + (tiles + ragged + packing + moved) / threadsWorth(conv2dCost(problem), traits);
}

/** Rough seconds of the products, beside which packing is the same for all tunables. */
function model(problem: Conv2dProblem, tunables: Tunables, traits: Traits): number {
  const { a, b, q, perGroup, vertical, horizontal } = correlationOf(problem);
  const positions = vertical.positions * horizontal.positions;
  const columns = problem.pass === 'filter-grad' ? b * positions : a * positions;
  const depth = (q * vertical.taps * horizontal.taps) / (vertical.divisor * horizontal.divisor);
  return productSeconds({ rows: perGroup, columns, depth, count: problem.groups }, tunables, traits, tunables.KC);
}

/** How the lanes of a run lie in the image. */
function spacingOf(problem: Conv2dProblem): Spacing {
  const step = problem.pass === 'filter-grad' ? problem.horizontal.stride : correlationOf(problem).horizontal.step;
  return step === 1 || step === 2 ? step : 'any';
}

function generate(problem: Conv2dProblem, tunables: Tunables, traits: Traits): Source {
  const { MR, NR } = tunables;
  const label = `conv2d/im2col/${im2col.variant(problem)}/${MR}x${NR}`;
  const fma = traits.features.has('relaxed-simd');
  if (problem.pass === 'filter-grad') return assemble(label, { patches: patchesTask(tunables, spacingOf(problem), fma) });
  const packing: Record<string, Task> = problem.pass === 'input-grad' ? { packTurned: packTurned(MR) } : { packFilter: packFilter(MR) };
  return assemble(label, { ...packing, blocks: blocksTask(problem, tunables, fma) });
}

function plan(problem: Conv2dProblem, tunables: Tunables, traits: Traits): Plan {
  if (problem.pass === 'filter-grad') return patchesPlan(problem, tunables, traits);
  const correlation = correlationOf(problem);
  const { MR, NR, NB, KC } = tunables;
  const passes: Pass[] = problem.pass === 'forward' ? [packFilterPass(problem, MR)] : [];
  let [filterElements, perThread] = [0, 0];
  for (const down of phasesOf(correlation.vertical))
    for (const across of phasesOf(correlation.horizontal)) {
      const taps = down.taps * across.taps;
      const slabPlanes = Math.max(1, Math.min(correlation.q, Math.floor(KC / Math.max(1, taps))));
      const lanes = correlation.a * down.positions * across.positions;
      const blockLanes = Math.min(NB, Math.ceil(lanes / NR) * NR);
      const runs = RUN_BYTES * (blockLanes + 1);
      perThread = Math.max(perThread, Math.ceil((runs + 4 * slabPlanes * taps * blockLanes + stripsScratch(MR, NR)) / 64) * 64);
      if (problem.pass === 'input-grad') passes.push(packTurnedPass(problem, [down, across], 4 * filterElements, MR));
      passes.push(
        blocksPass(
          problem,
          correlation,
          [down, across],
          tunables,
          { filterOffset: 4 * filterElements, lanes, slabPlanes, blockLanes },
          traits,
        ),
      );
      filterElements += packedElements(problem.groups, correlation.perGroup, correlation.q * taps, MR);
    }
  // Every pass has the same room for each thread.
  const withRoom = passes.map((pass) => (pass.entry === 'blocks' ? { ...pass, arguments: [perThread, ...pass.arguments] } : pass));
  return { passes: withRoom, workspace: { packedFilter: 4 * filterElements, scratch: traits.limits.threads * perThread } };
}

const SIZES = ['laneBlocks', 'blockLanes', 'lanes', 'rowBlocks', 'blockRows', 'rows', 'groups', 'planes', 'slabPlanes', 'filterOffset'];
const IMAGE = ['imageA', 'imageG', 'imageQ', 'positionsY', 'positionsX', 'stepY', 'stepX', 'sizeY', 'sizeX'];
const TAPS = ['tapsY', 'tapsX', 'shiftY', 'shiftX', 'shiftStepY', 'shiftStepX'];
const RESULT = ['resultOffset', 'resultA', 'strideC', 'resultY', 'resultX'];

interface Blocking {
  readonly filterOffset: number;
  readonly lanes: number;
  readonly slabPlanes: number;
  readonly blockLanes: number;
}

function blocksPass(
  problem: Conv2dProblem,
  { b, q, perGroup, vertical, horizontal, imageSteps, image, result }: Correlation,
  [down, across]: readonly [Phase, Phase],
  tunables: Tunables,
  { filterOffset, lanes, slabPlanes, blockLanes: most }: Blocking,
  traits: Traits,
): Pass {
  const { MR, NR } = tunables;
  const sharing = { tasks: tasksOf(tunables, traits), threads: threadsOf(tunables, traits), beside: problem.groups };
  const blocks = blocksOf(lanes, perGroup, { MR, NR, NB: most }, sharing);
  const plane = vertical.positions * horizontal.positions;
  return {
    entry: 'blocks',
    buffers: [image, 'packedFilter', ...epilogueOperands(problem), result, 'scratch'],
    arguments: [
      ...[
        blocks.across.count,
        blocks.across.size,
        lanes,
        blocks.down.count,
        blocks.down.size,
        perGroup,
        problem.groups,
        q,
        slabPlanes,
        filterOffset,
      ],
      ...[4 * imageSteps.a, 4 * imageSteps.g, 4 * imageSteps.q, down.positions, across.positions, down.step, across.step],
      ...[vertical.extent, horizontal.extent],
      ...[down.taps, across.taps, down.shift, across.shift, down.shiftStep, across.shiftStep],
      ...[4 * (down.first * horizontal.positions + across.first), 4 * b * plane, 4 * plane],
      ...[4 * down.every * horizontal.positions, 4 * across.every],
    ],
    grid: [blocks.down.count * blocks.across.count * problem.groups, 1, 1],
  };
}

function entryOf(problem: Conv2dProblem): Entry {
  const isWritten = (name: string) => name === 'result' || name === 'scratch';
  return {
    buffers: ['image', 'weights', ...epilogueOperands(problem), 'result', 'scratch'].map((name) => ({
      name,
      access: isWritten(name) ? 'write' : 'read',
    })),
    arguments: ['perThread', ...SIZES, ...IMAGE, ...TAPS, ...RESULT].map((name) => ({ name, type: 'i32' })),
  };
}

const LOCALS = {
  ...{ g: i32, first: i32, here: i32, row: i32, height: i32, steps: i32, table: i32, to: i32, tiles: i32, panel: i32, allSteps: i32 },
  ...{ done: i32, some: i32, i: i32, chunk: i32, taps: i32 },
} as const;

/** One task is one block of lanes and rows of a group. */
function blocksTask(problem: Conv2dProblem, { MR, NR, KU, MC }: Tunables, fma: boolean): Task {
  const { bias, residual } = problem.epilogue;
  const plain: TileShape = { mr: MR, nr: NR, unroll: KU, a: 'packed', b: 'packed', fma, accumulate: false, scale: false };
  const { first, next, only, last } = slabRoutines(plain, problem.epilogue);
  const tabulate = tableRoutine(NR);
  const packRuns = packRunsRoutine(NR, spacingOf(problem));

  return task(entryOf(problem), LOCALS, (names, argument) => {
    const { task: number, thread, g, first: firstLane, here, row, height, steps, table, to } = names;
    const { tiles, panel, allSteps, done, some, i, chunk, taps } = names;
    const { image, weights, result, scratch, rows, planes, slabPlanes, imageQ, strideC } = argument;
    placeBlock();
    const lanes: Record<string, Local> = { ...argument, table, first: firstLane, lanes: here };
    call(
      tabulate,
      TABLE_ARGUMENTS.map((name) => lanes[name]),
    );
    // At least once: where no tap reaches, the result is the sum of nothing.
    loopWhileBelow(done, planes, 1, () => {
      set(some, i32.sub(planes, done));
      min(some, some, slabPlanes);
      set(steps, i32.mul(some, taps));
      const slab: Record<string, Local> = { ...argument, table, image, to, planes: some, steps };
      call(
        packRuns,
        PACK_ARGUMENTS.map((name) => slab[name]),
      );
      i32.eqz(done);
      if_(
        {},
        () => eitherIfLast(only, first),
        () => eitherIfLast(last, next),
      );
      advance(panel, i32.mul(steps, 4 * MR));
      advance(image, i32.mul(some, imageQ));
      set(done, i32.sub(i32.add(done, some), 1));
    });

    /** Moves the buffers' addresses to the task's group, rows and lanes, and lays out the thread's scratch: runs, packed lanes, tiles. */
    function placeBlock() {
      const { rowBlocks, blockRows, laneBlocks, blockLanes, perThread } = argument;
      set(row, i32.mul(i32.rem_u(number, rowBlocks), blockRows));
      set(g, i32.div_u(number, rowBlocks));
      set(firstLane, i32.mul(i32.rem_u(g, laneBlocks), blockLanes));
      set(g, i32.div_u(g, laneBlocks));
      set(here, i32.sub(argument.lanes, firstLane));
      min(here, here, blockLanes);
      set(height, i32.sub(rows, row));
      min(height, height, blockRows);
      set(taps, i32.mul(argument.tapsY, argument.tapsX));
      set(allSteps, i32.mul(planes, taps));
      // Groups of packed weights are whole strips.
      set(panel, i32.add(i32.mul(g, i32.mul(i32.div_u(i32.add(rows, MR - 1), MR), MR)), row));
      set(panel, i32.add(i32.add(weights, argument.filterOffset), i32.shl(i32.mul(panel, allSteps), 2)));
      advance(image, i32.mul(g, argument.imageG));
      advance(row, i32.mul(g, rows));
      for (const operand of residual ? [result, argument.residual] : [result])
        advance(operand, i32.add(argument.resultOffset, i32.mul(row, strideC)));
      if (bias) advance(argument.bias, i32.shl(row, 2));
      set(table, i32.add(scratch, i32.mul(thread, perThread)));
      set(to, i32.add(table, i32.mul(i32.add(blockLanes, 1), RUN_BYTES)));
      set(tiles, i32.add(to, i32.shl(i32.mul(blockLanes, i32.mul(slabPlanes, taps)), 2)));
    }
    function eitherIfLast(yes: Multiplication, no: Multiplication) {
      if (yes === no) return multiply(yes);
      i32.eq(i32.add(done, some), planes);
      if_(
        {},
        () => multiply(yes),
        () => multiply(no),
      );
    }
    function multiply({ routine, shape }: Multiplication) {
      callInChunks(routine, shape, MC, i, chunk, {
        ...{ a: () => panel, stripA: () => i32.mul(allSteps, 4 * MR), strideA: () => 0, b: () => to, strideB: () => 0, table: () => table },
        ...{ rows: () => height, steps: () => steps, result: () => result, strideC: () => strideC, resultX: () => argument.resultX },
        ...{ bias: () => argument.bias ?? 0, residual: () => argument.residual ?? 0, scratch: () => tiles },
      });
    }
  });
}
