import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { configurations } from '../../kernels/constraint.ts';
import { seededRandom } from '../../kernels/random.ts';
import { clblastXgemm, REGISTER_LIMITS, registerBlocked } from './fixtures/spaces.ts';
import { Space } from './space.ts';

test("CLBlast's published Xgemm V1 space has 578 configurations of 26,244", () => {
  const space = new Space(clblastXgemm);
  assert.is(space.rawSize, 26_244);
  assert.is(space.size, 578);
});

test('the register-blocked space has 73,035 configurations under 256 invocations and 16 KiB, 96,480 under 1024 and 32 KiB', () => {
  const sizes = REGISTER_LIMITS.map((constants) => new Space({ ...registerBlocked, constants }).size);
  assert.equal(sizes, [73_035, 96_480]);
  assert.is(new Space({ ...registerBlocked, constants: REGISTER_LIMITS[0] }).rawSize, 276_480);
});

const small = {
  tunables: { A: [8, 2, 4], B: [1, 3], C: [5], D: [0, 10, 20, 30] },
  constraints: ['A % 4 == 0 or B == 1', 'D <= limit', 'not (A == 8 and D == 10)'],
  constants: { limit: 20 },
};

test('it holds the configurations that nested enumeration finds, each under its own index', () => {
  const space = new Space(small);
  const listed = [...configurations(small.tunables, small.constraints, small.constants)];
  assert.is(space.size, listed.length);
  assert.equal(new Set(listed.map((each) => space.indexOf(each))), new Set(listed.map((_, i) => i)));
  for (const [i, configuration] of [...space].entries()) assert.is(space.indexOf(configuration), i);
});

test('what is not in it has no index: another value, a broken constraint, a name too few or too many', () => {
  const space = new Space(small);
  assert.ok(space.contains({ A: 4, B: 1, C: 5, D: 0 }));
  for (const other of [
    { A: 3, B: 1, C: 5, D: 0 },
    { A: 2, B: 3, C: 5, D: 0 },
    { A: 4, B: 1, C: 5 },
    { A: 4, B: 1, C: 5, D: 0, E: 1 },
  ])
    assert.is(space.indexOf(other as Record<string, number>), -1);
});

test('neighbours differ in one tunable, adjacent ones by a step to the next valid value', () => {
  const space = new Space(small);
  const near = (reach: 'adjacent' | 'any') =>
    new Set(space.neighbours(space.indexOf({ A: 8, B: 1, C: 5, D: 0 }), reach).map((index) => JSON.stringify(space.at(index))));
  // D = 10 is not valid beside A = 8, so the step goes on to 20.
  const steps = [
    { A: 4, B: 1, C: 5, D: 0 },
    { A: 8, B: 3, C: 5, D: 0 },
    { A: 8, B: 1, C: 5, D: 20 },
  ];
  assert.equal(near('adjacent'), new Set(steps.map((each) => JSON.stringify(each))));
  assert.equal(near('any'), new Set([...steps, { A: 2, B: 1, C: 5, D: 0 }].map((each) => JSON.stringify(each))));
});

test('a sample has no index twice, repeats by its seed, and reaches everything', () => {
  const space = new Space(small);
  const sample = (seed: number, count: number) => space.sample(count, seededRandom(seed));
  assert.equal(sample(1, 5), sample(1, 5));
  assert.is(new Set(sample(2, 5)).size, 5);
  assert.equal(
    sample(3, 1000).sort((a, b) => a - b),
    Array.from({ length: space.size }, (_, i) => i),
  );
  const drawn = Array.from({ length: 200 }, (_, seed) => sample(seed, 2)).flat();
  assert.is(new Set(drawn).size, space.size);
});

test('a space of given configurations has those and no others', () => {
  const given = [
    { A: 8, B: 3, C: 5, D: 30 },
    { A: 2, B: 1, C: 5, D: 0 },
    { A: 8, B: 3, C: 5, D: 30 },
  ];
  const space = Space.of(small.tunables, given);
  assert.is(space.size, 2);
  assert.ok(space.contains(given[0]) && space.contains(given[1]));
  assert.throws(() => Space.of(small.tunables, [{ A: 7, B: 1, C: 5, D: 0 }]), /A is 7, expected one of 2, 4, 8/);
});

test('what makes no sense is said', () => {
  assert.throws(() => new Space({ tunables: { A: [] } }), /tunable A has no values/);
  assert.throws(() => new Space({ tunables: { A: [1, 2, 1] } }), /tunable A has the value 1 twice/);
  assert.throws(() => new Space({ tunables: { A: [1] }, constraints: ['A < B'] }), /nothing is known of 'B'/);
  assert.is(new Space({ tunables: { A: [1, 2] }, constraints: ['1 == 2'] }).size, 0);
});

test.run();
