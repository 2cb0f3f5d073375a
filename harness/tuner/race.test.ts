import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { seededRandom } from '../../kernels/random.ts';
import { calm, contender, driftOf, RACE, race } from './race.ts';

/** Races candidates whose samples are always the same, and says how many each took. */
async function raced(times: Record<string, number>, leaders: string[] = [], rules = RACE, ends = () => false) {
  const taken: string[] = [];
  const takeRound = async (ids: readonly string[]) => {
    taken.push(...ids);
    return ids.map((id) => (Number.isNaN(times[id]) ? ({ status: 'failed', reason: 'it broke' } as const) : times[id]));
  };
  const newcomers = Object.keys(times)
    .filter((id) => !leaders.includes(id))
    .map(contender);
  await race(newcomers, leaders.map(contender), rules, { takeRound, random: seededRandom(3), ends });
  return { taken, newcomers, counts: Object.fromEntries(newcomers.map(({ id, times }) => [id, times.length])) };
}

test('two samples beyond three times the best, or a best beyond one and a half after three, ends a race', async () => {
  const { counts, newcomers } = await raced({ best: 10, near: 14, slow: 16, hopeless: 31 });
  assert.equal(counts, { best: 5, near: 5, slow: 3, hopeless: 2 });
  assert.equal(
    newcomers.map(({ out }) => out),
    [undefined, undefined, 'too slow', 'first sample'],
  );
});

test('two stay whatever their times, the faster of the slow', async () => {
  assert.equal((await raced({ best: 10, b: 40, c: 50 })).counts, { best: 5, b: 5, c: 2 });
  assert.equal((await raced({ lone: 500 })).counts, { lone: 5 });
});

test('leaders run in every round, never leave, and count among those that stay', async () => {
  const { counts, taken } = await raced({ leader: 10, second: 12, slow: 18 }, ['leader', 'second']);
  assert.equal(counts, { slow: 3 });
  assert.is(taken.filter((id) => id === 'leader').length, 3, 'and with the last newcomer the race ends');
  const orders = [0, 3, 6].map((at) => taken.slice(at, at + 3));
  for (const order of orders) assert.equal([...order].sort(), ['leader', 'second', 'slow']);
});

test('one that fails is out, and the others go on', async () => {
  const { newcomers, counts } = await raced({ good: 10, broken: Number.NaN });
  assert.equal(newcomers[1].failure, { status: 'failed', reason: 'it broke' });
  assert.equal(counts, { good: 5, broken: 0 });
});

test('a race ends between rounds', async () => {
  let left = 2;
  const { taken } = await raced({ a: 1, b: 1 }, [], RACE, () => left-- === 0);
  assert.is(taken.length, 4);
});

test('samples count by their lower quartile: half of them may be disturbed', () => {
  assert.is(calm([24, 101, 25, 100, 99]), 25);
  assert.is(calm([7]), 7);
});

test('drift is how much slower the leaders are than they were, by the least disturbed', () => {
  const leaders = [contender('a'), contender('b'), contender('new')];
  leaders[0].times.push(11, 12, 13, 99, 99);
  leaders[1].times.push(26);
  const usual: Record<string, number> = { a: 10, b: 20 };
  assert.is(
    driftOf(leaders, (id) => usual[id]),
    1.2,
  );
  assert.is(
    driftOf([], () => 1),
    1,
  );
});

test.run();
