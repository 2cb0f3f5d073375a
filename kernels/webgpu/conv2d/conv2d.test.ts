import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { awkwardConvolutions, checkConv2d } from '../../conv2d-conformance.ts';
import { conv2d } from '../../problems/conv2d.ts';
import { webgpuForTests } from '../adapter.ts';
import { direct } from './direct.ts';

test('operands that cannot be bound are refused with their bytes', () => {
  const traits = { features: new Set<string>(), limits: { maxStorageBufferBindingSize: 1024 } };
  const problem = conv2d({ input: [1, 3, 16, 16], filter: [2, 3, 3, 3] });
  assert.is(direct.rejects(problem, traits), 'operand input has 3072 bytes, more than the 1024 that can be bound');
});

const device = await webgpuForTests();

if (device) {
  test.after(() => device.close());

  test('direct: forward and both gradients on awkward problems', async () => {
    let seed = 0;
    for (const problem of awkwardConvolutions())
      await checkConv2d(device, direct, problem, ++seed).catch((error) => {
        assert.unreachable(`${JSON.stringify(problem)}: ${error.message}`);
      });
  });
}

test.run();
