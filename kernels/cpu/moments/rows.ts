// Statistics of each channel of [outer, channels, inner] in one pass over memory.
//
//   forward:  a = x − K      S1 = Σ a    S2 = Σ a²        mean = K + S1/n,  variance = S2/n − (S1/n)²
//   cross:    a = x − mean   S1 = Σ g    S2 = Σ g · a
//
//   a row, channel c of image n:   |-16-|-16-|..|-4-|1|1|      four vectors of each sum side by side, in f32; now and then they are added up in f64
//
// K is the mean of the channel's first elements: about it, squares do not cancel (Chan, Golub & LeVeque, "Algorithms for computing the sample variance", 1983).
// A task owns channels, so that a channel's sums have one order, whatever the number of threads.

import type { Entry, Kernel, Plan, Traits, Tunables } from '../../kernel.ts';
import { momentsCost, momentsFacts, momentsVariant } from '../../moments.ts';
import { type MomentsProblem, momentsOperands } from '../../problems/moments.ts';
import {
  advance,
  assemble,
  f32,
  f32x4,
  f64x2,
  i8x16,
  i32,
  i32x4,
  if_,
  loopWhileBelow,
  min,
  multiplyAdd,
  repeat,
  set,
  type Task,
  task,
  untilZero,
  v128,
} from '../assembly.ts';
import { integers } from '../math.ts';
import { firstLane, HALVES_SWAPPED } from '../shuffle.ts';
import { sharedBy, sharing, sharingConstraints, threadsWorth, unitsPerTask } from '../threading.ts';

/** Vectors of each sum side by side: covers the latency of an addition. */
const STATES = 4;
/** Elements that are added up in f32: a hundred and twenty-eight in a lane. */
const BLOCK = 2048;
/** Elements that K is the mean of, at most. */
const FIRST = 64;

export const rows: Kernel<MomentsProblem> = {
  name: 'rows',
  op: 'moments',
  device: 'cpu',
  summary: 'four vectors of both sums along the rows of a channel; blocks are added up in f64',
  requires: ['simd'],
  tunables: sharing(4, 1, 2, 8),
  constraints: sharingConstraints(4),
  deterministic: true,
  facts: momentsFacts,
  rejects: () => undefined,
  defaults: (problem, traits) => sharedBy(momentsCost(problem), traits, 4),
  cost: momentsCost,
  estimate: (problem, traits) => 2e-6 + momentsCost(problem).bytes / (12e9 * threadsWorth(momentsCost(problem), traits)),
  variant: momentsVariant,
  generate: (problem, _tunables, traits) =>
    assemble(`moments/rows/${momentsVariant(problem)}`, { channels: channelsTask(problem, traits.features.has('relaxed-simd')) }),
  plan,
};

function plan(problem: MomentsProblem, tunables: Tunables, traits: Traits): Plan {
  const { outer, channels, inner } = problem;
  const perTask = unitsPerTask(channels, tunables, traits);
  return {
    passes: [
      {
        entry: 'channels',
        buffers: Object.keys(momentsOperands(problem)),
        arguments: [outer, channels, inner, perTask],
        grid: [Math.ceil(channels / perTask), 1, 1],
      },
    ],
    workspace: {},
  };
}

const entryOf = (problem: MomentsProblem): Entry => ({
  buffers: Object.keys(momentsOperands(problem)).map((name, i, { length }) => ({ name, access: i === length - 1 ? 'write' : 'read' })),
  arguments: ['outer', 'channels', 'inner', 'perTask'].map((name) => ({ name, type: 'u32' })),
});

const VECTORS = [v128, STATES] as const;
const LOCALS = {
  ...{ c: i32, endChannel: i32, n: i32, left: i32, length: i32, pending: i32, steps: i32, x: i32, g: i32, rowBytes: i32, imageBytes: i32 },
  ...{ center: v128, count: v128, first: f32, sum: VECTORS, product: VECTORS, a: VECTORS, b: VECTORS },
  total: [v128, 2],
} as const;

function channelsTask(problem: MomentsProblem, fma: boolean): Task {
  const isCross = problem.pass === 'cross';
  const add = multiplyAdd(fma);
  return task(entryOf(problem), LOCALS, (names, argument) => {
    const { task: number, c, endChannel, n, left, length, pending, steps, x, g, rowBytes, imageBytes } = names;
    const { center, sum, product, a, b, total, count, first } = names;
    const { outer, channels, inner, perTask } = argument;
    const out = isCross ? argument.sums : argument.moments;
    const cursors = isCross ? [x, g] : [x];

    set(rowBytes, i32.shl(inner, 2));
    set(imageBytes, i32.mul(channels, rowBytes));
    set(count, f64x2.convert_low_i32x4_u(i32x4.splat(i32.mul(outer, inner))));
    set(c, i32.mul(number, perTask));
    set(endChannel, i32.add(c, perTask));
    min(endChannel, endChannel, channels);
    loopWhileBelow(c, endChannel, 1, () => {
      set(x, i32.add(argument.x, i32.mul(c, rowBytes)));
      if (isCross) {
        set(g, i32.add(argument.g, i32.mul(c, rowBytes)));
        set(center, v128.load32_splat({}, i32.add(argument.mean, i32.shl(c, 2))));
      } else startCenter();
      for (const register of [...sum, ...product, ...total]) set(register, integers(0));
      set(pending, 0);
      set(n, outer);
      repeat(n, () => {
        row();
        for (const cursor of cursors) advance(cursor, i32.sub(imageBytes, rowBytes));
      });
      addUp();
      store();
    });

    /** K, from the first elements of the channel in the first image. */
    function startCenter() {
      min(length, inner, FIRST);
      set(first, f32.const(0));
      set(steps, length);
      repeat(steps, () => {
        set(first, f32.add(first, f32.load({}, x)));
        advance(x, 4);
      });
      set(x, i32.sub(x, i32.shl(length, 2)));
      set(center, f32x4.splat(f32.div(first, f32.convert_i32_u(length))));
    }

    function row() {
      set(left, inner);
      untilZero(left, () => {
        min(length, left, BLOCK);
        set(left, i32.sub(left, length));
        advance(pending, length);
        set(steps, i32.div_u(length, 4 * STATES));
        repeat(steps, () => vectors(STATES));
        set(steps, i32.shr_u(i32.rem_u(length, 4 * STATES), 2));
        repeat(steps, () => vectors(1));
        set(steps, i32.and(length, 3));
        repeat(steps, single);
        i32.ge_u(pending, BLOCK);
        if_({}, addUp);
      });
    }

    function vectors(states: number) {
      for (let i = 0; i < states; i++) set(a[i], v128.load({ offset: 16 * i }, x));
      if (isCross) for (let i = 0; i < states; i++) set(b[i], v128.load({ offset: 16 * i }, g));
      for (let i = 0; i < states; i++) set(a[i], f32x4.sub(a[i], center));
      accumulate(states);
      for (const cursor of cursors) advance(cursor, 16 * states);
    }

    /** One element, in the first lane; the others are 0. */
    function single() {
      set(a[0], v128.and(f32x4.sub(v128.load32_zero({}, x), center), firstLane()));
      if (isCross) set(b[0], v128.load32_zero({}, g));
      accumulate(1);
      for (const cursor of cursors) advance(cursor, 4);
    }

    function accumulate(states: number) {
      const added = isCross ? b : a;
      for (let i = 0; i < states; i++) set(sum[i], f32x4.add(sum[i], added[i]));
      for (let i = 0; i < states; i++) add(product[i], a[i], added[i]);
    }

    /** Moves what the sums hold to the totals. */
    function addUp() {
      [sum, product].forEach((state, which) => {
        for (let i = 1; i < STATES; i++) set(state[0], f32x4.add(state[0], state[i]));
        set(total[which], f64x2.add(total[which], f64x2.promote_low_f32x4(state[0])));
        set(state[0], i8x16.shuffle(HALVES_SWAPPED, state[0], state[0]));
        set(total[which], f64x2.add(total[which], f64x2.promote_low_f32x4(state[0])));
        for (const register of state) set(register, integers(0));
      });
      set(pending, 0);
    }

    function store() {
      for (const register of total) set(register, f64x2.add(register, i8x16.shuffle(HALVES_SWAPPED, register, register)));
      if (!isCross) {
        for (const register of total) set(register, f64x2.div(register, count));
        set(total[1], f64x2.max(f64x2.sub(total[1], f64x2.mul(total[0], total[0])), integers(0)));
        set(total[0], f64x2.add(total[0], f64x2.promote_low_f32x4(center)));
      }
      total.forEach((register, which) => {
        set(a[0], f32x4.demote_f64x2_zero(register));
        v128.store32_lane({}, 0, i32.add(out, i32.shl(which === 0 ? c : i32.add(c, channels), 2)), a[0]);
      });
    }
  });
}
