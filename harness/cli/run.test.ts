import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SAMPLE_COLUMNS, SUMMARY_COLUMNS } from '../../reports/csv.ts';
import { EXAMPLE, TROUBLE, Workplace } from './bench-process.ts';

const place = new Workplace();
test.after(() => place.remove());

const SHORT = ['--time', '0.05', '--forks', '2', '--no-roof'];
const TINY = ['run', 'matmul', '--device', 'cpu', '--threads', '1', '--kernels', 'naive', ...SHORT];
/** The headline kernel has a second arm under V8's default flags, where flags make a difference. */
const withoutDefaultFlags = (rows: Record<string, string>[]) => rows.filter(({ arm }) => !arm.endsWith('/default-flags'));
/** A file has its columns in the contract's order, and after them those of suites. */
const header = (...path: string[]) =>
  place
    .text(...path)
    .split('\r\n', 1)[0]
    .split(',');

test('the example suite runs, and everything is in the folder', async () => {
  const { code, out, err } = await place.bench(['run', EXAMPLE, ...SHORT, '--baseline', 'recursive', '--format', 'csv,markdown']);
  assert.is(code, 0, err);
  const [folder] = readdirSync(join(place.folder, 'results'));
  assert.match(folder, /^\d{8}T\d{6}Z-fib$/);
  const path = ['results', folder];
  assert.equal(readdirSync(join(place.folder, ...path)).sort(), ['report.md', 'results.json', 'run.json', 'samples.csv', 'summary.csv']);
  assert.is(out, place.text(...path, 'summary.csv'));
  assert.equal(header(...path, 'samples.csv'), SAMPLE_COLUMNS);
  assert.equal(header(...path, 'summary.csv'), [...SUMMARY_COLUMNS, 'baseline', 'ratio', 'ratio_low', 'ratio_high']);

  const rows = place.rows(...path, 'summary.csv');
  assert.equal(
    rows.map((row) => [row.case, row.arm, row.status, row.forks, row.verified]),
    ['10', '20'].flatMap((n) => ['recursive', 'iterative'].map((arm) => [`fib/${n}`, arm, 'ok', '2', 'true'])),
  );
  for (const { arm, ratio, median_ns, ci_low_ns, ci_high_ns } of rows) {
    if (arm === 'recursive') assert.is(ratio, '1');
    assert.ok(Number(ci_low_ns) <= Number(median_ns) && Number(median_ns) <= Number(ci_high_ns));
  }
  const run = JSON.parse(place.text(...path, 'run.json'));
  assert.equal(run.command.slice(0, 1), ['run']);
  assert.is(run.environment.node, process.version);
  assert.ok(run.ended_utc >= run.started_utc);
});

test('kernels are verified, with the contract columns filled', async () => {
  const { code, err } = await place.bench([
    ...TINY,
    '--shapes',
    '9x7x5',
    '--transpose',
    'nn,tt',
    '--epilogue',
    'bias,relu',
    '--out',
    'kernels',
  ]);
  assert.is(code, 0, err);
  const rows = withoutDefaultFlags(place.rows('kernels', 'summary.csv'));
  assert.equal(
    rows.map((row) => [row.case, row.arm, row.kernel, row.dtype, row.threads, row.tunables, row.tune_source, row.verified]),
    ['nn', 'tt'].map((t) => [`matmul/9x7x5/${t}/f32/bias+relu`, 'ours:naive@cpu/1', 'naive', 'f32', '1', '{}', 'default', 'true']),
  );
  for (const row of rows) {
    assert.ok(Number(row.max_rel_err) <= 9 * 2 ** -23);
    for (const column of ['median_ns', 'mad_ns', 'cold_ns', 'gflops', 'gbps', 'peak_bytes']) assert.ok(Number(row[column]) > 0, column);
  }
});

test('every algorithm of a convolution is checked, and a batch that is too large is skipped while the rest goes on', async () => {
  const shapes = '1x6x9x8:4x3x3:s1p1g2,1x4x9x8:4x3x3:s1p1,200x64x224x224:64x3x3:s1p1';
  const passes = ['--pass', 'forward,input-grad,filter-grad', '--epilogue', 'bias,residual,relu'];
  const place1 = ['--device', 'cpu', '--threads', '1', '--time', '0.05', '--forks', '1', '--no-roof'];
  const { code, err } = await place.bench(['run', 'conv', ...place1, '--shapes', shapes, ...passes, '--out', 'conv']);
  assert.is(code, 0, err);
  const rows = withoutDefaultFlags(place.rows('conv', 'summary.csv'));
  const [large, small] = [rows.filter((row) => row.case.includes('200x64')), rows.filter((row) => !row.case.includes('200x64'))];
  for (const row of large) {
    assert.is(row.status, 'skipped', row.arm);
    assert.is(row.median_ns, '');
  }
  assert.ok(large.some(({ reason }) => /more than the 4096 MiB of a WebAssembly memory/.test(reason)));
  const measured = small.filter(({ status }) => status !== 'skipped');
  assert.is(new Set(measured.map((row) => row.case)).size, 6);
  for (const { arm, verified, gflops, max_rel_err, err_2norm } of measured) {
    assert.is(verified, 'true', arm);
    assert.ok(Number(gflops) > 0 && Number(max_rel_err) > 0 && Number(err_2norm) > 0 && Number(err_2norm) < 2e-5, arm);
  }
  for (const name of new Set(measured.map((row) => row.case)))
    assert.is(measured.filter((row) => row.case === name && row.chosen === 'yes').length, 1, name);
});

test('arms of a round take turns in an order that changes, and is the same for the same seed', async () => {
  const orderOf = async (seed: string, out: string) => {
    const { code, err } = await place.bench(['run', TROUBLE, '--only', 'right,waits', ...SHORT, '--seed', seed, '--out', out]);
    assert.is(code, 0, err);
    const samples = place.rows(out, 'samples.csv').filter(({ metric }) => metric === 'time');
    for (const [i, sample] of samples.entries()) assert.is(Number(sample.slot), i % 2);
    return samples.map(({ case: name, fork, arm }) => `${name} ${fork} ${arm}`);
  };
  const [one, again] = [await orderOf('1', 'one'), await orderOf('1', 'again')];
  // Rounds differ in number, never in order: what both have is the same.
  for (const place of new Set(one.map((entry) => entry.split(' ').slice(0, 2).join(' ')))) {
    const [ours, theirs] = [one, again].map((order) => order.filter((entry) => entry.startsWith(place)));
    const both = Math.min(ours.length, theirs.length);
    assert.equal(ours.slice(0, both), theirs.slice(0, both));
  }
});

test('shapes come from a file with other columns, a byte order mark and either line end; repeats count once', async () => {
  writeFileSync(
    join(place.folder, 'shapes.csv'),
    '\ufeffset,m,n,k,a_transposed,b_transposed\r\na,4,5,6,0,0\r\n"b, c",4,5,6,1,0\na,4,5,6,0,0\r\n',
  );
  const { code, err } = await place.bench([...TINY, '--shapes', 'shapes.csv', '--out', 'file']);
  assert.is(code, 0, err);
  assert.equal(
    withoutDefaultFlags(place.rows('file', 'summary.csv')).map((row) => row.case),
    ['matmul/4x5x6/nn/f32', 'matmul/4x5x6/tn/f32'],
  );
});

test('a filter leaves out what is known before, and hides what is only known after', async () => {
  const { code, out } = await place.bench([
    'run',
    EXAMPLE,
    ...SHORT,
    '--filter',
    'case==fib/20 && median_ns>0 && arm==iter*',
    '--format',
    'json',
    '--out',
    'filter',
  ]);
  assert.is(code, 0);
  const { summaries } = JSON.parse(out);
  assert.equal(
    summaries.map((row: { case: string; arm: string }) => [row.case, row.arm]),
    [['fib/20', 'iterative']],
  );
});

test('what a suite says of its rows is told below the table and kept; one that fails to say it costs no row', async () => {
  const only = ['run', TROUBLE, '--only', 'right', ...SHORT, '--format', 'table,markdown'];
  const said = await place.bench([...only, '--out', 'said']);
  assert.is(said.code, 0, said.err);
  assert.match(said.out, /\n\n= 2 of 2 rows are right\n$/);
  assert.equal(JSON.parse(place.text('said', 'results.json')).verdict, ['2 of 2 rows are right']);
  assert.match(place.text('said', 'report.md'), /### Verdict\n\n- 2 of 2 rows are right\n/);
  const mute = await place.bench([...only, '--mute', '--out', 'mute']);
  assert.is(mute.code, 0, mute.err);
  assert.match(mute.err, /the suite trouble has no verdict: no words for it; the rows are kept/);
  assert.is(place.rows('mute', 'summary.csv').length, 2);
});

test('several suites have a folder each below --out', async () => {
  const { code, err } = await place.bench(['run', EXAMPLE, TROUBLE, '--only', 'right', ...SHORT, '--out', 'both', '--trace', 'trace.json']);
  assert.is(code, 0, err);
  assert.equal(readdirSync(join(place.folder, 'both')).sort(), ['fib', 'trouble']);
  assert.ok(JSON.parse(place.text('trace.json')).traceEvents.length > 2);
});

test('a run in which nothing can be measured is invalid, with the reason in its rows', async () => {
  const { code } = await place.bench([
    'run',
    'matmul',
    '--device',
    'cpu',
    '--threads',
    '1',
    '--kernels',
    'gemv',
    '--shapes',
    '64x64x64',
    ...SHORT,
    '--out',
    'nothing',
  ]);
  assert.is(code, 4);
  const [row] = place.rows('nothing', 'summary.csv');
  assert.is(row.status, 'skipped');
  assert.match(row.reason, /at most 8 rows or columns/);
  assert.is(row.median_ns, '');
});

test.run();
