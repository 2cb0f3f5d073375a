import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Summary } from '../harness/record.ts';
import { type Request, UsageError } from '../harness/suite.ts';
import { openDevice } from '../kernels/open.ts';
import { startTracing, stopTracing } from '../kernels/span.ts';
import { byteSize, byteSizes } from './byte-sizes.ts';
import { hockney } from './copy/hockney.ts';
import { armNameOf, costOf, type Path, workOf } from './copy/path.ts';
import { firstDifference, pattern } from './copy/pattern.ts';
import suite, { pathsOf } from './copy.ts';

const request = (more: Partial<Request> = {}): Request => ({
  devices: ['cpu', 'webgpu'],
  quick: false,
  seed: 1,
  threads: [1, 2],
  options: {},
  ...more,
});

test('every direction is listed on each side, from 4 bytes to 256 MiB, the loops of the roof where they are large enough', () => {
  const cases = suite.cases(request());
  const families = new Set(cases.map(({ name }) => name.split('/').slice(1, 3).join(' ')));
  assert.equal([...families].sort(), [
    'device-to-device cpu',
    'device-to-device webgpu',
    'device-to-host cpu',
    'device-to-host webgpu',
    'host-to-device cpu',
    'host-to-device webgpu',
    'main-to-worker worker',
  ]);
  assert.is(cases.length, 7 * 12);
  const named = (name: string) => cases.find((one) => one.name === `copy/${name}`)!;
  assert.ok(named('host-to-device/cpu/4B') && named('device-to-host/webgpu/256MiB'));
  const loopsIn = (name: string) => named(name).arms!.filter((arm) => arm.name.startsWith('loop:')).length;
  assert.equal([loopsIn('device-to-device/cpu/4MiB'), loopsIn('device-to-device/cpu/16MiB')], [1, 9]);
  assert.ok(named('device-to-device/cpu/16MiB').loops!.includes('copy@cpu/2'));
  assert.not.ok(named('host-to-device/cpu/16MiB').loops!.includes('view@cpu/1'));
  assert.equal(named('host-to-device/webgpu/16MiB').loops, []);
});

test('sizes and directions are chosen, and what is none is refused', () => {
  const names = suite.cases(request({ devices: ['webgpu'], options: { sizes: '1MiB,64, 4KiB', direction: 'host-to-device' } }));
  assert.equal(
    names.map(({ name }) => name.split('/')[3]),
    ['64B', '4KiB', '1MiB'],
  );
  assert.equal(byteSizes('sizes', '1GiB,1024', 2 ** 30).map(byteSize), ['1KiB', '1GiB']);
  const refused = (options: Request['options'], pattern: RegExp) =>
    assert.throws(
      () => suite.cases(request({ options })),
      (error: Error) => error instanceof UsageError && pattern.test(error.message),
    );
  refused({ sizes: '2GiB' }, /--sizes: '2GiB' is no size; expected whole words from 4B to 1GiB/);
  refused({ sizes: '64KB' }, /'64KB' is no size/);
  refused({ sizes: '6' }, /'6' is no size/);
  refused({ direction: 'up' }, /--direction: 'up' is none of host-to-device/);
});

/** Whether the path's check passes, and fails where a byte is wrong. */
async function checks(path: Path, bytes: number): Promise<void> {
  const name = `${path.direction} ${armNameOf(path)} ${bytes}`;
  const work = await workOf(path, bytes);
  await work.run();
  await work.settle?.();
  assert.is(await work.verify!(), undefined, name);
  for (let i = 0; i < 4; i++) await work.run();
  await work.settle?.();
  assert.is(await work.verify!(), undefined, `${name}, after some calls`);
  const { bytesH2d, bytesD2h } = await work.facts!();
  assert.is(costOf(path, bytes)?.bytes, path.moves ? bytes : undefined, name);
  if (path.moves) assert.equal([bytesH2d, bytesD2h].includes(bytes), path.direction.includes('host'), name);
  await work.close?.();
}

const hasGpu = await openDevice('webgpu').then(
  (device) => device.close().then(() => true),
  () => false,
);

for (const device of ['cpu', 'webgpu'] as const)
  for (const bytes of [4, 5 * 1028])
    test(`${bytes} bytes arrive by every path of ${device}`, async () => {
      if (device === 'webgpu' && !hasGpu) return;
      for (const path of pathsOf({ devices: [device], threads: [1, 2] })) if (bytes >= (path.least ?? 0)) await checks(path, bytes);
    });

test('a trace shows each transfer whole, by its path, and when a worker saw what reached it', async () => {
  const recorder = startTracing();
  const some = ['TypedArray.set', 'clone', 'shared/atomics'];
  for (const path of pathsOf({ devices: ['cpu'], threads: [1] }).filter(({ name }) => some.includes(name))) {
    const work = await workOf(path, 64);
    await work.run();
    await work.close?.();
    const { spans } = recorder.take();
    const [span] = spans.filter(({ name }) => name === armNameOf(path));
    assert.equal([span.category, span.args], ['copy', { bytes: 64 }]);
    const [seen] = spans.filter(({ track }) => track === 'receiving worker');
    assert.is(seen === undefined, path.name === 'TypedArray.set');
    if (!seen) continue;
    assert.equal(seen.args, { bytes: 64 });
    assert.ok(seen.startNs >= span.startNs && seen.startNs + seen.durationNs <= span.startNs + span.durationNs);
  }
  stopTracing();
});

test('the loops of the roof copy all bytes', async () => {
  for (const path of pathsOf({ devices: ['cpu'], threads: [2] }).filter(({ loop, direction }) => loop && direction === 'device-to-device'))
    await checks(path, 2 ** 23);
});

test('a byte that is lost is found, with its place', () => {
  const bytes = pattern(40, 1);
  assert.is(firstDifference(bytes, pattern(40, 1)), undefined);
  assert.match(String(firstDifference(bytes, pattern(40, 2))), /^byte \d+ of 40 arrived as \d+, expected \d+$/);
  bytes[33] ^= 1;
  assert.match(String(firstDifference(bytes, pattern(40, 1))), /^byte 33 of 40/);
  assert.match(String(firstDifference(bytes.subarray(4), pattern(40, 1))), /36 bytes arrived, expected 40/);
});

test('the fit finds latency and bandwidth, and says how well it fits', () => {
  const sizes = [4, 2 ** 10, 2 ** 16, 2 ** 22, 2 ** 28];
  const exact = hockney(sizes.map((bytes) => ({ bytes, ns: 20_000 + bytes / 8 })))!;
  const near = (value: number, expected: number) =>
    assert.ok(Math.abs(value - expected) < 1e-6 * expected, `${value}, expected ${expected}`);
  near(exact.latencyNs, 20_000);
  near(exact.gbps, 8);
  near(exact.halfBytes, 160_000);
  near(exact.r2, 1);
  assert.ok(exact.residual < 1e-9 && exact.worst < 1e-9);
  const rough = hockney(sizes.map((bytes, i) => ({ bytes, ns: (20_000 + bytes / 8) * (i % 2 ? 1.1 : 0.9) })))!;
  assert.ok(Math.abs(rough.gbps - 8) < 1 && rough.r2 > 0.95 && rough.residual > 0.03 && rough.worst < 0.2);
  assert.is(hockney([{ bytes: 4, ns: 1 }]), undefined, 'two points or fewer fit any line');
  const cached = hockney([1, 10, 100].map((bytes) => ({ bytes, ns: bytes ** 1.5 })))!;
  assert.is(cached.latencyNs, 0, 'a latency is never negative');
});

const rowsOf = (direction: string, side: string, arm: string, times: Record<string, number>, more: Partial<Summary> = {}): Summary[] =>
  Object.entries(times).map(([name, median_ns]) => ({
    run_id: 'made-up',
    time_utc: '2026-01-02T03:04:05.000Z',
    suite: 'copy',
    case: `copy/${direction}/${side}/${name}`,
    device: side === 'webgpu' ? 'webgpu' : 'cpu',
    arm,
    dtype: 'u8',
    status: 'ok',
    median_ns,
    extra: { payload_bytes: byteSizes('sizes', name, 2 ** 30)[0] },
    ...more,
  }));

test('the verdict names the path to take, the price of a small transfer, what keeping pays, the roof and the fits', () => {
  const gpu = (arm: string, times: Record<string, number>) => rowsOf('host-to-device', 'webgpu', `${arm}@webgpu`, times);
  const rows = [
    ...gpu('writeBuffer', { '4B': 10_000, '64KiB': 20_000, '16MiB': 4e6 }),
    ...gpu('writeBuffer/fresh', { '4B': 40_000, '64KiB': 60_000, '16MiB': 8e6 }),
    ...gpu('writeBuffer/queued', { '4B': 1000 }),
    ...gpu('staging', { '4B': 30_000, '64KiB': 21_000, '16MiB': 2e6 }),
    ...rowsOf('device-to-host', 'cpu', 'view+copy@cpu/1', { '16MiB': 1.5e6 }, { roof_pct: 97 }),
    ...rowsOf('device-to-host', 'cpu', 'view+copy@cpu/1', { '64MiB': 8e6 }, { roof_pct: 91 }),
    ...rowsOf('device-to-host', 'cpu', 'view@cpu/1', { '64MiB': 50 }),
    ...rowsOf('device-to-host', 'cpu', 'TypedArray.set@cpu/1', { '16MiB': NaN }, { median_ns: undefined, status: 'failed' }),
  ];
  const said = suite.verdict!(rows, request());
  const has = (sentence: string) => assert.ok(said.includes(sentence), `${sentence}\n is not among\n${said.join('\n')}`);
  has(
    'host to device on webgpu: take writeBuffer@webgpu up to 64KiB (3.28 GB/s at 64KiB), staging@webgpu from 16MiB on (8.39 GB/s at 16MiB)',
  );
  has(
    'host to device on webgpu: 4B cost 10 µs from call to arrival (writeBuffer@webgpu), 1 µs each when many are queued (writeBuffer/queued@webgpu)',
  );
  has(
    'host to device on webgpu: keeping buffers pays: writeBuffer/fresh@webgpu takes 4 times at 4B, 2 times at 16MiB what writeBuffer@webgpu does',
  );
  has('device to host on cpu: view@cpu/1 hands over 64MiB in 50 ns without a copy; the best copy takes 8 ms');
  has('CPU copies of 16MiB and more reach at least this much of the best copy loop: device-to-host view+copy@cpu/1 91 % (64MiB)');
  assert.ok(said.some((line) => /^fit, host to device on webgpu, writeBuffer@webgpu: \d+(\.\d+)? µs \+ bytes \/ .* GB\/s/.test(line)));
  const fitOf = (times: Record<string, number>) =>
    suite.verdict!(gpu('staging', times), request()).find((line) => line.startsWith('fit,'))!;
  assert.match(fitOf({ '4B': 1000, '64KiB': 1000 + 65536, '16MiB': 1000 + 2 ** 24 }), /R² 1\.000, error \S+ %, at most \S+ %$/);
  assert.match(fitOf({ '4B': 1000, '64KiB': 2000, '16MiB': 4e6 }), /, so no line: go by the rows$/);
  assert.equal(suite.verdict!([], request()), [], 'no rows, no sentences');
});

test.run();
