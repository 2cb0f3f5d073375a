import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { refuses } from './refuses.ts';

const fail = () => {
  throw new RangeError('size is 3, expected 4');
};

test('what is thrown must say what is expected', () => {
  refuses(fail, 'size is 3');
  refuses(fail, /expected \d/);
  assert.throws(() => refuses(fail, 'size is 5'), /expected an error that says: size is 5\nbut it says: size is 3/);
  assert.throws(() => refuses(fail, /five/), /but it says/);
  assert.throws(() => refuses(() => 1, 'anything'), /nothing was thrown/);
});

test.run();
