// Forward pooling: output[p, y, x] = max or average of input[p] over a window, four windows beside each other at a time.
//
//   windows:   0 |1 2 3 4|5 6 7 8|9      the first and last may reach into the padding: scalar by scalar
//                 one vector a tap       stride 1 is a load, stride 2 two loads and a shuffle, others are gathered
//
// The last vector of a row steps back over windows that are done already, so that few are left to the scalars.

import type { Kernel, Plan, Source, Traits, Tunables } from '../../kernel.ts';
import { countsTaps, pool2dCost, pool2dFacts, pool2dVariant, reachesOf } from '../../pooling.ts';
import { type Pool2dProblem, pool2dOperands } from '../../problems/pool2d.ts';
import { type Axis, reachNumbers, windowsOf } from '../../problems/window.ts';
import { advance, assemble, f32x4, i8x16, i32, i32x4, if_, type Local, loopWhileBelow, set, task, v128 } from '../assembly.ts';
import { integers, type Vector } from '../math.ts';
import { sharedBy, sharing, sharingConstraints, threadsWorth, unitsPerTask } from '../threading.ts';
import {
  type Arguments,
  elementOf,
  entryOf,
  gatherElement,
  LOCALS,
  type Names,
  reachedLines,
  startRow,
  startRows,
  writtenBy,
} from './element.ts';

export const vectors: Kernel<Pool2dProblem> = {
  name: 'vectors',
  op: 'pool2d',
  device: 'cpu',
  summary: 'four windows beside each other at a time',
  requires: ['simd'],
  tunables: sharing(4, 1, 2, 8),
  constraints: sharingConstraints(4),
  deterministic: true,
  facts: pool2dFacts,
  rejects: ({ pass }) => (pass === 'forward' ? undefined : `it does no ${pass}`),
  defaults: (problem, traits) => sharedBy(pool2dCost(problem), traits, 4),
  cost: pool2dCost,
  estimate(problem, traits) {
    const { flops, bytes } = pool2dCost(problem);
    const { first, end } = wholeWindows(problem.horizontal);
    const whole = (end - first) / windowsOf(problem.horizontal);
    return 1e-6 + (flops * (whole / 2e9 + (1 - whole) / 0.5e9) + bytes / 15e9) / threadsWorth(pool2dCost(problem), traits);
  },
  variant: (problem) => `${pool2dVariant(problem)}/${strideOf(problem)}`,
  generate,
  plan,
};

/** What the code knows of the horizontal stride. */
const strideOf = ({ horizontal: { stride } }: Pool2dProblem): 1 | 2 | 'any' => (stride === 1 || stride === 2 ? stride : 'any');

/** The windows of a row that see no padding; none where they fill no vector. */
function wholeWindows({ size, window, stride, dilation, before }: Axis): { first: number; end: number } {
  const first = Math.ceil(before / stride);
  const end = Math.floor((size - 1 - (window - 1) * dilation + before) / stride) + 1;
  return end - first < 4 ? { first, end: first } : { first, end };
}

function plan(problem: Pool2dProblem, tunables: Tunables, traits: Traits): Plan {
  const { vertical, horizontal } = reachesOf(problem);
  const { first, end } = wholeWindows(problem.horizontal);
  const rows = problem.planes * vertical.positions;
  const perTask = unitsPerTask(rows, tunables, traits);
  return {
    passes: [
      {
        entry: 'rows',
        buffers: Object.keys(pool2dOperands(problem)),
        arguments: [rows, perTask, ...reachNumbers(vertical), ...reachNumbers(horizontal), first, end],
        grid: [Math.ceil(rows / perTask), 1, 1],
      },
    ],
    workspace: {},
  };
}

const VECTORS = { at: i32, back: i32, four: v128, best: v128, index: v128, found4: v128, mask: v128, steps: v128 } as const;
type VectorNames = Names & Record<'at' | 'back', Local> & Record<'four' | 'best' | 'index' | 'found4' | 'mask' | 'steps', Vector>;

function generate(problem: Pool2dProblem): Source {
  const entry = entryOf(problem, ['firstWhole', 'endWhole']);
  const element = elementOf(problem);
  const windows = problem.kind === 'max' ? maxima : averages(countsTaps(problem));
  const rows = task(entry, { ...LOCALS, ...VECTORS }, (names: VectorNames, argument) => {
    const { row, end, x, firstX, back, steps } = names;
    const { firstWhole, endWhole, stepX } = argument;
    const written = writtenBy(entry, argument);
    set(steps, i32x4.mul(v128.const('i32x4', [0, 1, 2, 3]), i32x4.splat(stepX)));
    startRows(names, argument, written);
    loopWhileBelow(row, end, 1, () => {
      startRow(names, argument);
      set(x, 0);
      loopWhileBelow(x, argument.positionsX, 1, () => {
        i32.and(i32.ge_u(x, firstWhole), i32.lt_u(x, endWhole));
        if_(
          {},
          () => {
            stepBack();
            fourWindows(problem, windows, names, argument);
            for (const address of written) advance(address, 16);
            advance(firstX, i32.shl(stepX, 2));
            advance(x, 3);
          },
          () => {
            gatherElement(names, argument, false, element);
            for (const address of written) advance(address, 4);
            advance(firstX, stepX);
          },
        );
      });
    });

    /** Where fewer than four whole windows are left, some that are done already are done again. */
    function stepBack() {
      set(back, i32.sub(i32.add(x, 4), endWhole));
      i32.lt_s(0, back);
      if_({}, () => {
        set(x, i32.sub(x, back));
        set(firstX, i32.sub(firstX, i32.mul(back, stepX)));
        for (const address of written) set(address, i32.sub(address, i32.shl(back, 2)));
      });
    }
  });
  return assemble(`pool2d/vectors/${vectors.variant(problem)}`, { rows });
}

/** What is done with a vector of elements, one of each window, and with the results in the end. */
interface WindowsCode {
  start(names: VectorNames): void;
  line(names: VectorNames, argument: Arguments): void;
  take(names: VectorNames, argument: Arguments): void;
  store(names: VectorNames, argument: Arguments): void;
}

function fourWindows(problem: Pool2dProblem, windows: WindowsCode, names: VectorNames, argument: Arguments): void {
  const { v, line, plane, firstX, at, four } = names;
  windows.start(names);
  reachedLines(names, argument, false, () => {
    set(at, i32.add(i32.mul(line, argument.sizeX), firstX));
    windows.line(names, argument);
    set(at, i32.add(argument.input, i32.shl(i32.add(plane, at), 2)));
    set(v, 0);
    loopWhileBelow(v, argument.tapsX, 1, () => {
      load(strideOf(problem), four, at, argument.stepX);
      windows.take(names, argument);
      advance(at, i32.shl(argument.tapStepX, 2));
    });
  });
  windows.store(names, argument);
}

/** Loads four elements that are `step` elements apart. */
function load(stride: 1 | 2 | 'any', into: Vector, at: Local, step: Local): void {
  if (stride === 1) set(into, v128.load({}, at));
  // The second load begins at the fourth element, not the fifth: nothing past the last one that is wanted is read.
  else if (stride === 2) set(into, i8x16.shuffle(EVEN, v128.load({}, at), v128.load({ offset: 12 }, at)));
  else
    for (let lane = 0; lane < 4; lane++)
      set(into, v128.load32_lane({}, lane as 0, i32.add(at, i32.mul(step, 4 * lane)), lane === 0 ? integers(0) : into));
}
const EVEN = [0, 1, 2, 3, 8, 9, 10, 11, 20, 21, 22, 23, 28, 29, 30, 31];

const maxima: WindowsCode = {
  start: ({ found }) => set(found, -1),
  line: ({ at, index, steps }) => set(index, i32x4.add(steps, i32x4.splat(at))),
  take({ found, four, best, index, found4, mask }, argument) {
    i32.lt_s(found, 0);
    if_(
      {},
      () => {
        set(best, four);
        set(found4, index);
        set(found, 0);
      },
      () => {
        // A larger one, or the first NaN.
        set(mask, v128.andnot(f32x4.eq(best, best), f32x4.ge(best, four)));
        set(best, v128.bitselect(four, best, mask));
        set(found4, v128.bitselect(index, found4, mask));
      },
    );
    set(index, i32x4.add(index, i32x4.splat(argument.tapStepX)));
  },
  store({ best, found4 }, argument) {
    v128.store({}, argument.output, best);
    v128.store({}, argument.indices, found4);
  },
};

const averages = (isUnpadded: boolean): WindowsCode => ({
  start({ best, count }) {
    set(best, integers(0));
    set(count, 0);
  },
  line({ count }, { tapsX }) {
    if (isUnpadded) advance(count, tapsX);
  },
  take: ({ best, four }) => set(best, f32x4.add(best, four)),
  store({ best, count }, { tapsY, tapsX, output }) {
    if (!isUnpadded) set(count, i32.mul(tapsY, tapsX));
    v128.store({}, output, f32x4.div(best, f32x4.convert_i32x4_u(i32x4.splat(count))));
  },
});
