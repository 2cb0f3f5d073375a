// out[4b..4b+3] = Philox4x32-10(counter + b), four counters at a time, one in each lane.
//
//   lanes: counters b, b+1, b+2, b+3      word 0 |. . . .|                 |0 1 2 3| of b
//                                         word 1 |. . . .|   transpose    |0 1 2 3| of b+1
//                                         word 2 |. . . .|       ->       |0 1 2 3| of b+2      16 elements in order
//                                         word 3 |. . . .|                 |0 1 2 3| of b+3

import type { Entry, Kernel, Plan, Source, Traits, Tunables } from '../../kernel.ts';
import { COSINE, KEY_STEPS, MULTIPLIERS, ROUNDS, randomCost, randomFacts, randomVariant, SINE } from '../../philox.ts';
import type { RandomProblem } from '../../problems/random.ts';
import { advance, assemble, f32x4, i8x16, i32, i32x4, i64x2, if_, min, repeat, set, task, type Value, v128 } from '../assembly.ts';
import { constantsOf, floats, hoisted, integers, log, polynomial, type Vector } from '../math.ts';
import { transpose, words } from '../shuffle.ts';
import { sharedBy, sharing, sharingConstraints, tasksOf } from '../threading.ts';

/** Elements that are made at once. */
const GROUP = 16;

export const philox: Kernel<RandomProblem> = {
  name: 'philox',
  op: 'random',
  device: 'cpu',
  summary: 'Philox4x32-10, four counters at a time',
  requires: ['simd'],
  tunables: sharing(2, 1, 4, 8),
  constraints: sharingConstraints(2),
  deterministic: true,
  facts: randomFacts,
  rejects: () => undefined,
  defaults: (problem, traits) => {
    const { executedFlops, bytes } = randomCost(problem);
    return sharedBy({ flops: executedFlops, bytes }, traits, 2);
  },
  cost: randomCost,
  estimate: (problem, { limits }) => 2e-6 + randomCost(problem).executedFlops / (10e9 * limits.threads),
  variant: randomVariant,
  generate,
  plan,
};

const entryOf = (counted: boolean): Entry => ({
  buffers: [{ name: 'out', access: 'write' }, ...(counted ? [{ name: 'step', access: 'read' } as const] : [])],
  arguments: ['elements', 'perTask', 'counter0', 'counter1', 'counter2', 'counter3', 'key0', 'key1'].map((name) => ({ name, type: 'u32' })),
});

function generate(problem: RandomProblem): Source {
  const { distribution, counted } = problem;
  const constants = constantsOf(15, (registers) => {
    const [word, key, scratch] = [registers.slice(0, 4), registers.slice(4, 6), registers.slice(6)];
    philoxRound(word, key, scratch);
    transform(word, scratch);
    set(word[0], i32x4.add(word[0], integers(GROUP / 4)));
  });
  const locals = {
    first: i32,
    end: i32,
    left: i32,
    groups: i32,
    block: v128,
    start: [v128, 4],
    word: [v128, 4],
    scratch: [v128, 9],
    key: [v128, 2],
    constant: [v128, constants.size],
  } as const;
  const fill = task(
    entryOf(counted),
    locals,
    ({ task, first, end, left, groups, block, start, word, scratch, key, constant }, argument) => {
      const { out, elements, perTask } = argument;
      if (counted) advance(argument.counter1, i32.load({}, argument.step));
      set(first, i32.mul(task, perTask));
      set(end, i32.add(first, perTask));
      min(end, end, elements);
      advance(out, i32.shl(first, 2));
      set(left, i32.sub(end, first));
      for (const [i, register] of start.entries()) set(register, i32x4.splat(argument[`counter${i}`]));
      set(block, i32x4.add(i32x4.splat(i32.shr_u(first, 2)), v128.const('i32x4', [0, 1, 2, 3])));
      set(start[0], i32x4.add(start[0], block));

      hoisted(constants, constant, () => {
        set(groups, i32.div_u(left, GROUP));
        repeat(groups, () => {
          make();
          word.forEach((row, i) => v128.store({ offset: 16 * i }, out, row));
          advance(out, 4 * GROUP);
          set(start[0], i32x4.add(start[0], integers(GROUP / 4)));
        });
        set(left, i32.rem_u(left, GROUP));
        i32.gt_u(left, 0);
        if_({}, () => {
          make();
          for (let e = 0; e < GROUP - 1; e++) {
            i32.gt_u(left, e);
            if_({}, () => v128.store32_lane({ offset: 4 * e }, e % 4, out, word[e >> 2]));
          }
        });
      });

      /** 16 elements in order, in the four registers of `word`. */
      function make() {
        start.forEach((register, i) => set(word[i], register));
        key.forEach((register, i) => set(register, i32x4.splat(argument[`key${i}`])));
        for (let round = 0; round < ROUNDS; round++) philoxRound(word, key, scratch);
        transform(word, scratch);
        transpose(word, scratch);
      }
    },
  );
  return assemble(`random/philox/${randomVariant(problem)}`, { fill });

  /** Makes numbers of the distribution of random words. */
  function transform(word: readonly Vector[], scratch: readonly Vector[]): void {
    if (distribution === 'uniform') for (const register of word) set(register, uniform(register));
    if (distribution === 'normal') for (const pair of [word.slice(0, 2), word.slice(2)]) boxMuller(pair, scratch);
  }
}

/** One round in each lane: two products of 32 by 32 bits, whose halves are crossed and mixed with the key. */
function philoxRound(word: readonly Vector[], key: readonly Vector[], [low, high, first, second, third]: readonly Vector[]): void {
  const product = (of: Vector, multiplier: number, upper: Vector, lower: Vector) => {
    set(low, i64x2.extmul_low_i32x4_u(of, integers(multiplier)));
    set(high, i64x2.extmul_high_i32x4_u(of, integers(multiplier)));
    set(upper, i8x16.shuffle(words(1, 3, 5, 7), low, high));
    set(lower, i8x16.shuffle(words(0, 2, 4, 6), low, high));
  };
  product(word[0], MULTIPLIERS[0], first, second);
  product(word[2], MULTIPLIERS[1], third, word[0]);
  set(word[2], v128.xor(v128.xor(first, word[3]), key[1]));
  set(word[3], second);
  set(second, word[0]);
  set(word[0], v128.xor(v128.xor(third, word[1]), key[0]));
  set(word[1], second);
  key.forEach((register, i) => set(register, i32x4.add(register, integers(KEY_STEPS[i]))));
}

/** The upper 24 bits as a number in [0, 1). */
const uniform = (bits: Vector): Value<'v128'> => f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(bits, 8)), floats(2 ** -24));

/** Two words become two normal numbers: √(-2 ln u) · (cos 2πv, sin 2πv). */
function boxMuller([u, v]: readonly Vector[], [radius, quarter, z, sine, cosine, ...scratch]: readonly Vector[]): void {
  // u in (0, 1], so that its logarithm is finite.
  set(u, f32x4.add(uniform(u), floats(2 ** -24)));
  log(radius, u, scratch);
  set(radius, f32x4.sqrt(f32x4.mul(radius, floats(-2))));
  // 4v = quarter + f, exactly; the angle is f quarters of π/2 from a multiple of it.
  set(v, f32x4.mul(uniform(v), floats(4)));
  set(quarter, f32x4.nearest(v));
  set(v, f32x4.mul(f32x4.sub(v, quarter), floats(Math.PI / 2)));
  set(quarter, i32x4.trunc_sat_f32x4_s(quarter));
  set(z, f32x4.mul(v, v));
  polynomial(sine, z, SINE);
  set(sine, f32x4.add(f32x4.mul(f32x4.mul(sine, z), v), v));
  polynomial(cosine, z, COSINE);
  set(cosine, f32x4.mul(f32x4.mul(cosine, z), z));
  set(cosine, f32x4.add(f32x4.sub(cosine, f32x4.mul(z, floats(0.5))), floats(1)));
  // Odd quarters swap sine and cosine; quarters 1 and 2 turn the cosine's sign, 2 and 3 the sine's.
  set(z, i32x4.ne(v128.and(quarter, integers(1)), integers(0)));
  set(u, v128.bitselect(sine, cosine, z));
  set(v, v128.bitselect(cosine, sine, z));
  set(u, v128.xor(u, i32x4.shl(v128.and(i32x4.add(quarter, integers(1)), integers(2)), 30)));
  set(v, v128.xor(v, i32x4.shl(v128.and(quarter, integers(2)), 30)));
  set(u, f32x4.mul(u, radius));
  set(v, f32x4.mul(v, radius));
}

function plan(problem: RandomProblem, tunables: Tunables, traits: Traits): Plan {
  const { elements, counter, key, counted } = problem;
  const perTask = Math.ceil(elements / tasksOf(tunables, traits) / GROUP) * GROUP;
  return {
    passes: [
      {
        entry: 'fill',
        buffers: counted ? ['out', 'step'] : ['out'],
        arguments: [elements, perTask, ...counter, ...key],
        grid: [Math.ceil(elements / perTask), 1, 1],
      },
    ],
    workspace: {},
  };
}
