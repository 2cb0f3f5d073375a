import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { choose, refusal } from '../../catalog.ts';
import { awkwardCopies, checkCopy, transposed } from '../../copy-conformance.ts';
import type { CopyProblem } from '../../problems/copy.ts';
import { copy } from '../../problems/copy.ts';
import { tunablesByTurn } from '../../trial.ts';
import { openCpu } from '../device.ts';
import { rows } from './rows.ts';
import { transpose } from './transpose.ts';

const device = await openCpu({ threads: 2 });
test.after(() => device.close());

for (const kernel of [rows, transpose])
  test(`${kernel.name}: awkward copies, small and shared by threads`, async () => {
    const line = (step: number) => copy({ shape: [300_001], from: { strides: [step], offset: 1 }, to: { strides: [1], offset: 0 } });
    const large = [transposed(701, 403), transposed(512, 1024), line(1), line(2)];
    let checks = 0;
    for (const problem of [...awkwardCopies(), ...large] as CopyProblem[]) {
      if (refusal(kernel, problem, device)) continue;
      await checkCopy(device, kernel, problem, ++checks, tunablesByTurn(device, kernel, problem, checks)).catch((error) => {
        assert.unreachable(`${JSON.stringify(problem)}: ${error.message}`);
      });
    }
    assert.ok(checks > 4);
  });

test('transposes are chosen where there are some', () => {
  assert.is(choose(transposed(100, 200), device).kernel, transpose);
  assert.is(choose(copy({ shape: [9], from: { strides: [1], offset: 0 }, to: { strides: [1], offset: 0 } }), device).kernel, rows);
});

test('a destination whose elements overlap is refused', () => {
  assert.throws(
    () => copy({ shape: [4, 4], from: { strides: [4, 1], offset: 0 }, to: { strides: [2, 1], offset: 0 } }),
    /strides \[2,1\] for shape \[4,4\] let elements overlap/,
  );
});

test.run();
