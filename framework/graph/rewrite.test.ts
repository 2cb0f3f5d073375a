import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { devicesForTests, differs, leavesNothing, sampleValues } from '../each-device.ts';
import { concat } from '../ops/assemble.ts';
import { matmul } from '../ops/matmul.ts';
import { add, cast, exp, mul, relu, sigmoid, sub, tanh } from '../ops/pointwise.ts';
import { maxPool2d } from '../ops/pool.ts';
import { sum } from '../ops/reduce.ts';
import { slice, transpose } from '../ops/shape.ts';
import type { Feeds } from './feeds.ts';
import { gradients } from './gradients.ts';
import { assignSub, constant, type GraphNode, group, placeholder, variable } from './node.ts';
import { REWRITES, type Rewrite, type RewriteCounts } from './rewrite.ts';
import { type Fetch, Session, type StepReport } from './session.ts';

/** Rewritten results differ from the others by at most this much, relative above 1 and absolute below. */
const BOUND = 1e-5;
const [M, N] = [5, 6];
const only = (...on: readonly Rewrite[]) => Object.fromEntries(REWRITES.map((name) => [name, on.includes(name)]));

const x = placeholder([M, N], 'f32', 'x');
const w = variable(sampleValues(N * N, 2), 'w', { shape: [N, N] });
const b = variable(sampleValues(N, 3), 'b');
const feeds: Feeds = [[x, sampleValues(M * N, 1)]];
const layer = add(matmul(x, w), b);

for (const device of await devicesForTests()) {
  test.after(() => device.close());

  /** Fetches under some rewrites and under none, and requires equal results; gives the report of the former. */
  async function same(fetches: readonly Fetch[], on: readonly Rewrite[], fed = feeds): Promise<StepReport> {
    let report: StepReport | undefined;
    await leavesNothing(device, async () => {
      await using plain = new Session({ device, rewrites: only() });
      await using rewritten = new Session({ device, rewrites: only(...on) });
      for (let run = 0; run < 2; run++) {
        const [expected, actual] = [await plain.run(fetches, fed), await rewritten.run(fetches, fed)];
        fetches.forEach((_, i) => {
          const [found, wanted] = [actual[i], expected[i]].map((each) => (typeof each === 'number' ? [each] : (each ?? [])));
          assert.is(differs(found, wanted, BOUND), undefined);
        });
      }
      assert.ok(Object.values(plain.report().rewrites).every((count) => count === 0));
      report = rewritten.report();
    });
    return report!;
  }
  const counted = (report: StepReport, counts: Partial<RewriteCounts>) =>
    assert.equal(report.rewrites, { ...Object.fromEntries(REWRITES.map((name) => [name, 0])), ...counts });
  const on = device.kind;

  test(`${on}: equal ops on equal operands are computed once`, async () => {
    const once = () => exp(mul(x, 0.5));
    const report = await same([add(once(), once()), sub(transpose(once()), 1), mul(x, -0.5)], ['commonSubexpressions']);
    counted(report, { commonSubexpressions: 4 });
    assert.is(report.kernels.length, 5);
  });

  test(`${on}: pooling and its gradient look for the maxima once; a view is copied once`, async () => {
    const image = placeholder([2, 1, 4, 6], 'f32', 'image');
    const fed: Feeds = [[image, sampleValues(48, 5)], ...feeds];
    const pooled = maxPool2d(image, 2);
    const slopes = gradients(sum(mul<GraphNode>(pooled, pooled)), [image]);
    const pools = await same([pooled, slopes[0]], ['commonSubexpressions'], fed);
    // The product's gradient is the same for both of its factors.
    counted(pools, { commonSubexpressions: 2 });
    assert.is(pools.kernels.filter(({ kernel }) => kernel.startsWith('pool2d/')).length, 2);
    const view = slice(transpose(x), [1, 4]);
    const copies = await same([view, sum(matmul(view, x)), concat([view, view])], ['commonSubexpressions']);
    counted(copies, { commonSubexpressions: 1 });
    assert.is(copies.kernels.filter(({ kernel }) => kernel.startsWith('copy/')).length, 3);
  });

  test(`${on}: bias and ReLU come with the product, unless somebody else needs it`, async () => {
    const hidden = relu(layer);
    const [slope] = gradients(sum(hidden), [w]);
    const report = await same([hidden, slope], ['matmulEpilogue']);
    counted(report, { matmulEpilogue: 2 });
    assert.match(report.kernels[0].nodes[0], /^matmul_\d+\+add_\d+\+relu_\d+$/);
    counted(await same([hidden, layer], ['matmulEpilogue']), { matmulEpilogue: 1 });
    counted(await same([add(matmul(x, w), sum(w))], ['matmulEpilogue']), {});
    counted(await same([relu(add(matmul(x, w, { transposeB: true }), b))], ['matmulEpilogue']), { matmulEpilogue: 2 });
  });

  test(`${on}: what depends on constants only is computed before the first run`, async () => {
    const scale = exp(mul(constant(sampleValues(N, 4)), 2));
    const report = await same([mul(x, scale), scale], ['constantFolding']);
    counted(report, { constantFolding: 2 });
    assert.is(report.kernels.length, 1);
  });

  test(`${on}: pointwise chains become one kernel, broadcasts and casts included`, async () => {
    const inner = tanh(add(mul(x, b), 0.25));
    const outer = sub(sigmoid(inner), mul(x, 3));
    const report = await same([outer], ['pointwiseChains']);
    counted(report, { pointwiseChains: 5 });
    assert.is(report.kernels.length, 1);
    assert.is(report.kernels[0].nodes.length, 6);
    counted(await same([outer, inner], ['pointwiseChains']), { pointwiseChains: 4 });
    // A byte wraps where it is stored, and a turned tensor runs in another order: neither may be skipped.
    const byte = cast(cast(mul(x, 1000), 'u8'), 'f32');
    counted(await same([byte], ['pointwiseChains']), { pointwiseChains: 1 });
    counted(await same([exp(transpose(tanh(x)))], ['pointwiseChains']), {});
  });

  test(`${on}: a chain too long for one kernel becomes several`, async () => {
    let chain = x;
    for (let i = 0; i < 150; i++) chain = add(mul(chain, 0.5), i);
    const { kernels } = await same([chain], ['pointwiseChains']);
    assert.ok(kernels.length > 1 && kernels.length < 40, `${kernels.length} kernels`);
  });

  test(`${on}: updates are made in place, unless the old value is needed after them`, async () => {
    const [slope] = gradients(sum(tanh(layer)), [w]);
    const next = assignSub(w, slope);
    const report = await same([group(next), sum(layer)], ['inPlaceUpdates']);
    counted(report, { inPlaceUpdates: 1 });
    assert.is(report.kernels.filter(({ inPlace }) => inPlace).length, 1);
    counted(await same([next, layer], ['inPlaceUpdates']), { inPlaceUpdates: 1 });
    counted(await same([next, w], ['inPlaceUpdates']), {});
    counted(await same([next, transpose(w)], ['inPlaceUpdates']), {});
    counted(await same([next, add(next, w)], ['inPlaceUpdates']), {});
    counted(await same([assignSub(w, transpose(w))], ['inPlaceUpdates']), {});
  });

  test(`${on}: an update by a product is added by its kernel, unless somebody else needs the product`, async () => {
    const both = ['inPlaceUpdates', 'pointwiseChains', 'productUpdates'] as const;
    const slope = matmul(transpose(x), tanh(matmul(x, w)));
    const next = assignSub(w, mul(slope, 0.1));
    const report = await same([group(next), sum(layer)], both);
    assert.is(report.rewrites.productUpdates, 1);
    const [update] = report.kernels.filter(({ inPlace }) => inPlace);
    assert.match(update.kernel, /^matmul/);
    assert.is(report.kernels.filter(({ nodes }) => nodes.some((name) => name.startsWith('sub'))).length, 1);
    const none = async (...fetches: readonly Fetch[]) => assert.is((await same(fetches, both)).rewrites.productUpdates, 0);
    await none(next, slope);
    await none(group(next), sum(slope));
    await none(assignSub(w, mul(transpose(slope), 0.1)));
    await none(assignSub(w, exp(slope)));
    await none(assignSub(w, mul(slope, sum(x))));
    await none(assignSub(w, relu(slope)));
    assert.is((await same([next], ['pointwiseChains', 'productUpdates'])).rewrites.productUpdates, 0);
  });

  test(`${on}: a product that reads what the next update overwrites is added in time, or apart`, async () => {
    const all = ['inPlaceUpdates', 'pointwiseChains', 'productUpdates'] as const;
    const other = variable(sampleValues(N * N, 4), 'other', { shape: [N, N] });
    const updates = (read: GraphNode) => [assignSub(w, mul(matmul(transpose(x), x), 0.1)), assignSub(other, matmul(w, read))];
    // Of the values before the step: the second run sees what the first one made.
    const seen = [sum(layer), sum(matmul(x, other))];
    assert.is((await same([...seen, group(...updates(transpose(w)))], all)).rewrites.productUpdates, 2);
    // Each product reads the variable of the other: one of them has to be kept until both are made.
    // A product that reads the variable itself cannot write it at the same time.
    assert.is((await same([...seen, group(assignSub(w, matmul(w, other)))], all)).rewrites.productUpdates, 0);
    const crossed = [assignSub(w, matmul(other, other)), assignSub(other, matmul(w, w))];
    assert.is((await same([...seen, group(...crossed)], all)).rewrites.productUpdates, 1);
  });

  test(`${on}: results are written over operands that nobody needs any more`, async () => {
    const inner = tanh(mul(x, 0.5));
    const report = await same([exp(inner)], ['inPlaceResults']);
    // What is fed stays as it is, and so does what is fetched: the product is new, tanh lies over it.
    counted(report, { inPlaceResults: 1 });
    const product = matmul(x, w);
    counted(await same([sum(exp(inner))], ['inPlaceResults']), { inPlaceResults: 2 });
    counted(await same([sum(exp(inner)), inner], ['inPlaceResults']), {});
    counted(await same([sum(mul(relu(product), 2))], ['inPlaceResults']), { inPlaceResults: 2 });
    // Read later, read twice, read in another order, of another size, or of another type.
    counted(await same([sum(mul(relu(product), product))], ['inPlaceResults']), { inPlaceResults: 1 });
    counted(await same([sum(matmul(relu(product), transpose(product)))], ['inPlaceResults']), {});
    const square = matmul(transpose(x), x);
    counted(await same([sum(add(square, transpose(square)))], ['inPlaceResults']), {});
    counted(await same([sum(add(sum(product, 0), product))], ['inPlaceResults']), { inPlaceResults: 1 });
    counted(await same([sum(cast(cast(product, 'i32'), 'f32'))], ['inPlaceResults']), {});
    const { planBytes } = await same([sum(exp(inner))], ['inPlaceResults']);
    assert.is(planBytes, 4 * M * N + 4);
  });

  test(`${on}: many small products do not get lost in a large weight`, async () => {
    const K = 4096;
    const ones = (rows: number, columns: number) =>
      constant(new Float32Array(rows * columns).fill(1), undefined, { shape: [rows, columns] });
    const weight = variable(new Float32Array(4 * N * N).fill(1), 'weight', { shape: [2 * N, 2 * N] });
    const all = Object.fromEntries(REWRITES.map((name) => [name, name !== 'constantFolding']));
    await leavesNothing(device, async () => {
      await using session = new Session({ device, rewrites: all });
      await session.run(group(assignSub(weight, mul(matmul(ones(2 * N, K), ones(K, 2 * N)), 2 ** -24))));
      assert.is(session.report().rewrites.productUpdates, 1);
      // K products of 2⁻²⁴, each of which alone rounds away beside 1.
      assert.ok(((await session.run(weight)) as Float32Array).every((value) => Math.abs(value - (1 - K * 2 ** -24)) < 1e-6));
    });
  });

  test(`${on}: all of them together; buffers are shared`, async () => {
    const deep = [1, 2, 3, 4].reduce((value) => relu(add(matmul(value, w), b)), x);
    const loss = sum(deep);
    const updates = gradients(loss, [w, b]).map((slope, i) => assignSub([w, b][i], mul(slope, 1e-3)));
    const report = await same([loss, group(...updates)], REWRITES);
    assert.is(report.rewrites.matmulEpilogue, 8);
    assert.is(report.rewrites.inPlaceUpdates, 2);
    await leavesNothing(device, async () => {
      await using session = new Session({ device, rewrites: only() });
      let chain = x;
      for (let i = 0; i < 20; i++) chain = tanh(chain);
      await session.run(chain, feeds);
      assert.is(session.report().planBytes, 2 * 4 * M * N);
    });
  });

  test(`${on}: an unknown rewrite is named`, () => {
    assert.throws(() => new Session({ device, rewrites: { fusion: true } as never }), /there is no rewrite fusion; there are common/);
  });
}

test.run();
