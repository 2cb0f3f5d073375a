import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openDevice, type Values } from '../../../kernels/index.ts';
import { leavesNothing, sampleValues } from '../../each-device.ts';
import { FormatError } from '../../formats/array.ts';
import { unnoticedCuts, unnoticedFlips } from '../../formats/damage.ts';
import { apply, type Op } from '../../op.ts';
import * as assemble from '../../ops/assemble.ts';
import * as conv from '../../ops/conv.ts';
import * as gatherOps from '../../ops/gather.ts';
import * as ops from '../../ops/index.ts';
import * as matmulOps from '../../ops/matmul.ts';
import * as pointwiseTable from '../../ops/pointwise.ts';
import * as pool from '../../ops/pool.ts';
import * as random from '../../ops/random.ts';
import * as reduce from '../../ops/reduce.ts';
import * as shape from '../../ops/shape.ts';
import * as softmaxes from '../../ops/softmax.ts';
import * as standardize from '../../ops/standardize.ts';
import { rule, updateOp } from '../../update.ts';
import { cond, whileLoop } from '../flow.ts';
import { gradients } from '../gradients.ts';
import { assignAdd, constant, type GraphNode, group, placeholder, variable } from '../node.ts';
import { Adam, GradientDescent } from '../optimizer.ts';
import { type Fetch, Session } from '../session.ts';
import { load } from './load.ts';
import { opTable } from './op-table.ts';
import { type SavedGraph, save } from './save.ts';

const device = await openDevice('cpu', { threads: 1 });
test.after(() => device.close());

const list = (values: unknown): number[] => (typeof values === 'number' ? [values] : [...(values as Values)]);
const text = ({ json }: SavedGraph) => new TextDecoder().decode(json);
const withText = (saved: SavedGraph, json: string): SavedGraph => ({ ...saved, json: new TextEncoder().encode(json) });

/** Runs what was saved under `names`, one after another, in a fresh process. */
function inChild(saved: SavedGraph, names: readonly string[], feeds: Record<string, readonly number[]>): unknown[] {
  const folder = mkdtempSync(join(tmpdir(), 'graph-'));
  try {
    writeFileSync(join(folder, 'graph.json'), saved.json);
    writeFileSync(join(folder, 'graph.safetensors'), saved.weights);
    const script = fileURLToPath(new URL('./fixtures/run-saved.ts', import.meta.url));
    const child = spawnSync(process.execPath, [script, folder, ...names], { input: JSON.stringify(feeds), encoding: 'utf8' });
    assert.is(child.status, 0, child.stderr);
    return JSON.parse(child.stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function net() {
  const x = placeholder([4, 3], 'f32', 'x');
  const [w, b] = [variable(sampleValues(6, 1), 'w', { shape: [3, 2] }), variable([0.1, -0.2], 'b')];
  const y = ops.relu(ops.matmul(x, w).add(b));
  const loss = ops.sum(ops.square(y));
  return { x, w, y, loss, step: new Adam({ rate: 0.1 }).minimize(loss) };
}

test('a net saved in training goes on in a process that never saw its code', () =>
  leavesNothing(device, async () => {
    await using session = new Session({ device });
    const { x, y, loss, step } = net();
    const values = sampleValues(12, 3);
    for (let i = 0; i < 3; i++) await session.run(step, [[x, values]]);
    const saved = await save({ loss, y, train: group(step) }, session);
    const expected = [];
    for (const fetch of [y, loss, step, loss, step, loss]) expected.push(await session.run(fetch as Fetch, [[x, values]]));
    const found = inChild(saved, ['y', 'loss', 'train', 'loss', 'train', 'loss'], { x: [...values] });
    assert.equal(
      found.map((each) => each ?? undefined).map((each) => each && [each].flat()),
      expected.map((each) => (each === undefined ? each : list(each))),
    );
    assert.ok((found[1] as number) > (found[5] as number));
  }));

test('without a session, variables are saved as they start; equal graphs give equal bytes, a loaded graph the same ones', async () => {
  const built = () => {
    const { loss, step } = net();
    return { loss, train: group(step) };
  };
  const first = await save(built());
  // Nodes are numbered through a process: other numbers must not show.
  constant(1);
  const again = await save(built());
  assert.is(text(again), text(first));
  assert.equal(again.weights, first.weights);
  const { fetches, variables } = load(first);
  assert.equal([...variables.keys()].sort(), ['b', 'b_mean', 'b_square', 'share_of_0.9', 'share_of_0.999', 'w', 'w_mean', 'w_square']);
  const third = await save(Object.fromEntries(fetches));
  assert.is(text(third), text(first));
  assert.equal(third.weights, first.weights);
});

// Inputs of every kind, and a use of every op with attributes that are not its defaults.
const image = placeholder([2, 4, 5, 6], 'f32', 'image');
const matrix = placeholder([3, 4], 'f32', 'matrix');
const filter = variable(sampleValues(3 * 4 * 2 * 3, 5), 'filter', { shape: [3, 4, 2, 3] });
const classes = constant(Int32Array.of(2, 0, 1), 'classes');
const flags = constant([true, false, true, false]);
const feeds: [GraphNode, Float32Array<ArrayBuffer>][] = [
  [image, sampleValues(240, 1)],
  [matrix, sampleValues(12, 2)],
];
const uses: Record<string, () => GraphNode | readonly GraphNode[]> = {
  pointwise: () => {
    const { add, sub, mul, div, maximum, minimum, eq, ne, lt, le, gt, ge } = ops;
    const { neg, abs, sign, floor, exp, square, erf, relu, sigmoid, tanh, gelu } = ops;
    const binary = [add, sub, mul, div, maximum, minimum].map((op) => op<GraphNode>(matrix, 1.5));
    const unary = [neg, abs, sign, floor, exp, square, erf, relu, sigmoid, tanh, gelu].map((op) => op<GraphNode>(matrix));
    const compared = [eq, ne, lt, le, gt, ge].map((op) => op<GraphNode>(matrix, 0.25));
    const positive = ops.abs(matrix).add(0.5);
    return [
      ...binary,
      ...unary,
      ops.log(positive),
      ops.sqrt(positive),
      positive.pow(-0.5),
      matrix.mul(-0),
      matrix.minimum(Number.POSITIVE_INFINITY),
      ops.div<GraphNode>(1, matrix),
      ...compared,
      compared[2].and(flags),
      compared[2].or(flags),
      ops.not(flags),
      ops.where<GraphNode>(flags, matrix, Number.NaN),
      ops.clip(matrix, -0.5, positive),
      ops.leakyRelu(matrix, 0.3),
      ops.cast(matrix, 'i32'),
    ];
  },
  reductions: () => [
    ops.sum(image, [1, -1]),
    ops.mean(image, 0, { keepDims: true }),
    ops.max(matrix, 1),
    ops.min(matrix),
    ops.argmax(matrix, 0),
    ops.argmin(matrix, 1),
  ],
  products: () => {
    const product = ops.matmul(matrix, ops.transpose(matrix), { bias: constant([1, 2, 3]), relu: true });
    const turned = ops.matmul(matrix, matrix, { transposeB: true });
    const convolved = ops.conv2d(image, filter, { stride: [2, 1], padding: [1, 0, 2, 1], bias: constant([1, 2, 3]), relu: true });
    return [
      product,
      turned,
      convolved,
      ops.conv2d(image, filter, { padding: 'same', dilation: 2, residual: image.slice([], [0, 3]).mul(2) }),
      ...gradients(ops.sum(ops.square(convolved)), [image, filter]),
    ];
  },
  norms: () => {
    const [weight, bias] = [variable([1, -2, 3, 0.5], 'weight'), variable([0, 1, 2, 3], 'bias')];
    const { output } = ops.batchNormTraining(image, { weight, bias, epsilon: 0.01 });
    const powers = [ops.softmax(matrix), ops.logSoftmax(matrix, 0)];
    return [
      output,
      ...powers,
      ...powers.flatMap((each) => gradients(ops.sum(ops.square(each)), [matrix])),
      ops.layerNorm(matrix, [4]),
      ...gradients(ops.sum(ops.square(output)), [image, weight, bias]),
    ];
  },
  pools: () => {
    const pooled = [ops.maxPool2d(image, [2, 3], { stride: 1, padding: 1 }), ops.avgPool2d(image, 2, { padding: 1, countPadding: false })];
    return [...pooled, ...pooled.flatMap((each) => gradients(ops.sum(ops.square(each)), [image]))];
  },
  shapes: () => [
    ops.reshape(image, [8, 30]),
    ops.broadcastTo(ops.slice(matrix, [1, 2]), [5, 4]),
    ops.slice(matrix, [0, 3, 2], [1]),
    ops.contiguous(ops.transpose(matrix)),
    ops.clone(matrix),
    ops.stopGradient(matrix),
    ops.pad(matrix, [[1, 0]], Number.NEGATIVE_INFINITY),
    ops.concat([matrix, matrix], 1),
    ops.gather(matrix, classes),
    ops.scatterAdd(matrix, classes, 4),
    ops.oneHot(classes, 3),
  ],
  random: () => [
    ops.uniformLike(matrix, { seed: 2 ** 40, stream: 3, step: 5 }),
    ops.uniformLike(matrix, { seed: 1, step: variable(Int32Array.of(4), 'draws') }),
  ],
  rules: () => {
    const follow = updateOp('follow 0.1', (old, batch) => rule.add(rule.mul(old, 0.9), rule.mul(batch, 0.1)));
    return apply<GraphNode>(follow.updated, [constant([1, 2, 3, 4]), matrix.slice([0, 1]).reshape(4)]);
  },
  control: () => {
    const x = variable([0.5, -0.25], 'x');
    const loop = whileLoop(
      (i) => i.lt(3),
      (i, y) => [
        i.add(1),
        cond(
          ops.sum(y).gt(0),
          () => ops.tanh(y.mul(x)),
          () =>
            y.add(
              whileLoop(
                (z) => ops.sum(z).lt(2),
                (z) => z.add(1),
                x,
              ),
            ),
        ),
      ],
      [constant(Int32Array.of(0), undefined, { shape: [] }), x],
      { maxIterations: 9 },
    )[1];
    return [loop, ...gradients(ops.sum(ops.square(loop)), [x])];
  },
};

for (const [name, build] of Object.entries(uses))
  test(`${name}: the loaded graph gives the same results`, () =>
    leavesNothing(device, async () => {
      const nodes = [build()].flat();
      const saved = await save(Object.fromEntries(nodes.map((node, i) => [`${i}`, node])));
      const { fetches, placeholders } = load(saved);
      await using session = new Session({ device });
      const fed = feeds.filter(([{ name }]) => placeholders.has(name));
      const expected = await session.run(nodes, fed);
      const found = await session.run(
        [...fetches.values()] as GraphNode[],
        fed.map(([node, data]) => [placeholders.get(node.name)!, data] as const),
      );
      assert.equal(found.map(list), expected.map(list));
      assert.is(text(await save(Object.fromEntries(fetches))), text(saved));
    }));

test('every op of the framework can be saved, and every op that can be saved was', async () => {
  const isOp = (value: unknown): value is Op => typeof value === 'object' && value !== null && 'infer' in value && 'lower' in value;
  const modules = [assemble, conv, gatherOps, matmulOps, pointwiseTable, pool, random, reduce, shape, softmaxes, standardize];
  const exported = modules.flatMap((each) =>
    Object.values(each).flatMap((value) =>
      isOp(value) ? [value] : typeof value === 'object' && value ? Object.values(value).filter(isOp) : [],
    ),
  );
  assert.ok(exported.length > 55);
  for (const op of exported) assert.is(opTable.get(op.name)?.op, op, op.name);
  assert.is(opTable.size, exported.length);
  const saved = text(
    await save(
      Object.fromEntries(
        Object.values(uses)
          .flatMap((build) => build())
          .map((node, i) => [`${i}`, node]),
      ),
    ),
  );
  for (const name of opTable.keys()) assert.ok(saved.includes(`"op":"${name}"`), `${name} is not in the test`);
});

test('what cannot be saved is named', async () => {
  const message = (fetches: Record<string, Fetch>) =>
    save(fetches).then(
      () => 'it was saved',
      (error: Error) => error.message,
    );
  const [a, b] = [placeholder([1], 'f32', 'a'), placeholder([1], 'f32', 'a')];
  assert.match(await message({ sum: a.add(b) }), /save: two placeholders are called a; give each a name of its own/);
  const own: Op = { name: 'mine', infer: () => ({ shape: [1], dtype: 'f32' }), lower: () => ({ steps: [] }) };
  assert.match(
    await message({ mine: apply<GraphNode>(own, [a]) }),
    /save: mine_\d+ f32\[1\] is made by an op of its own, mine; only ops of the framework/,
  );
  assert.match(await message({ x: 3 as never }), /save: fetch x is 3, expected a node of a graph/);
});

/** A small graph with everything that a file can have. */
async function small(): Promise<SavedGraph> {
  const [x, v] = [placeholder([2], 'f32', 'x'), variable([1, 2], 'v')];
  const y = whileLoop(
    (y) => ops.sum(y).lt(9),
    (y) => y.add(v.mul(0.5)),
    x,
  );
  return save({ y, slope: gradients(ops.sum(y), [x])[0], next: group(assignAdd(v, x), group(ops.sum(y, 0))) });
}
const complaintOf = (saved: SavedGraph): string => {
  try {
    load(saved);
    return 'it was loaded';
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
};

test('files cut off anywhere are noticed; turned bits end in a FormatError or in another graph', async () => {
  const saved = await small();
  const cuts = await unnoticedCuts((json) => load({ ...saved, json }), saved.json);
  // The line break at the end.
  assert.equal(cuts, [saved.json.length - 1]);
  await unnoticedFlips((json) => load({ ...saved, json }), saved.json);
  assert.equal(await unnoticedCuts((weights) => load({ ...saved, weights }), saved.weights), []);
  assert.equal(await unnoticedFlips((weights) => load({ ...saved, weights }), saved.weights), []);
});

test('every other damage is named, with what was expected', async () => {
  const saved = await small();
  const changed = (change: (document: { nodes: Record<string, never>[]; fetches: unknown[]; [key: string]: unknown }) => void) => {
    const document = JSON.parse(text(saved));
    change(document);
    return withText(saved, JSON.stringify(document));
  };
  const node = (at: number, change: object) => changed(({ nodes }) => Object.assign(nodes[at], change));
  const kinds = (JSON.parse(text(saved)).nodes as { kind: string }[]).map(({ kind }) => kind);
  const at = (kind: string) => {
    assert.ok(kinds.includes(kind), kind);
    return kinds.indexOf(kind);
  };
  const op = (stated: object) =>
    changed(({ nodes }) => nodes.push({ kind: 'op', operands: [at('placeholder')], attributes: {}, ...stated } as never));
  const cases: [SavedGraph, RegExp][] = [
    [withText(saved, '[]'), /^graph: the file is \[\], expected an object/],
    [withText(saved, 'graph'), /^graph: the file is not JSON: .*; it is damaged or cut off/],
    [withText(saved, '"x"'), /graph: the file is "x", expected an object/],
    [changed((document) => (document.format = 'onnx')), /format is "onnx", expected "tilebench-graph"; is this a saved graph\?/],
    [changed((document) => (document.version = 2)), /version is 2, but this release reads 1; save it again/],
    [withText(saved, text(saved).replace('"version":1', '"version":1,"version":1')), /has the key "version" twice/],
    [withText(saved, `{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`), /nested deeper than 64 at character/],
    [withText(saved, text(saved).replace('"nodes":', '"__proto__":{"format":1},"nodes":')), /it was loaded/],
    [
      changed((document) => delete document.nodes[0].kind),
      /graph: node 0 \(undefined\): kind is missing, which this release does not know/,
    ],
    [changed((document) => (document.nodes = {} as never)), /graph: nodes is \{\}, expected a list/],
    [changed((document) => (document.weights = 1)), /graph: weights is 1, expected an object/],
    [
      changed((document) => (document.weights = { bytes: 9, crc32: 1 })),
      /the weights have \d+ bytes and the checksum \d+, expected 9 and 1; they are damaged/,
    ],
    [{ ...saved, weights: new Uint8Array(8) }, /the weights have 8 bytes and the checksum/],
    [changed((document) => document.fetches.push({ name: 'y', nodes: 0 })), /fetch 3: the name y is taken/],
    [changed((document) => document.fetches.push({ name: 'z', nodes: 99 })), /fetch 3: refers to node 99, expected a number below its own/],
    [
      changed((document) => document.fetches.push({ name: 'z', nodes: [[at('while')]] })),
      /fetch 3: refers to node \d+, a while; expected one of its outputs/,
    ],
    [node(at('op'), { op: 'toString' }), /\(toString\): there is no op "toString" in this release/],
    [node(at('op'), { op: '__proto__' }), /there is no op "__proto__"/],
    [node(at('op'), { operands: [99] }), /refers to node 99, expected a number below its own: nodes cannot go in circles/],
    [node(at('op'), { operands: [at('op')] }), /expected a number below its own: nodes cannot go in circles/],
    [node(at('op'), { operands: [-1] }), /refers to node -1/],
    [node(at('op'), { operands: ['length'] }), /refers to node "length"/],
    [node(at('op'), { operands: [{ number: 1 }] }), /operand \{"number":1\}, expected the number of a node|has 1 operands, expected/],
    [node(at('placeholder'), { dtype: 'f64' }), /dtype is "f64", expected one of f32, f16, i32, u8, bool/],
    [node(at('placeholder'), { dtype: '__proto__' }), /dtype is "__proto__"/],
    [node(at('placeholder'), { shape: [2 ** 20, 2 ** 20] }), /more than 1073741824/],
    [node(at('placeholder'), { shape: [0] }), /shape \[0\] has the size 0, expected whole numbers from 1/],
    [node(at('placeholder'), { shape: [1.5] }), /shape is \[1.5\]/],
    [node(at('placeholder'), { shape: Array(99).fill(1) }), /expected a list of at most 64 whole numbers/],
    [node(at('placeholder'), { shape: [3] }), /do not broadcast|expected the same shape|3/],
    [node(at('placeholder'), { name: 7 }), /name is 7, expected a text/],
    [node(at('variable'), { tensor: 'w' }), /the weights have no tensor w; are both files of one graph\?/],
    [changed(({ nodes }) => nodes.push(nodes[at('variable')])), /tensor v has another node already/],
    [changed(({ nodes }) => nodes.push(nodes[at('placeholder')])), /the name x is taken by another placeholder/],
    [node(at('while'), { subgraphs: [] }), /\(while\): has 0 subgraphs, expected 2/],
    [node(at('while'), { maxIterations: -1 }), /maxIterations is -1, expected a whole number from 0/],
    [node(at('while'), { operands: [] }), /\(while\): its subgraph gave 2 values, but its operands are 0; expected as many/],
    [node(at('output'), { of: at('placeholder') }), /is an output of x f32\[2\], expected a cond, while or unwind/],
    [node(at('output'), { index: 4 }), /index is 4, expected a whole number below 1/],
    [node(at('unwind'), { operands: [at('placeholder')] }), /\(unwind\): its first operand is not an output of a loop/],
    [node(at('assign'), { variable: at('placeholder') }), /assign: x f32\[2\] is no variable/],
    [op({ op: 'sum', attributes: { axes: [0] } }), /\(sum\): keepDims is missing, expected one of true, false/],
    [op({ op: 'sum', attributes: { axes: [7], keepDims: false } }), /\(sum\): sum: axis is 7, expected a whole number from -1 to 0/],
    [op({ op: 'sum', attributes: { axes: [0], keepDims: false, more: 1 } }), /has the attribute more, expected axes, keepDims/],
    [
      withText(saved, text(op({ op: 'neg' })).replace('"attributes":{},"op":"neg"', '"attributes":{"__proto__":1},"op":"neg"')),
      /has the attribute __proto__, expected none/,
    ],
    [op({ op: 'broadcastTo', attributes: { shape: [2 ** 30, 2] } }), /shape \[1073741824,2\] has more than 1073741824 elements/],
    [op({ op: 'cast', attributes: { dtype: 'f99' } }), /dtype is "f99"/],
    [op({ op: 'concat', operands: [0, 0], attributes: { axis: 1 } }), /concat: axis is 1, expected/],
    [op({ op: 'avgPool2d', attributes: { kind: 'max' } }), /kind is "max", expected one of average/],
    [
      changed(({ nodes }) => {
        const pooling = { kind: 'average', window: 2, stride: 2, padding: 0, dilation: 1, countPadding: true, of: [1, 1, 99, 99] };
        const g =
          nodes.push({ kind: 'op', op: 'reshape', operands: [at('placeholder')], attributes: { shape: [1, 1, 1, 2] } } as never) - 1;
        nodes.push({ kind: 'op', op: 'avgPool2dGrad', operands: [g], attributes: pooling } as never);
      }),
      /operand 0 is reshape_\d+ f32\[1,1,1,2\], but 2401 elements of it are read/,
    ],
    [
      op({ op: 'random', attributes: { distribution: 'uniform', shape: [2], seed: 1, counted: true } }),
      /random: step is f32\[2\], expected a number, or i32\[1\]/,
    ],
    [op({ op: 'neg', operands: [0, 0] }), /\(neg\): has 2 operands, expected 1/],
    [op({ op: 'matmul', operands: [{ number: 1 }, 0], attributes: { relu: false } }), /\(matmul\): has the operand \{"number":1\}/],
    [op({ op: 'add', operands: [0, { number: 'many' }] }), /number is "many", expected a number, or one of the texts/],
    [
      op({ op: 'random', operands: [], attributes: { distribution: 'uniform', shape: [2 ** 20, 2 ** 20], seed: 1 } }),
      /more than 1073741824 elements/,
    ],
    [
      op({ kind: 'update', operands: [0], rule: [{ kind: 'system', operands: [] }] }),
      /step 0 of its rule: is "system" of \[\], expected an operation/,
    ],
    [op({ kind: 'update', operands: [0], rule: [{ kind: 'input', value: 3 }] }), /step 0 of its rule: reads operand 3, expected one of 1/],
    [
      op({
        kind: 'update',
        operands: [0],
        rule: [
          { kind: 'input', value: 0 },
          { kind: 'toString', operands: [0] },
        ],
      }),
      /step 1 of its rule: /,
    ],
    [op({ kind: 'update', operands: [0], rule: [] }), /its rule has 0 steps, expected 1 to 1000/],
  ];
  for (const [files, message] of cases) assert.match(complaintOf(files), message);
  assert.is(({} as Record<string, unknown>).format, undefined);
});

test('a chain of ten thousand nodes, and loops in loops, are saved and loaded', async () => {
  let chain: GraphNode = placeholder([1], 'f32', 'x');
  for (let i = 0; i < 10_000; i++) chain = chain.add(1);
  let nest = (x: GraphNode): GraphNode => x.add(1);
  for (let depth = 0; depth < 12; depth++) {
    const inner = nest;
    nest = (x) => whileLoop((y) => ops.sum(y).lt(5), inner, x);
  }
  const { fetches } = load(await save({ chain, nest: nest(constant([0])) }));
  await using session = new Session({ device });
  assert.equal(list(await session.run(fetches.get('nest')!)), [5]);
});

test('a step of gradient descent is saved with the names of nodes that have one', async () => {
  const v = variable([1], 'v');
  const { variables } = load(await save({ step: new GradientDescent({ rate: 1 }).minimize(ops.sum(v)) }));
  assert.equal([...variables.keys()], ['v']);
});

test.run();
