import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { groupOf, selected, tally } from './test.ts';

const uvu = (total: number, passed: number, skipped: number) =>
  `\n  \x1b[2mTotal:     ${total}\n  Passed:    ${passed}\n  Skipped:   ${skipped}\n  Duration:  1ms\n`;

test("counts are uvu's", () => {
  assert.equal(tally(uvu(5, 5, 1), true), { passed: 5, failed: 0, skipped: 1 });
  assert.equal(tally(uvu(5, 3, 0), false), { passed: 3, failed: 2, skipped: 0 });
});

test('a file that breaks off has failed, whatever it counted', () => {
  assert.is(tally('SyntaxError: ...', false).failed, 1);
  assert.is(tally(uvu(5, 5, 0), false).failed, 1);
  assert.is(tally('', true).failed, 1);
  assert.is(tally(uvu(0, 0, 2), true).failed, 0);
});

test('files are chosen by group and by a part of the path', () => {
  const files = ['kernels/constraint.test.ts', 'kernels/cpu/arena.test.ts', 'harness/cli/run.test.ts'];
  assert.equal(files.map(groupOf), ['pure', 'device', 'e2e']);
  assert.equal(selected(files, []), files);
  assert.equal(selected(files, ['pure', 'run']), [files[0], files[2]]);
});

test.run();
