import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { configurations, firstViolated, parseConstraint, toPython } from './constraint.ts';

const value = (text: string, scope = {}) => parseConstraint(text).evaluate(scope);

test('arithmetic and precedence follow Python', () => {
  assert.is(value('2 + 3 * 4'), 14);
  assert.is(value('(2 + 3) * 4'), 20);
  assert.is(value('-7 // 2'), -4);
  assert.is(value('-7 % 3'), 2);
  assert.is(value('2 ** 3 ** 2'), 512);
  assert.is(value('-2 ** 2'), -4);
  assert.is(value('7 / 2'), 3.5);
  assert.is(value('10 - 4 - 3'), 3);
  assert.is(value('min(4, 2 + 1) + max(1, 5, 3)'), 8);
});

test('comparisons chain, and logic binds not, and, or', () => {
  assert.is(value('1 < 2 < 3'), 1);
  assert.is(value('1 < 3 < 2'), 0);
  assert.is(value('not 1 == 2 and 3 > 2 or 0'), 1);
  assert.is(value('not (1 == 1) or 2 >= 2'), 1);
});

test('names are read from the scope, and an unknown one is named', () => {
  assert.is(value('a * b == 12', { a: 3, b: 4 }), 1);
  assert.equal(parseConstraint('a % b == 0 and a > c').names, ['a', 'b', 'c']);
  assert.throws(() => value('a + 1'), /nothing is known of 'a'/);
});

test('a damaged expression says where it stops', () => {
  for (const text of ['', 'a +', '(a', 'a b', 'a $ b', 'foo(1)', '1 = 2', 'and', 'min()', 'a =='])
    assert.throws(() => parseConstraint(text), SyntaxError, text);
  assert.throws(() => parseConstraint('a +'), /expected a number.*the end/);
});

test('an expression prints as Python', () => {
  assert.is(toPython(parseConstraint('MWG%(MDIMC*VWM)==0 and min(a,b)<4')), 'MWG % (MDIMC * VWM) == 0 and min (a, b) < 4');
});

test('the first violated constraint is found', () => {
  assert.is(firstViolated(['x > 1', 'x < 3'], { x: 5 }), 'x < 3');
  assert.is(firstViolated(['x > 1'], { x: 5 }), undefined);
});

test("CLBlast's published Xgemm V1 space has 578 valid configurations of 26244", () => {
  const space = {
    MWG: [16, 32, 64],
    NWG: [16, 32, 64],
    KWG: [32],
    MDIMC: [8, 16, 32],
    NDIMC: [8, 16, 32],
    MDIMA: [8, 16, 32],
    NDIMB: [8, 16, 32],
    KWI: [2],
    VWM: [1, 2, 4],
    VWN: [1, 2, 4],
    STRM: [0],
    STRN: [0],
    SA: [0, 1],
    SB: [0, 1],
  };
  const constraints = [
    'KWG % KWI == 0',
    'MWG % (MDIMC * VWM) == 0',
    'NWG % (NDIMC * VWN) == 0',
    'MWG % (MDIMA * VWM) == 0',
    'NWG % (NDIMB * VWN) == 0',
    'KWG % ((MDIMC * NDIMC) // MDIMA) == 0',
    'KWG % ((MDIMC * NDIMC) // NDIMB) == 0',
    'MDIMC == MDIMA',
    'NDIMC == NDIMB',
    'SA == SB',
    '4 * (SA * KWG * MWG + SB * KWG * NWG) <= localBytes',
  ];
  assert.is(
    Object.values(space).reduce((product, values) => product * values.length, 1),
    26244,
  );
  assert.is([...configurations(space, constraints, { localBytes: 49152 })].length, 578);
});

test('enumeration keeps the declared order and refuses unknown names', () => {
  assert.equal(
    [...configurations({ a: [2, 1], b: [3, 4] }, ['a * b != 3'])],
    [
      { a: 2, b: 3 },
      { a: 2, b: 4 },
      { a: 1, b: 4 },
    ],
  );
  assert.equal([...configurations({ a: [1] }, ['c > 1'], { c: 0 })], []);
  assert.throws(() => [...configurations({ a: [1] }, ['z > 1'])], /nothing is known of 'z'/);
});

test.run();
