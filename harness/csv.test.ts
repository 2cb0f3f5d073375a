import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { csvRecords, readCsv, wholeLength } from './csv.ts';

const fields = (text: string) => [...csvRecords(text)].map((record) => record.fields);

test('what spreadsheets and Python write is read: quotes, doubled quotes, commas, line ends of either kind', () => {
  assert.equal(fields('a,b\r\n1,"x, ""y"""\r\n'), [
    ['a', 'b'],
    ['1', 'x, "y"'],
  ]);
  assert.equal(fields('a,b\n,\n'), [
    ['a', 'b'],
    ['', ''],
  ]);
  assert.equal(fields('a,""\n"",b'), [
    ['a', ''],
    ['', 'b'],
  ]);
  assert.equal(fields('a,b,\n'), [['a', 'b', '']]);
  assert.equal(fields(''), []);
});

test('a line end inside quotes stays in the field, and lines are counted past it', () => {
  const records = [...csvRecords('a,b\r\n"one\r\ntwo",2\r\n3,4\r\n')];
  assert.equal(
    records.map(({ line }) => line),
    [1, 2, 4],
  );
  assert.is(records[1].fields[0], 'one\r\ntwo');
});

test('a byte order mark does not become part of the first name', () => {
  assert.equal(readCsv('\ufeffm,n\r\n1,2\r\n').columns, ['m', 'n']);
});

test('rows are read by name, in any order of columns, with their lines', () => {
  const { rows } = readCsv('n,m\n\n2,1\n\n4,3\n');
  assert.equal(rows, [
    { line: 3, values: { n: '2', m: '1' } },
    { line: 5, values: { n: '4', m: '3' } },
  ]);
});

test('damage is an error that names the line', () => {
  assert.throws(() => fields('a,b\n1,"x\n2,3\n'), /line 2: a quoted field is never closed/);
  assert.throws(() => fields('a\n"x"y\n'), /line 2: 'y' follows a closing quote/);
  assert.throws(() => fields('a\n1\nx"y\n'), /line 3: a quote inside a field/);
  assert.throws(() => fields('a\r1\r'), /line 1: a carriage return/);
  assert.throws(() => readCsv('a,b\n1,2\n3\n'), /line 3: found 1 fields, expected 2 \(a, b\)/);
  assert.throws(() => readCsv('a,a\n'), /line 1: the column 'a' appears twice/);
  assert.throws(() => readCsv('\n'), /the file is empty/);
});

test('the whole part ends where the last record has its line end, wherever the writer died', () => {
  const text = 'a,b\r\n1,"x\r\ny"\r\n';
  const ends = [0, 5, text.length];
  for (let cut = 0; cut <= text.length; cut++) {
    const expected = ends.filter((end) => end <= cut).at(-1);
    assert.is(wholeLength(text.slice(0, cut)), expected, `cut at ${cut}`);
  }
});

test.run();
