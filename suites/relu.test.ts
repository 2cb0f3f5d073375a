import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Request, UsageError } from '../harness/suite.ts';
import suite from './relu.ts';

const request = (more: Partial<Request> = {}): Request => ({
  devices: ['cpu', 'webgpu'],
  quick: false,
  seed: 1,
  threads: [1, 2],
  options: {},
  ...more,
});

test('each size has every form, whole and taken apart', () => {
  const cases = suite.cases(request({ shapes: '16KiB, 4MiB' }));
  assert.equal(
    cases.map(({ name }) => name),
    ['16KiB', '4MiB'].flatMap((size) => [
      ...['relu', 'relu/in-place', 'bias+relu', 'add+relu'].map((form) => `relu/${size}/${form}/f32`),
      ...['bias+relu', 'add+relu'].map((form) => `relu/${size}/${form}/fused-or-separate/f32`),
    ]),
  );
  const arms = cases.flatMap(({ arms = [] }) => arms.map(({ name }) => name));
  assert.equal(
    new Set(arms),
    new Set(['cpu/1', 'cpu/2', 'webgpu'].flatMap((place) => ['fused', 'separate', 'copy'].map((name) => `${name}@${place}`))),
  );
});

test('bytes are those of the tensors, in place counted twice over less memory', () => {
  const cost = (form: string) => {
    const { problem } = suite.cases(request()).find(({ name }) => name === `relu/64MiB/${form}/f32`)!;
    return problem?.op === 'pointwise' && [problem.shape, problem.inPlace];
  };
  assert.equal(cost('relu'), [[2 ** 24], undefined]);
  assert.equal(cost('relu/in-place'), [[2 ** 24], 0]);
  assert.equal(cost('bias+relu'), [[2 ** 14, 2 ** 10], undefined]);
});

test('other ops of the kind are asked for by name', () => {
  const cases = suite.cases(request({ shapes: '4MiB', options: { ops: 'transpose,max-pool-grad,moving-average' } }));
  assert.equal(
    cases.map(({ name, problem }) => [name, problem?.op]),
    [
      ['relu/4MiB/transpose/f32', 'copy'],
      ['relu/4MiB/max-pool-grad/f32', 'pool2d'],
      ['relu/4MiB/moving-average/f32', 'pointwise'],
    ],
  );
  assert.throws(() => suite.cases(request({ options: { ops: 'sort' } })), /--ops: 'sort' is none of relu, copy, transpose/);
});

test('what is no size is one line', () => {
  for (const shapes of ['16', '0KiB', '5KiB', '16kb', '4GiB', '', '64x64', 'm,n\n1,2\n'])
    assert.throws(
      () => suite.cases(request({ shapes })),
      (error: Error) => error instanceof UsageError && /^--shapes: /.test(error.message) && !error.message.includes('\n'),
    );
});

test('fused and separate passes come to the same, a result that was not computed is told, and a copy runs', async () => {
  for (const { arms = [] } of suite.cases(request({ shapes: '16KiB', devices: ['cpu'], threads: [1] })))
    for (const arm of arms) {
      const work = await arm.make();
      if (work.verify) assert.match(String(await work.verify()), /element \d+ is .*, expected/);
      work.run();
      assert.is(await work.verify?.(), undefined);
      await work.close!();
    }
});

test.run();
