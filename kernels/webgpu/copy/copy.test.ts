import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { refusal } from '../../catalog.ts';
import { awkwardCopies, checkCopy } from '../../copy-conformance.ts';
import { tunablesByTurn } from '../../trial.ts';
import { webgpuForTests } from '../adapter.ts';
import { elements } from './elements.ts';
import { transpose } from './transpose.ts';

const device = await webgpuForTests();

if (device) {
  test.after(() => device.close());
  for (const kernel of [elements, transpose])
    test(`${kernel.name}: awkward copies`, async () => {
      let checks = 0;
      for (const problem of awkwardCopies()) {
        if (refusal(kernel, problem, device)) continue;
        await checkCopy(device, kernel, problem, ++checks, tunablesByTurn(device, kernel, problem, checks)).catch((error) => {
          assert.unreachable(`${JSON.stringify(problem)}: ${error.message}`);
        });
      }
      assert.ok(checks > 4);
    });
}

test.run();
