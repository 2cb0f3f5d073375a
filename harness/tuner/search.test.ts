import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CourseStrategy, follows } from './search.ts';
import { type Configuration, Space } from './space.ts';
import { strategies } from './strategies/catalog.ts';
import type { Strategy } from './strategy.ts';

const space = new Space({ tunables: { A: [1, 2, 4, 8, 16], B: [1, 2, 3, 4, 5, 6], C: [0, 1] }, constraints: ['A * B <= 48'] });
/** Fastest at A = 8, B = 3, C = 1; what has A = 16 fails. */
const measure = ({ A, B, C }: Configuration): number | undefined =>
  A === 16 ? undefined : 1 + Math.abs(Math.log2(A) - 3) + (B - 3) ** 2 / 4 + (C === 1 ? 0 : 0.5);

function run(strategy: Strategy, seed: number, most: number): Configuration[] {
  const search = strategy.start(space, { seed });
  const asked: Configuration[] = [];
  for (let wanted = search.ask(most); wanted.length > 0; wanted = search.ask(most)) {
    assert.ok(wanted.length <= most);
    asked.push(...wanted);
    search.tell(wanted.map((configuration) => ({ configuration, seconds: measure(configuration) })));
  }
  return asked;
}
const keys = (list: readonly Configuration[]) => list.map((each) => space.indexOf(each));

for (const strategy of strategies) {
  test(`${strategy.name}: asks for every configuration once, then for nothing`, () => {
    for (const most of [1, 7, 1000]) {
      const asked = keys(run(strategy, 5, most));
      assert.is(new Set(asked).size, asked.length);
      assert.is(asked.length, space.size);
      assert.not(asked.includes(-1));
    }
  });

  test(`${strategy.name}: the same seed gives the same search`, () => {
    assert.equal(keys(run(strategy, 7, 4)), keys(run(strategy, 7, 4)));
    if (strategy.name !== 'exhaustive') assert.not.equal(keys(run(strategy, 7, 4)), keys(run(strategy, 8, 4)));
  });

  test(`${strategy.name}: what was told is not asked for, and what was not told is asked for again`, () => {
    const search = strategy.start(space, { seed: 3 });
    const told = [...space].filter((_, i) => i % 2 === 0);
    search.tell(told.map((configuration) => ({ configuration, seconds: measure(configuration) })));
    const first = search.ask(3);
    assert.equal(search.ask(3), first);
    assert.not(keys(first).some((index) => index % 2 === 0));
  });

  test(`${strategy.name}: an option that it does not have is named`, () => {
    assert.throws(() => strategy.start(space, { seed: 1, options: { bogus: 1 } }), /unknown option 'bogus'/);
    for (const { name } of strategy.options)
      assert.throws(() => strategy.start(space, { seed: 1, options: { [name]: 'x' } }), new RegExp(`${name} is 'x', expected a number`));
  });

  if (strategy.name !== 'exhaustive')
    test(`${strategy.name}: begins with what it is given, as far as that is valid`, () => {
      const initial = [
        { A: 16, B: 6, C: 0 },
        { A: 4, B: 4, C: 0 },
        { A: 2, B: 1, C: 1 },
      ];
      assert.equal(strategy.start(space, { seed: 1, initial }).ask(2), initial.slice(1));
    });
}

test('a course that goes round in circles ends in what is left at random', () => {
  const stubborn: CourseStrategy = {
    name: 'stubborn',
    summary: '',
    options: [],
    *course() {
      for (;;) yield [4, 5];
    },
  };
  assert.is(run(follows(stubborn), 1, 3).length, space.size);
});

test('a course is resumed with the seconds of what it wanted, in that order, infinite for failures', () => {
  const wanted = [3, 3, 0, space.indexOf({ A: 16, B: 1, C: 0 })];
  let heard: readonly number[] = [];
  const listening: CourseStrategy = {
    name: 'listening',
    summary: '',
    options: [],
    *course() {
      heard = yield wanted;
    },
  };
  run(follows(listening), 1, 2);
  assert.equal(
    heard,
    wanted.map((index) => measure(space.at(index)) ?? Number.POSITIVE_INFINITY),
  );
});

test.run();
