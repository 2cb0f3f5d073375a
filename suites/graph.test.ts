import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { devicesForTests } from '../framework/each-device.ts';
import { add, graph, matmul, relu, scope, tensor } from '../framework/index.ts';
import type { Summary } from '../harness/record.ts';
import { type Request, UsageError, type Work } from '../harness/suite.ts';
import { branchIn } from './graph/branch.ts';
import { chainIn } from './graph/chain.ts';
import { type ConvolutionSizes, fusedIn, reluIn } from './graph/fused.ts';
import { convolutionalNet, denseNet } from './graph/net.ts';
import { countsOf, type Place } from './graph/place.ts';
import { recurrenceIn } from './graph/recurrence.ts';
import { formsOf, rewritesOf, trainedIn } from './graph/rewritten.ts';
import { untilIn } from './graph/until.ts';
import { usedIn } from './graph/used.ts';
import suite from './graph.ts';

const request = (more: Partial<Request> = {}): Request => ({
  devices: ['cpu', 'webgpu'],
  quick: false,
  seed: 1,
  threads: [1, 2],
  options: {},
  ...more,
});

test('every part in each place; the forms of one case run in one place; parts by option', () => {
  const cases = suite.cases(request());
  const programs = ['two-layer-64x1000x100', 'cnn-32x3x28x28', 'block-8x32x28x28'];
  const names = [
    ...['nodes/10x10', 'nodes/100x10'],
    ...programs.map((program) => `rewrites/${program}`),
    ...['conv-relu/3x3-16x32x28x28', 'conv-relu/1x1-16x32x28x28', 'conv-relu/step-32x3x28x28'],
    ...['until/5x16x64', 'until/25x16x64', 'recurrence/20x16x32x64', 'cond/16x64'],
  ];
  const places = ['cpu/1', 'cpu/2', 'webgpu'];
  const sorted = (texts: readonly string[]) => [...texts].sort();
  assert.equal(sorted(cases.map(({ name }) => name)), sorted(names.flatMap((name) => places.map((place) => `graph/${name}/${place}`))));
  for (const { name, arms } of cases)
    for (const arm of arms!) {
      const place = arm.name.split('@')[1];
      assert.ok(name.endsWith(`/${place}`), `${arm.name} in ${name}`);
      assert.equal([arm.device, arm.threads], place === 'webgpu' ? ['webgpu', undefined] : ['cpu', Number(place.slice(4))]);
    }
  assert.is(suite.cases(request({ options: { part: 'cond' } })).length, places.length);
  const [, program] = programs;
  const chosen = suite.cases(request({ options: { part: 'rewrites', program } }));
  assert.equal(
    chosen.map(({ name }) => name),
    places.map((place) => `graph/rewrites/${program}/${place}`),
  );
  assert.throws(
    () => suite.cases(request({ options: { part: 'leaves' } })),
    (error: Error) =>
      error instanceof UsageError && error.message.includes("--part: 'leaves' is none of nodes, rewrites, conv-relu, loop, cond"),
  );
  assert.throws(
    () => suite.cases(request({ shapes: '64' })),
    (error: Error) => error instanceof UsageError && error.message.startsWith('--shapes: the programs of graph have their sizes'),
  );
});

test('a quick run has every part, on the CPU with the most threads only', () => {
  const cases = suite.cases(request({ quick: true }));
  const parts = (place: string) => [...new Set(cases.filter(({ name }) => name.endsWith(place)).map(({ name }) => name.split('/')[1]))];
  assert.equal(parts('cpu/2'), ['nodes', 'rewrites', 'conv-relu', 'until', 'cond']);
  assert.equal(parts('webgpu'), parts('cpu/2'));
  assert.equal(parts('cpu/1'), []);
});

test('a program runs eagerly, without rewrites, with each alone, with all but each, and with all', () => {
  const forms = formsOf(['constantFolding', 'convolutionScale']);
  assert.equal(forms, [
    ...['eager', 'none', 'only constantFolding', 'only convolutionScale and constantFolding'],
    ...['all but constantFolding', 'all but convolutionScale', 'all'],
  ]);
  const on = (form: string) => graph.REWRITES.filter((rewrite) => rewritesOf(form)[rewrite]);
  assert.equal(on('none'), []);
  assert.equal(on('only constantFolding'), ['constantFolding']);
  assert.equal(on('only convolutionScale and constantFolding'), ['convolutionScale', 'constantFolding']);
  assert.equal(
    on('all but constantFolding'),
    graph.REWRITES.filter((rewrite) => rewrite !== 'constantFolding'),
  );
  assert.equal(on('all'), [...graph.REWRITES]);
});

const cpu: Place = { device: 'cpu', threads: 1 };
const dense = denseNet(6, 10, 5);
const cnn = convolutionalNet(3, 2, 9, [3, 5]);
const block = { batch: 2, channels: 3, side: 5 };

test('the rewrites that are listed for a program find something in it, alone or with the others, and no others do', async () => {
  const listed = (program: string) =>
    suite
      .cases(request({ devices: ['cpu'], threads: [1], options: { part: 'rewrites' } }))
      .find(({ name }) => name.includes(program))!
      .arms!.flatMap(({ name }) => /^all but (\w+)/.exec(name)?.[1] ?? []);
  const forms = formsOf(graph.REWRITES).filter((form) => form === 'all' || form.startsWith('only '));
  const programs: Record<string, (form: string) => Promise<Work>> = {
    'two-layer': (form) => trainedIn(form, dense, cpu, 1),
    cnn: (form) => trainedIn(form, cnn, cpu, 1),
    block: (form) => usedIn(form, block, cpu, 1),
  };
  for (const [program, make] of Object.entries(programs)) {
    const found = new Set<graph.Rewrite>();
    const { report } = graph.Session.prototype;
    graph.Session.prototype.report = function () {
      const step = report.call(this);
      for (const name of graph.REWRITES) if (step.rewrites[name] > 0) found.add(name);
      return step;
    };
    try {
      for (const form of forms) {
        const work = await make(form);
        await work.facts!();
        await work.close!();
      }
    } finally {
      graph.Session.prototype.report = report;
    }
    assert.equal(
      graph.REWRITES.filter((name) => found.has(name)),
      listed(program),
      program,
    );
  }
});

const sizes: ConvolutionSizes = { input: [2, 3, 7, 5], filter: [4, 3, 3, 3], padding: 1 };
const forms = (names: readonly string[], make: (form: string) => ReturnType<typeof chainIn>) =>
  names.map((form) => [form, () => make(form)] as const);

for (const device of await devicesForTests()) {
  const place: Place = device.kind === 'cpu' ? { device: 'cpu', threads: 2 } : { device: 'webgpu' };
  test.after(() => device.close());

  test(`${device.kind}: every form computes what float64 does, and goes on to`, async () => {
    const works = [
      ...forms(['apart', 'fused', 'eager'], (form) => chainIn(form, 10, place)),
      ...forms(['loop', 'unrolled', 'eager'], (form) => recurrenceIn(form, place, 1)),
      ...forms(['loop', 'host', 'eager'], (form) => untilIn(form, 3, place, 1)),
      ...forms(['cond', 'both', 'host', 'eager'], (form) => branchIn(form, place, 1)),
      ...forms(['eager', 'none', 'only matmulEpilogue', 'all'], (form) => trainedIn(form, dense, place, 1)),
      ...forms(['eager', 'none', 'all'], (form) => trainedIn(form, cnn, place, 1)),
      ...forms(['eager', 'none', 'only convolutionScale and constantFolding', 'all'], (form) => usedIn(form, block, place, 1)),
      ...forms(['apart', 'fused'], (form) => fusedIn(form, sizes, place, 1)),
      ['relu', () => reluIn([[2, 3, 7, 5], [11]], place, 1)] as const,
    ];
    for (const [form, make] of works) {
      const work = await make();
      await work.run();
      await work.settle?.();
      assert.is(await work.verify!(), undefined, form);
      const { peakBytes, extra } = await work.facts!();
      assert.ok(peakBytes! > 0 && extra!.launches > 0, form);
      await work.run();
      assert.is(await work.verify!(), undefined, `${form}, again`);
      await work.close!();
    }
  });
}

/** The facts of a form on the CPU. */
async function factsOn(make: () => ReturnType<typeof chainIn>) {
  const work = await make();
  await work.run();
  const facts = await work.facts!();
  await work.close!();
  const { launches, kernel_bytes, crossings } = facts.extra!;
  return { launches, kernel_bytes, crossings, bytesD2h: facts.bytesD2h };
}

test('launches, bytes and crossings are those that are counted by hand', async () => {
  // Ten numbers of four bytes, each read and written by every op that has a kernel of its own.
  for (const [form, kernels] of [
    ['apart', 10],
    ['fused', 1],
    ['eager', 10],
  ] as const) {
    const { launches, kernel_bytes, crossings } = await factsOn(() => chainIn(form, 10, cpu));
    assert.equal([launches, kernel_bytes, crossings], [kernels, kernels * 80, 0], form);
  }
  // The ReLU reads and writes 2 · 4 · 7 · 5 numbers, which fusing avoids.
  const apart = await factsOn(() => fusedIn('apart', sizes, cpu, 1));
  const fused = await factsOn(() => fusedIn('fused', sizes, cpu, 1));
  const alone = await factsOn(() => reluIn([[2, 4, 7, 5]], cpu, 1));
  assert.is(apart.kernel_bytes - fused.kernel_bytes, 8 * 280);
  assert.is(apart.launches - fused.launches, 1);
  assert.equal([alone.launches, alone.kernel_bytes], [1, 8 * 280]);
  // A loop reads its predicate, one byte or a word, before each of three iterations and once more; a host its sum of squares as often.
  for (const [form, least] of [
    ['loop', 1],
    ['host', 4],
    ['eager', 4],
  ] as const) {
    const { crossings, bytesD2h } = await factsOn(() => untilIn(form, 3, cpu, 1));
    assert.equal([crossings, bytesD2h], [4, 4 * least], form);
  }
  for (const [form, crossings] of [
    ['cond', 1],
    ['both', 0],
    ['host', 1],
    ['eager', 1],
  ] as const)
    assert.is((await factsOn(() => branchIn(form, cpu, 1))).crossings, crossings, form);
});

test('counting sees kernels, copies and crossings of any work, and leaves the device as it was', async () => {
  const [device] = await devicesForTests();
  await scope(async () => {
    const [a, b, bias] = [
      tensor(new Float32Array(12), { device, shape: [3, 4] }),
      tensor(new Float32Array(20), { device, shape: [4, 5] }),
      tensor(new Float32Array(5), { device }),
    ];
    const product = () => scope(() => relu(add(matmul(a, b), bias)).read());
    await product();
    const counts = await countsOf(device, async () => {
      device.write(a.storage.buffer, new Float32Array(12));
      device.copy(a.storage.buffer, a.storage.buffer, 0, 24, 24);
      await product();
    });
    // The product reads 12 + 20 and writes 15, the addition reads 15 + 5 and writes 15, the ReLU reads and writes 15.
    assert.is(counts.launches, 3);
    assert.is(counts.kernelBytes, 4 * (12 + 20 + 15 + 15 + 5 + 15 + 15 + 15) + 2 * 24);
    assert.equal([counts.toDevice, counts.toHost, counts.crossings], [48, 60, 2]);
    assert.equal((await countsOf(device, () => {})).launches, 0);
  });
  await device.close();
});

/** A row: median in milliseconds, and an interval of 2 % around it. */
const row = (name: string, form: string, ms: number, extra: Summary['extra'] = {}): Summary => ({
  run_id: 'made-up',
  time_utc: '2026-01-02T03:04:05.000Z',
  suite: 'graph',
  case: `graph/${name}`,
  device: 'cpu',
  arm: `${form}@${name.split('/').slice(2).join('/')}`,
  dtype: 'f32',
  status: 'ok',
  median_ns: ms * 1e6,
  ci_low_ns: ms * 0.98e6,
  ci_high_ns: ms * 1.02e6,
  extra,
});

const said = (...rows: Summary[]) => suite.verdict!(rows, request());

test('the verdict says what one more op costs, by the slope between two chains', () => {
  const rows = [
    row('nodes/10x10/cpu/2', 'apart', 0.002, { nodes: 10, launches: 10 }),
    row('nodes/10x10/cpu/2', 'fused', 0.001, { nodes: 10, launches: 1 }),
    row('nodes/10x10/cpu/2', 'eager', 0.011, { nodes: 10, launches: 10 }),
    row('nodes/100x10/cpu/2', 'apart', 0.011, { nodes: 100, launches: 100 }),
    row('nodes/100x10/cpu/2', 'fused', 0.00127, { nodes: 100, launches: 4 }),
    row('nodes/100x10/cpu/2', 'eager', 0.101, { nodes: 100, launches: 100 }),
  ];
  assert.equal(said(...rows), [
    'cpu/2: one more op on ten numbers costs 100 ns in a static graph; eagerly 1 µs, 10 times as much; fused with its neighbours 3 ns (4 launches for 100)',
  ]);
  assert.equal(said(rows[0], rows[1]), [], 'one chain has no slope');
  const lost = said(rows[0], rows[3], rows[1], { ...rows[4], median_ns: 0.0009e6 });
  assert.match(lost[0], /fused with its neighbours nothing that can be told/);
});

test('the verdict says what the rewrites save together and each alone, and where no difference can be told', () => {
  const name = 'rewrites/net/cpu/1';
  const facts = (launches: number, moved: number, held: number) => ({ launches, kernel_bytes: moved, plan_bytes: held });
  const rows = [
    row(name, 'eager', 1.4, { launches: 30, kernel_bytes: 3e6 }),
    row(name, 'none', 1.2, facts(25, 3e6, 2.77e6)),
    row(name, 'only pointwiseChains', 1.08, facts(21, 2.4e6, 2.77e6)),
    row(name, 'only constantFolding', 1.19, facts(24, 3e6, 2.77e6)),
    row(name, 'only inPlaceUpdates', 1.26, facts(25, 3e6, 1.97e6)),
    row(name, 'all but constantFolding', 1, facts(17, 2e6, 1.5e6)),
    row(name, 'all', 0.9, facts(16, 2e6, 1.5e6)),
  ];
  assert.equal(said(...rows), [
    "cpu/1, net: eagerly 1.4 ms in 30 launches, as a static graph 1.2 ms, with all rewrites 900 µs; they save 25 % of the time, 9 of 25 launches, 1 MB of 3 MB that kernels move, 1.27 MB of 2.77 MB of the plan's memory",
    'cpu/1, net: switched on alone, they save: pointwiseChains 10 % of the time, 4 launches, 600 kB that kernels move; constantFolding no time that can be told, 1 launch; inPlaceUpdates no time (it takes 5 % more), 800 kB of memory',
  ]);
  assert.equal(said(rows[1]), [], 'nothing to compare with');
  assert.is(said(rows[1], rows[6]).length, 1);
});

test('the verdict holds what fusing a ReLU saves against what its bytes take', () => {
  const rows = (fused: number, relu: number) => [
    row('conv-relu/3x3/webgpu', 'apart', 10, { kernel_bytes: 12e6, launches: 2 }),
    row('conv-relu/3x3/webgpu', 'fused', fused, { kernel_bytes: 8e6, launches: 1 }),
    row('conv-relu/3x3/webgpu', 'relu', relu, { kernel_bytes: 4e6, launches: 1 }),
  ];
  assert.equal(said(...rows(9, 1)), [
    'webgpu, 3x3: convolution and ReLU in one kernel avoids 4 MB of the 12 MB that kernels move and 1 launch, and saves 1 ms of 10 ms (10 %); a ReLU by itself takes 1 ms for 4 MB, 4 GB/s: that agrees (saved: 620 µs to 1.38 ms)',
  ]);
  assert.match(said(...rows(9, 0.5))[0], /more is saved than that/);
  assert.match(said(...rows(9, 2))[0], /less is saved than that/);
  assert.match(
    said(...rows(9.9, 1))[0],
    /and saves no time that can be told of 10 ms; .* less is saved than that \(saved: -298 µs to 498 µs\)/,
  );
  assert.match(said(...rows(12, 1))[0], /and takes 2 ms more than the 10 ms apart;/);
  const once = rows(9, 0.5).map((each) => ({ ...each, ci_low_ns: undefined, ci_high_ns: undefined }));
  assert.match(said(...once)[0], /one process of each does not tell whether that agrees/);
});

test('the verdict says what loops and conditionals cost in the graph and on the host', () => {
  const until = (iterations: number, loop: number, host: number) => [
    row(`until/${iterations}/cpu/1`, 'loop', loop, { iterations, crossings: iterations + 1 }),
    row(`until/${iterations}/cpu/1`, 'host', host, { iterations, crossings: iterations + 1 }),
  ];
  assert.equal(said(...until(5, 0.1, 0.2), ...until(25, 0.3, 0.7)), [
    'cpu/1: one more iteration of a loop costs 25 µs where the host loops over a session, and 10 µs in the graph, 0.4 times that (26 and 26 crossings in all)',
  ]);
  const recurrence = ['loop', 'unrolled', 'eager'].map((form, i) =>
    row('recurrence/20/cpu/1', form, 0.3 - 0.1 * (i % 2), { iterations: 20 }),
  );
  assert.equal(said(...recurrence), [
    "cpu/1: 20 iterations with gradients take 300 µs as a loop in the graph, 1.5 times the 200 µs of the same steps written out there (its operations are about 4/3 of theirs); by the host's own loop, eagerly, 300 µs",
  ]);
  const branch = [row('cond/16/cpu/1', 'cond', 0.02), row('cond/16/cpu/1', 'host', 0.04), row('cond/16/cpu/1', 'both', 0.03)];
  assert.equal(said(...branch), [
    'cpu/1: a conditional takes 20 µs in the graph, 0.5 times the 40 µs where the host reads the predicate and runs one of two fetches; 30 µs where both branches are computed and nothing is read',
  ]);
  assert.equal(said(branch[0], { ...branch[1], status: 'skipped', median_ns: undefined }), []);
  assert.equal(said(), []);
});

test.run();
