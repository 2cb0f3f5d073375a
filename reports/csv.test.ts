import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readCsv } from '../harness/csv.ts';
import { readSamples, readSummaries, SAMPLE_COLUMNS, SUMMARY_COLUMNS, samplesCsv, summaryCsv } from './csv.ts';
import { fast, samples, summaries } from './example.ts';

const SUMMARY =
  'run_id,time_utc,suite,case,device,adapter,arm,kernel,tunables,tune_source,dtype,threads,v8_flags,status,reason,forks,samples,median_ns,mad_ns,' +
  'ci_low_ns,ci_high_ns,cold_ns,gflops,gbps,roof_pct,bound,bytes_h2d,bytes_d2h,peak_bytes,max_rel_err,verified';
const SAMPLES =
  'run_id,suite,case,arm,device,kernel,dtype,threads,fork,round,slot,metric,unit,value,iterations,canary,steal_pct,dropped,reason';

const present = (row: object) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined));

test("columns stand in the contract's order, a suite's own after them", () => {
  assert.is(SUMMARY_COLUMNS.join(), SUMMARY);
  assert.is(SAMPLE_COLUMNS.join(), SAMPLES);
  assert.is(summaryCsv(summaries).split('\r\n')[0], `${SUMMARY},note,warm_ns`);
  assert.is(samplesCsv(samples, { header: true }).split('\r\n')[0], SAMPLES);
});

test('a row is written as RFC 4180 has it: CRLF, doubled quotes, empty for missing', () => {
  assert.is(readCsv(summaryCsv(summaries)).rows.length, 4);
  const text = summaryCsv(summaries);
  assert.ok(text.endsWith('\r\n'));
  assert.ok(text.includes('"C[3] is NaN, expected ""1.5"", or nearly;\nsee above"'));
  assert.ok(text.includes('"{""KC"":256,""MC"":96}"'));
  assert.is(text.split('\r\n').at(-2)?.endsWith(',,,,,,,'), true);
});

test('what is written reads back the same, numbers exactly', () => {
  assert.equal(readSummaries(summaryCsv(summaries)), summaries.map(present));
  assert.equal(readSamples(samplesCsv(samples, { header: true })), samples.map(present));
  const exact = { ...fast, median_ns: 0.1 + 0.2, max_rel_err: 5e-324 };
  assert.equal(readSummaries(summaryCsv([exact])), [present(exact)]);
});

test('columns in another order and more of them are read by name', () => {
  const [row] = readSummaries(
    `extra_one,${SUMMARY.split(',').reverse().join()}\r\nten,true,,,,,,,,,,,,,,,,,ok,,,f32,,,,a,,cpu,c,s,2026-01-01T00:00:00Z,r\r\n`,
  );
  assert.equal(present(row), {
    run_id: 'r',
    time_utc: '2026-01-01T00:00:00Z',
    suite: 's',
    case: 'c',
    device: 'cpu',
    arm: 'a',
    dtype: 'f32',
    status: 'ok',
    verified: true,
    extra: { extra_one: 'ten' },
  });
});

test('damage names line and column', () => {
  const [header, first] = samplesCsv(samples, { header: true }).split('\r\n');
  const read = (text: string) => () => readSamples(text);
  assert.throws(read(`${header}\r\n${first.replace('1234567.8', '12E')}\r\n`), /line 2: value is '12E'/);
  assert.throws(read(`${header}\r\n${first.replace('cpu,', 'gpu,')}\r\n`), /line 2: device is 'gpu'/);
  assert.throws(read(`${header}\r\n${first}\r\n${first.replace(/^[^,]*/, '')}\r\n`), /line 3: run_id is empty/);
  assert.throws(read('a,b\r\n1,2\r\n'), /line 1: the columns run_id, .* are missing/);
  assert.equal(readSamples(''), []);
});

test('the columns in the contract of this test are those of the records', () => {
  // Guards the reading order of harness/record.ts, which people use as the documentation.
  const source = readFileSync(new URL('../harness/record.ts', import.meta.url), 'utf8');
  const fields = (name: string) =>
    [
      ...source
        .slice(source.indexOf(`interface ${name} `))
        .split('\n}')[0]
        .matchAll(/readonly (\w+)\??:/g),
    ].map(([, field]) => field);
  assert.is(fields('Summary').join(), `${SUMMARY},extra`);
  assert.is(fields('Sample').join(), SAMPLES);
});

test.run();
