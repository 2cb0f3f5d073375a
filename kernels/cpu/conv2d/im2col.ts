// result = weights · image matrix, a block of columns at a time: the matrix that "image to columns" makes is never whole.
//
//                          a block of lanes (elements of a plane of the result)
//                            ┌────┐
//      steps: (q, u, v)      │    │  packed in strips for a slab of steps, in the second-level cache
//          ┌───────────┐     └────┘
//   rows   │  weights  │     ┌────┐
//          └───────────┘     │    │  of the result: bias or zero first, then slab after slab is added by register tiles
//                            └────┘
//
//              row              lane               step                        weights
//   forward       filter           window             channel of group, tap       filter, where it lies
//   input-grad    channel          element            filter of group, tap        filter, channels and filters of a group swapped first
//   filter-grad   filter           channel, tap       image, window               outputGrad, where it lies, image by image
//
// One task is one block of one image and group. Every element's sum has one order, whatever the number of threads. Chellapilla, Puri & Simard,
// "High performance convolutional neural networks for document processing" (2006), blocked as in Goto's matmul.

import { conv2dCost, conv2dFacts, conv2dVariant, correlationOf, epilogueOperands, isDivided, termsOf } from '../../correlation.ts';
import type { Entry, Kernel, Pass, Plan, Source, Traits, Tunables } from '../../kernel.ts';
import type { Conv2dProblem } from '../../problems/conv2d.ts';
import { reachNumbers } from '../../problems/window.ts';
import { advance, assemble, call, f32, i32, if_, type Local, loopWhileBelow, min, set, type Task, task } from '../assembly.ts';
import { callMacro, macroRoutine, scratchBytes } from '../macro.ts';
import { registerTile } from '../matmul/packed.ts';
import { reachNames } from '../reach.ts';
import { threadsFor } from '../threading.ts';
import { LANE_BYTES, PACK_ARGUMENTS, packStepRoutine, TABLE_ARGUMENTS, tableRoutine } from './lanes.ts';
import { turnFilter, turnPass } from './turn.ts';

/** Tasks per thread that the lanes are cut for. */
const TASKS_PER_THREAD = 3;

export const im2col: Kernel<Conv2dProblem> = {
  name: 'im2col',
  op: 'conv2d',
  device: 'cpu',
  summary: 'register tiles over columns of the image that are packed block by block',
  requires: ['simd'],
  tunables: { MR: [6, 4, 5, 3, 8], NR: [16, 8, 12], KU: [4, 2, 1], KC: [256, 128, 384, 512], NB: [192, 96, 384, 48] },
  constraints: ['MR * NR <= 96', 'MR * NR >= 24', 'NB % NR == 0', 'KC * NR * 4 <= l1Bytes'],
  deterministic: true,
  facts: conv2dFacts,
  rejects: () => undefined,
  defaults: (_problem, traits) => ({ ...registerTile(traits), KU: 4, KC: 256, NB: 192 }),
  cost: conv2dCost,
  estimate,
  variant: conv2dVariant,
  generate,
  plan,
};

/** Rows, lanes and steps of the products, and how many there are. */
function productsOf(problem: Conv2dProblem) {
  const correlation = correlationOf(problem);
  const { vertical, horizontal, perGroup, b, q, weightSteps } = correlation;
  const isFilterGrad = problem.pass === 'filter-grad';
  const positions = vertical.positions * horizontal.positions;
  const taps = vertical.taps * horizontal.taps;
  return {
    correlation,
    count: (isFilterGrad ? 1 : problem.batch) * problem.groups,
    rows: perGroup,
    lanes: isFilterGrad ? b * positions : positions,
    // Steps come in runs whose weights lie one after another.
    runs: isFilterGrad ? q : 1,
    runLength: isFilterGrad ? taps : q * taps,
    runStep: isFilterGrad ? weightSteps.q : 0,
    rowStep: isFilterGrad ? weightSteps.a : q * taps,
  };
}

/**
 * Whole tiles of arithmetic; the packing, half a nanosecond for an element where four are one load, else 2; and the tiles that reach past the last row,
 * which go by way of scratch. Measured, in round numbers.
 */
function estimate(problem: Conv2dProblem, traits: Traits): number {
  const { correlation, count, rows, lanes } = productsOf(problem);
  const { MR } = registerTile(traits);
  const packed = count * lanes * termsOf(correlation);
  const rate = traits.features.has('revectorize') ? 90e9 : 45e9;
  const isVectorised = !isDivided(correlation) && problem.pass !== 'filter-grad' && correlation.horizontal.step === 1;
  const tiles = (2 * packed * Math.ceil(rows / MR) * MR) / rate;
  const ragged = count * lanes * (rows % MR) * 10e-9;
  return 5e-6 + (tiles + packed * (isVectorised ? 0.6e-9 : 2e-9) + ragged) / threadsFor(conv2dCost(problem), traits);
}

const SIZES = ['blocks', 'blockLanes', 'lanes', 'groups', 'rows', 'rowStep', 'runs', 'runLength', 'runStep', 'perThread'];
const STEPS = ['imageA', 'imageG', 'imageB', 'imageQ'];

function plan(problem: Conv2dProblem, tunables: Tunables, traits: Traits): Plan {
  const { correlation, count, rows, lanes, runs, runLength, runStep, rowStep } = productsOf(problem);
  const { vertical, horizontal, imageSteps, image, weights, result } = correlation;
  const { MR, NR, NB, KC } = tunables;
  const threads = threadsFor(conv2dCost(problem), traits);
  const wanted = threads === 1 ? 1 : Math.ceil((threads * TASKS_PER_THREAD) / count);
  const blockLanes = Math.min(NB, Math.ceil(Math.ceil(lanes / wanted) / NR) * NR);
  const blocks = Math.ceil(lanes / blockLanes);
  const perThread = LANE_BYTES * blockLanes + 4 * KC * blockLanes + scratchBytes({ mr: MR, nr: NR });
  const isTurned = problem.pass === 'input-grad';
  const product: Pass = {
    entry: 'blocks',
    buffers: [image, isTurned ? 'turned' : weights, ...epilogueOperands(problem), result, 'scratch'],
    arguments: [
      ...[blocks, blockLanes, lanes, problem.groups, rows, 4 * rowStep, runs, runLength, 4 * runStep, perThread],
      ...[imageSteps.a, imageSteps.g, imageSteps.b, imageSteps.q].map((elements) => 4 * elements),
      ...[...reachNumbers(vertical), ...reachNumbers(horizontal)],
    ],
    grid: [count * blocks, 1, 1],
  };
  const scratch = traits.limits.threads * perThread;
  if (!isTurned) return { passes: [product], workspace: { scratch } };
  const turned = 4 * problem.channels * runLength;
  return { passes: [turnPass(problem), product], workspace: { turned, scratch } };
}

function entryOf(problem: Conv2dProblem): Entry {
  const isWritten = (name: string) => name === 'result' || name === 'scratch';
  return {
    buffers: ['image', 'weights', ...epilogueOperands(problem), 'result', 'scratch'].map((name) => ({
      name,
      access: isWritten(name) ? 'write' : 'read',
    })),
    arguments: [...SIZES, ...STEPS, ...reachNames('Y'), ...reachNames('X')].map((name) => ({ name, type: 'i32' })),
  };
}

function generate(problem: Conv2dProblem, tunables: Tunables, traits: Traits): Source {
  const label = `conv2d/im2col/${conv2dVariant(problem)}/${tunables.MR}x${tunables.NR}`;
  const blocks = blocksTask(problem, tunables, traits.features.has('relaxed-simd'));
  return assemble(label, problem.pass === 'input-grad' ? { turn: turnFilter(), blocks } : { blocks });
}

const LOCALS = {
  ...{
    first: i32,
    number: i32,
    g: i32,
    here: i32,
    whole: i32,
    table: i32,
    packed: i32,
    tile: i32,
    strideC: i32,
    i: i32,
    j: i32,
    at: i32,
    from: i32,
  },
  ...{ run: i32, done: i32, length: i32, step: i32, u: i32, v: i32, fromY: i32, fromX: i32, a: i32, start: f32 },
} as const;
type Names = Record<Exclude<keyof typeof LOCALS, 'start'> | 'task' | 'thread', Local> & { start: Local<'f32'> };

function blocksTask(problem: Conv2dProblem, { MR, NR, KU, KC }: Tunables, fma: boolean): Task {
  const { bias, residual, relu } = problem.epilogue;
  const shape = { mr: MR, nr: NR, unroll: KU, a: 'rows', b: 'packed', fma, accumulate: true, scale: false } as const;
  const add = macroRoutine(shape);
  const addLast = relu ? macroRoutine({ ...shape, epilogue: { bias: false, relu } }) : add;
  const tabulate = tableRoutine();
  const packStep = packStepRoutine(NR, isDivided(correlationOf(problem)));

  return task(entryOf(problem), LOCALS, (names, argument) => {
    const { run, done, length, a, u, v, fromX, fromY } = names;
    placeBlock(names, argument);
    const lanes: Record<string, Local> = { ...argument, table: names.table, first: names.first, lanes: names.here, width: names.whole };
    call(
      tabulate,
      TABLE_ARGUMENTS.map((name) => lanes[name]),
    );
    startResult(names, argument, { bias, residual });
    for (const start of [u, v, fromX, fromY]) set(start, 0);
    loopWhileBelow(run, argument.runs, 1, () => {
      set(a, argument.weights);
      set(done, 0);
      loopWhileBelow(done, argument.runLength, KC, () => {
        set(length, i32.sub(argument.runLength, done));
        min(length, length, KC);
        packSlab(names, argument);
        if (relu) {
          i32.and(i32.eq(i32.add(run, 1), argument.runs), i32.ge_u(i32.add(done, KC), argument.runLength));
          if_(
            {},
            () => multiply(addLast),
            () => multiply(add),
          );
        } else multiply(add);
        advance(a, 4 * KC);
      });
      advance(argument.weights, argument.runStep);
    });

    function multiply(macro: typeof add) {
      callMacro(macro, {
        a: () => a,
        b: () => names.packed,
        c: () => argument.result,
        rows: () => argument.rows,
        columns: () => names.here,
        k: () => length,
        stripA: () => i32.mul(argument.rowStep, MR),
        stripB: () => i32.mul(length, 4 * NR),
        strideA: () => argument.rowStep,
        strideB: () => 0,
        strideC: () => names.strideC,
        bias: () => 0,
        alpha: () => 0,
        scratch: () => names.tile,
      });
    }
  });

  /** Moves the buffers' addresses to the task's image, group and block, and lays out the thread's scratch: table, packed slab, tile. */
  function placeBlock(names: Names, argument: Record<string, Local>): void {
    const { task: number, thread, first, g, here, whole, table, packed, tile, strideC } = names;
    const { image, weights, result, scratch, blocks, blockLanes, lanes, groups, rows, rowStep } = argument;
    set(first, i32.mul(i32.rem_u(number, blocks), blockLanes));
    set(names.number, i32.div_u(number, blocks));
    set(here, i32.sub(lanes, first));
    min(here, here, blockLanes);
    set(whole, i32.mul(i32.div_u(i32.add(here, NR - 1), NR), NR));
    set(strideC, i32.shl(lanes, 2));
    set(g, i32.rem_u(names.number, groups));
    advance(image, i32.mul(i32.div_u(names.number, groups), argument.imageA));
    advance(image, i32.mul(g, argument.imageG));
    advance(weights, i32.mul(g, i32.mul(rows, rowStep)));
    for (const operand of residual ? [result, argument.residual] : [result]) {
      advance(operand, i32.mul(names.number, i32.mul(rows, strideC)));
      advance(operand, i32.shl(first, 2));
    }
    if (bias) advance(argument.bias, i32.shl(i32.mul(g, rows), 2));
    set(table, i32.add(scratch, i32.mul(thread, argument.perThread)));
    set(packed, i32.add(table, i32.mul(blockLanes, LANE_BYTES)));
    set(tile, i32.add(packed, i32.mul(blockLanes, 4 * KC)));
  }

  /** Packs `length` steps, going on from the plane and tap where the last slab ended. */
  function packSlab({ step, length, packed, whole, table, at, u, v, fromY, fromX, j }: Names, argument: Record<string, Local>): void {
    set(step, 0);
    set(at, packed);
    set(j, i32.div_u(whole, NR));
    loopWhileBelow(step, length, 1, () => {
      const values: Record<string, Local> = { ...argument, plane: argument.image, fromY, fromX, table, to: at, strips: j };
      call(
        packStep,
        PACK_ARGUMENTS.map((name) => (name === 'strip' ? i32.mul(length, 4 * NR) : values[name])),
      );
      advance(at, 4 * NR);
      advance(v, 1);
      advance(fromX, argument.tapStepX);
      i32.eq(v, argument.tapsX);
      if_({}, () => {
        set(v, 0);
        set(fromX, 0);
        advance(u, 1);
        advance(fromY, argument.tapStepY);
        i32.eq(u, argument.tapsY);
        if_({}, () => {
          set(u, 0);
          set(fromY, 0);
          advance(argument.image, argument.imageQ);
        });
      });
    });
  }
}

/** Fills the block of the result with its rows' bias, or with zeros, and adds the residual. */
function startResult(
  { i, j, at, from, start, here, strideC }: Names,
  { result, rows, bias, residual }: Record<string, Local>,
  has: { readonly bias: boolean; readonly residual: boolean },
): void {
  set(start, f32.const(0));
  loopWhileBelow(i, rows, 1, () => {
    if (has.bias) set(start, f32.load({}, i32.add(bias, i32.shl(i, 2))));
    set(at, i32.add(result, i32.mul(i, strideC)));
    if (has.residual) set(from, i32.add(residual, i32.mul(i, strideC)));
    set(j, 0);
    loopWhileBelow(j, here, 1, () => {
      f32.store({}, at, has.residual ? f32.add(start, f32.load({}, from)) : start);
      advance(at, 4);
      if (has.residual) advance(from, 4);
    });
  });
}
