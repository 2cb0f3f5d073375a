// A convolution with a window of one element and stride 1 is a matmul of the filter with each image where it lies: result[k, p] = Σ over c of filter[k, c] · image[c, p].
//
//                            lanes: elements p of a plane
//      steps: channels       ┌────────────────┐
//          ┌─────────┐       │ planes, in     │        the tile reads rows of NR neighbours, one from each plane: nothing of the image is copied
//   rows   │ weights │       │ place          │
//          └─────────┘       └────────────────┘
//     packed (filter.ts)
//
// One task is one block of lanes and rows of one image and group. The gradient of the input is the same with the filter turned.

import { conv2dCost, conv2dFacts, conv2dVariant, correlationOf, epilogueOperands } from '../../correlation.ts';
import type { Entry, Kernel, Plan, Source, Traits, Tunables } from '../../kernel.ts';
import type { Conv2dProblem } from '../../problems/conv2d.ts';
import { advance, assemble, call, i32, if_, loopWhileBelow, min, set, type Task, task, type Value } from '../assembly.ts';
import { registerTile } from '../matmul/packed.ts';
import { sharedBy, sharing, sharingConstraints, tasksOf, threadsOf, threadsWorth } from '../threading.ts';
import type { TileShape } from '../tile.ts';
import { productSeconds } from '../tile-model.ts';
import { packedElements, packFilter, packFilterPass, packTurned, packTurnedPass } from './filter.ts';
import { blocksOf } from './parts.ts';
import { phasesOf } from './phases.ts';
import { RUN_BYTES, TABLE_ARGUMENTS, tableRoutine } from './runs.ts';
import { callInChunks, type Multiplication, slabRoutines, stripsScratch } from './strips.ts';

export const pointwise: Kernel<Conv2dProblem> = {
  name: 'pointwise',
  op: 'conv2d',
  device: 'cpu',
  summary: '1x1 windows: register tiles straight over the planes of the image',
  requires: ['simd'],
  tunables: {
    ...{ MR: [6, 4, 5, 3, 8], NR: [16, 8, 12], KU: [4, 2, 1], KC: [512, 256, 128], NB: [192, 96, 384], MC: [120, 240] },
    ...sharing(3, 1, 6),
  },
  constraints: [...['MR * NR <= 96', 'MR * NR >= 24', 'NB % NR == 0', 'MC % MR == 0', 'KC * NR * 4 <= l1Bytes'], ...sharingConstraints(3)],
  deterministic: true,
  facts: conv2dFacts,
  rejects: ({ pass, vertical, horizontal }) => {
    if (pass === 'filter-grad') return 'it has no gradient of the filter';
    const isOne = [vertical, horizontal].every(
      ({ window, stride, before, after }) => window === 1 && stride === 1 && before === 0 && after === 0,
    );
    return isOne ? undefined : 'its window is not 1x1 with stride 1 and no padding';
  },
  defaults: (problem, traits) => {
    const { MR, NR } = registerTile(traits);
    const KC = 512 * NR * 4 <= traits.limits.l1Bytes ? 512 : 256;
    return { MR, NR, KU: 4, KC, NB: 192, MC: 120, ...sharedBy(conv2dCost(problem), traits, 3) };
  },
  cost: conv2dCost,
  estimate,
  model: (problem, tunables, traits) => {
    const { a, q, perGroup, vertical, horizontal } = correlationOf(problem);
    const columns = vertical.positions * horizontal.positions;
    return productSeconds({ rows: perGroup, columns, depth: q, count: a * problem.groups }, tunables, traits, tunables.KC);
  },
  variant: conv2dVariant,
  generate,
  plan,
};

/**
 * Whole tiles of arithmetic, a little slower than over packed lanes, and more so where planes are so large that each row of a tile lies in a page of its own;
 * every byte once; weights that change.
 */
function estimate(problem: Conv2dProblem, traits: Traits, constants: readonly string[] = []): number {
  const { a, q, perGroup, vertical, horizontal } = correlationOf(problem);
  const { MR, NR } = registerTile(traits);
  const strips = a * problem.groups * Math.ceil((vertical.positions * horizontal.positions) / NR);
  // Deep and large planes: each row of a strip lies in a page of its own, and there are more than a processor remembers.
  const isScattered = q > 128 && 4 * vertical.positions * horizontal.positions > 4096;
  const rate = (traits.features.has('revectorize') ? 100e9 : 50e9) / (isScattered ? 1.15 : 1.05);
  const tiles = (2 * strips * NR * q * Math.ceil(perGroup / MR) * MR) / rate;
  const weights = constants.includes('filter') ? 0 : problem.groups * perGroup * q * (problem.pass === 'input-grad' ? 1.4e-9 : 0.5e-9);
  return 5e-6 + (tiles + weights + conv2dCost(problem).bytes / 25e9) / threadsWorth(conv2dCost(problem), traits);
}

const ARGUMENTS = [
  ...['laneBlocks', 'blockLanes', 'lanes', 'rowBlocks', 'blockRows', 'rows', 'groups', 'planes', 'slab', 'perThread'],
  ...['imageA', 'imageG', 'imageQ', 'resultA'],
];

function plan(problem: Conv2dProblem, tunables: Tunables, traits: Traits): Plan {
  const { a, b, q, perGroup, vertical, horizontal, imageSteps, image, result } = correlationOf(problem);
  const { MR, NR, NB, KC } = tunables;
  const lanes = vertical.positions * horizontal.positions;
  const sharing = { tasks: tasksOf(tunables, traits), threads: threadsOf(tunables, traits), beside: problem.groups * a };
  const { across, down } = blocksOf(lanes, perGroup, { MR, NR, NB }, sharing);
  const perThread = Math.ceil((RUN_BYTES * (Math.ceil(across.size / NR) + 1) + stripsScratch(MR, NR)) / 64) * 64;
  const pack =
    problem.pass === 'forward'
      ? packFilterPass(problem, MR)
      : packTurnedPass(problem, [phasesOf(vertical)[0], phasesOf(horizontal)[0]], 0, MR);
  return {
    passes: [
      pack,
      {
        entry: 'blocks',
        buffers: [image, 'packedFilter', ...epilogueOperands(problem), result, 'scratch'],
        arguments: [
          ...[across.count, across.size, lanes, down.count, down.size, perGroup, problem.groups, q, Math.min(KC, q), perThread],
          ...[4 * imageSteps.a, 4 * imageSteps.g, 4 * imageSteps.q, 4 * b * lanes],
        ],
        grid: [down.count * across.count * problem.groups * a, 1, 1],
      },
    ],
    workspace: { packedFilter: 4 * packedElements(problem.groups, perGroup, q, MR), scratch: traits.limits.threads * perThread },
  };
}

function generate(problem: Conv2dProblem, tunables: Tunables, traits: Traits): Source {
  const { MR, NR } = tunables;
  const packing: Record<string, Task> = problem.pass === 'forward' ? { packFilter: packFilter(MR) } : { packTurned: packTurned(MR) };
  const blocks = blocksTask(problem, tunables, traits.features.has('relaxed-simd'));
  return assemble(`conv2d/pointwise/${conv2dVariant(problem)}/${MR}x${NR}`, { ...packing, blocks });
}

function entryOf(problem: Conv2dProblem): Entry {
  const isWritten = (name: string) => name === 'result' || name === 'scratch';
  return {
    buffers: ['image', 'weights', ...epilogueOperands(problem), 'result', 'scratch'].map((name) => ({
      name,
      access: isWritten(name) ? 'write' : 'read',
    })),
    arguments: ARGUMENTS.map((name) => ({ name, type: 'i32' })),
  };
}

const LOCALS = {
  ...{ n: i32, g: i32, first: i32, here: i32, row: i32, height: i32, table: i32, tiles: i32, panel: i32, strideC: i32 },
  ...{ done: i32, steps: i32, i: i32, chunk: i32 },
} as const;

/** One task is one block of lanes and rows of an image and group. */
function blocksTask(problem: Conv2dProblem, { MR, NR, KU, MC }: Tunables, fma: boolean): Task {
  const { bias, residual } = problem.epilogue;
  const plain: TileShape = { mr: MR, nr: NR, unroll: KU, a: 'packed', b: 'rows', fma, accumulate: false, scale: false };
  const { first: firstSlab, next, only, last } = slabRoutines(plain, problem.epilogue);
  const tabulate = tableRoutine(NR);

  return task(entryOf(problem), LOCALS, (names, argument) => {
    const { task: number, thread, n, g, first, here, row, height, table, tiles, panel, strideC, done, steps, i, chunk } = names;
    const { image, weights, result, scratch, lanes, rows, planes, slab, imageQ } = argument;
    placeBlock();
    const runs: Record<string, () => Value> = {
      ...{ table: () => table, first: () => 0, lanes: () => here, positionsY: () => 1, positionsX: () => here },
      ...{ stepY: () => 0, stepX: () => 0, imageA: () => 0, resultA: () => 0, resultY: () => 0, resultX: () => 4 },
    };
    call(
      tabulate,
      TABLE_ARGUMENTS.map((name) => runs[name]()),
    );
    loopWhileBelow(done, planes, 0, () => {
      set(steps, i32.sub(planes, done));
      min(steps, steps, slab);
      i32.eqz(done);
      if_(
        {},
        () => eitherIfLast(only, firstSlab),
        () => eitherIfLast(last, next),
      );
      advance(panel, i32.mul(steps, 4 * MR));
      advance(image, i32.mul(steps, imageQ));
      advance(done, steps);
    });

    /** Moves the buffers' addresses to the task's image, group, rows and lanes, and lays out the thread's scratch: runs, tiles. */
    function placeBlock() {
      const { rowBlocks, blockRows, laneBlocks, blockLanes, groups, perThread } = argument;
      set(row, i32.mul(i32.rem_u(number, rowBlocks), blockRows));
      set(n, i32.div_u(number, rowBlocks));
      set(first, i32.mul(i32.rem_u(n, laneBlocks), blockLanes));
      set(n, i32.div_u(n, laneBlocks));
      set(g, i32.rem_u(n, groups));
      set(n, i32.div_u(n, groups));
      set(here, i32.sub(lanes, first));
      min(here, here, blockLanes);
      set(height, i32.sub(rows, row));
      min(height, height, blockRows);
      set(strideC, i32.shl(lanes, 2));
      // Groups of packed weights are whole strips.
      set(panel, i32.add(i32.mul(g, i32.mul(i32.div_u(i32.add(rows, MR - 1), MR), MR)), row));
      set(panel, i32.add(weights, i32.shl(i32.mul(panel, planes), 2)));
      advance(image, i32.add(i32.mul(n, argument.imageA), i32.add(i32.mul(g, argument.imageG), i32.shl(first, 2))));
      advance(row, i32.mul(g, rows));
      for (const operand of residual ? [result, argument.residual] : [result])
        advance(operand, i32.add(i32.mul(n, argument.resultA), i32.add(i32.mul(row, strideC), i32.shl(first, 2))));
      if (bias) advance(argument.bias, i32.shl(row, 2));
      set(table, i32.add(scratch, i32.mul(thread, perThread)));
      set(tiles, i32.add(table, i32.mul(i32.add(i32.div_u(i32.add(blockLanes, NR - 1), NR), 1), RUN_BYTES)));
    }
    function eitherIfLast(yes: Multiplication, no: Multiplication) {
      if (yes === no) return multiply(yes);
      i32.eq(i32.add(done, steps), planes);
      if_(
        {},
        () => multiply(yes),
        () => multiply(no),
      );
    }
    function multiply({ routine, shape }: Multiplication) {
      callInChunks(routine, shape, MC, i, chunk, {
        ...{ a: () => panel, stripA: () => i32.mul(planes, 4 * MR), strideA: () => 0, b: () => image, strideB: () => imageQ },
        ...{ table: () => table, rows: () => height, steps: () => steps, result: () => result, strideC: () => strideC, resultX: () => 4 },
        ...{ bias: () => argument.bias ?? 0, residual: () => argument.residual ?? 0, scratch: () => tiles },
      });
    }
  });
}
