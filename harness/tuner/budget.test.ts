import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { UsageError } from '../suite.ts';
import { parseBudget, StopRules } from './budget.ts';

test('a budget is seconds, evaluations, or both', () => {
  assert.equal(parseBudget('60s'), { seconds: 60 });
  assert.equal(parseBudget('200'), { evaluations: 200 });
  assert.equal(parseBudget('1.5m, 200'), { seconds: 90, evaluations: 200 });
  const wrong: [string, RegExp][] = [
    ['0', /leaves nothing to measure/],
    ['0s', /leaves nothing to measure/],
    ['60s,0', /'0' leaves nothing/],
    ['', /'' is no budget/],
    ['-5', /'-5' is no budget/],
    ['1.5', /'1.5' is no budget/],
    ['60s,30s', /says seconds twice/],
    ['soon', /'soon' is no budget; expected seconds such as 60s/],
  ];
  for (const [text, words] of wrong) {
    assert.throws(() => parseBudget(text), words);
    assert.throws(
      () => parseBudget(text),
      (error: unknown) => error instanceof UsageError,
    );
  }
});

const standing = (evaluations: number, elapsedSeconds = 0, roofPct?: number) => ({ evaluations, elapsedSeconds, roofPct });

test('the budget ends a search, and says by what', () => {
  const rules = new StopRules({ evaluations: 50, seconds: 10 }, { tunables: 3, early: true });
  assert.is(rules.ending(standing(49, 9)), undefined);
  assert.is(rules.ending(standing(50, 9)), 'evaluations');
  assert.is(rules.ending(standing(1, 10)), 'time');
  assert.is(rules.left(20), 30);
});

test('nine tenths of the roof end it, and thirty evaluations, or five a tunable, without one per cent', () => {
  const rules = new StopRules({}, { tunables: 3, early: true });
  assert.is(rules.ending(standing(5, 1, 89.9)), undefined);
  assert.is(rules.ending(standing(5, 1, 90)), 'roof');
  rules.note(1);
  for (let i = 0; i < 29; i++) rules.note(i % 2 === 0 ? undefined : 0.995);
  assert.is(rules.ending(standing(30)), undefined);
  rules.note(0.98);
  for (let i = 0; i < 29; i++) rules.note(2);
  assert.is(rules.ending(standing(60)), undefined, 'an improvement begins the count again');
  rules.note(2);
  assert.is(rules.ending(standing(61)), 'no improvement');
  const patient = new StopRules({}, { tunables: 9, early: true });
  for (let i = 0; i < 44; i++) patient.note(1 + i);
  assert.is(patient.ending(standing(44)), undefined);
});

test('a search of everything ends early by no rule', () => {
  const rules = new StopRules({}, { tunables: 1, early: false });
  for (let i = 0; i < 100; i++) rules.note(1);
  assert.is(rules.ending(standing(100, 1e6, 100)), undefined);
});

test.run();
