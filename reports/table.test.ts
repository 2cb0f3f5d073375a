import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fast, skipped, slow, summaries, wrong } from './example.ts';
import { table, terminalStyle } from './table.ts';

const lines = (width: number, rows = summaries) => table(rows, { width }).split('\n');

test('no line is wider than the terminal, and numbers stay', () => {
  for (const width of [40, 60, 80, 100, 132, 200]) {
    const text = lines(width);
    for (const line of text) assert.ok(line.length <= width, `${line.length} > ${width}: ${line}`);
    assert.ok(text.some((line) => line.includes('1.23 ms')));
  }
});

test('what matters least leaves first', () => {
  const header = (width: number) => lines(width)[0];
  assert.match(
    header(200),
    /case +arm +time +spread +to best +GFLOP\/s +GB\/s +of roof +bound +cold +to device +to host +peak +error +note +warm_ns/,
  );
  assert.not.match(header(120), /warm_ns|peak/);
  assert.match(header(120), /GFLOP\/s/);
  assert.match(header(50), /case +arm +time/);
});

test("a suite's own columns that do not fit are a second table", () => {
  const text = lines(120);
  const second = text.findIndex((line, i) => i > 0 && /^ +case +arm/.test(line));
  assert.match(text[second], /case +arm +note +warm_ns$/);
  assert.is(text[second - 1], '');
  assert.ok(text.slice(second).some((line) => line.includes('ours:packed@cpu/2')));
  assert.not.ok(lines(200).some((line, i) => i > 0 && /^ +case +arm/.test(line)));
});

test('the fastest of a case is marked, numbers are right-aligned, a case is named once', () => {
  const text = lines(160, [slow, fast]);
  assert.match(text[1], /^ {2}matmul\/512x512x512\/nn\/f32 {2}openblas .* 2\.47 ms/);
  assert.match(text[2], /^\* {28}ours:packed@cpu\/2 .* 1\.23 ms/);
  assert.is(text[1].indexOf('2.47 ms'), text[2].indexOf('1.23 ms'));
  assert.match(text[1], /2\.00x/);
  assert.not.match(table([fast], { width: 160 }), /^\*/m);
});

test('what was not measured says so in the row, and why below', () => {
  const text = table([wrong, skipped, { ...skipped, arm: 'ours:naive@webgpu' }], { width: 160 });
  assert.match(text, /ours:naive@cpu\/1 +wrong/);
  assert.match(text, /! matmul\/1024x1024x1024\/nn\/f32 ours:tiled@webgpu and 1 more: skipped: no WebGPU adapter/);
});

test('against a baseline, the ratio and its interval stay to the end', () => {
  const compared = { ...slow, extra: { baseline: fast.arm, ratio: 0.5, ratio_low: 0.48, ratio_high: 0.52 } };
  const text = table([{ ...fast, extra: { baseline: fast.arm, ratio: 1 } }, compared], { width: 100 });
  assert.match(text, /speed-up/);
  assert.match(text, /0\.500x \[0\.480, 0\.520\]/);
  assert.not.match(text, /ratio_low/);
});

test('colour only on a terminal that wants it', () => {
  assert.equal(terminalStyle({ isTTY: true, columns: 100 }, {}), { width: 100, colour: true });
  assert.equal(terminalStyle({ isTTY: true, columns: 100 }, { NO_COLOR: '1' }), { width: 100, colour: false });
  assert.equal(terminalStyle({}, { COLUMNS: '70' }), { width: 70, colour: false });
  assert.not.ok(table(summaries).includes('\x1b'));
  assert.ok(table(summaries, { colour: true }).includes('\x1b[32m* '));
});

test('no rows are a line', () => assert.is(table([]), 'nothing was measured\n'));

test.run();
