import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Request, UsageError } from '../harness/suite.ts';
import { chainIn } from './graph/chain.ts';
import { recurrenceIn } from './graph/recurrence.ts';
import { biasedNet, rewrittenNet } from './graph/rewritten.ts';
import suite from './graph.ts';

const request = (more: Partial<Request> = {}): Request => ({
  devices: ['cpu', 'webgpu'],
  quick: false,
  seed: 1,
  threads: [1, 2],
  options: {},
  ...more,
});

test('chains, the loop and the rewrites on each device, with the most threads; parts by option', () => {
  const cases = suite.cases(request());
  const names = ['graph/nodes/10x10', 'graph/nodes/100x10', 'graph/loop/20x16x32x64', 'graph/rewrites/64x1000x100'];
  assert.equal(
    cases.map(({ name }) => name),
    names,
  );
  const on = (...forms: string[]) => ['cpu/2', 'webgpu'].flatMap((place) => forms.map((form) => `${form}@${place}`));
  assert.equal(
    cases[1].arms!.map(({ name }) => name),
    on('apart', 'fused', 'eager'),
  );
  assert.equal(
    cases[3].arms!.slice(0, 3).map(({ name }) => name),
    ['all@cpu/2', 'none@cpu/2', 'all but commonSubexpressions@cpu/2'],
  );
  assert.is(suite.cases(request({ options: { part: 'loop' } })).length, 1);
  assert.throws(
    () => suite.cases(request({ options: { part: 'leaves' } })),
    (error: Error) => error instanceof UsageError && error.message.includes("--part: 'leaves' is none of nodes, loop, rewrites"),
  );
});

test('every arm computes what float64 does, in as many kernels as it says', async () => {
  const kernelsOf: Record<string, number> = {};
  const works = [
    ...['apart', 'fused', 'eager'].map((form) => [form, () => chainIn(form, 10, 'cpu', 1)] as const),
    ...['loop', 'unrolled', 'eager'].map((form) => [form, () => recurrenceIn(form, 'cpu', 1, 1)] as const),
    ...['all', 'none', 'all but matmulEpilogue'].map((form) => [form, () => rewrittenNet(form, biasedNet(6, 10, 5), 'cpu', 1, 1)] as const),
  ];
  for (const [form, make] of works) {
    const work = await make();
    await work.run();
    await work.settle?.();
    assert.is(await work.verify!(), undefined, form);
    const facts = await work.facts?.();
    if (facts?.extra) kernelsOf[form] = facts.extra.kernels;
    await work.close!();
  }
  assert.is(kernelsOf.apart, 10);
  assert.is(kernelsOf.fused, 1);
  assert.ok(kernelsOf.loop < kernelsOf.unrolled);
  assert.ok(kernelsOf['all but matmulEpilogue'] > kernelsOf.all);
  assert.ok(kernelsOf.none > kernelsOf.all + 5);
});

test.run();
