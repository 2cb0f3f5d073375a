import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { svgFile } from './charts/svg.ts';
import { bestOf, chartsOf, gainsChart, mapsOf, type SearchRecord, summaryOf, type TuningReport, tuningPage, tuningRows } from './tuning.ts';
import { assertWellFormed } from './well-formed.ts';

const search: SearchRecord = {
  kernel: 'packed',
  space: { MR: [4, 6], NR: [8, 16], KU: [1, 2] },
  evaluations: [
    { tunables: { MR: 4, NR: 8, KU: 1 }, ns: 4000 },
    { tunables: { MR: 6, NR: 8, KU: 1 }, failure: 'correctness: element 3 is <wrong>' },
    { tunables: { MR: 4, NR: 16, KU: 1 }, ns: 2000 },
    { tunables: { MR: 6, NR: 16, KU: 2 }, ns: 1000 },
    { tunables: { MR: 6, NR: 16, KU: 1 }, ns: 1100 },
  ],
};
const report: TuningReport = {
  title: 'Tuning <matmul> & more',
  facts: { device: 'Some "Processor"' },
  tunings: [
    {
      name: 'matmul/8x8x8@cpu/2',
      searches: [search],
      decision: {
        kernel: 'packed',
        tunables: 'MR=6 NR=16 KU=2',
        ns: 1000,
        defaultKernel: 'direct',
        defaultNs: 1250,
        ratio: { value: 1.25, low: 1.2, high: 1.3 },
        seconds: 2,
      },
    },
    { name: 'matmul/9x9x9@cpu/2', searches: [{ ...search, evaluations: search.evaluations.slice(0, 2) }] },
  ],
};

/** A chart or a page without a figure that is none. */
function assertSound(markup: string): void {
  assertWellFormed(markup);
  assert.not.match(markup, /NaN|undefined|Infinity/);
}

test('the best configuration is the fastest right one, and maps are of the tunables that matter most', () => {
  assert.equal(bestOf(search)!.tunables, { MR: 6, NR: 16, KU: 2 });
  const [first, ...others] = mapsOf(search);
  assert.equal([first.rowName, first.columnName, others.length], ['NR', 'MR', 2]);
  const cells = first.cells.map(({ row, column, times, count }) => [row, column, times, count]);
  assert.equal(cells, [
    [8, 4, 4, 1],
    [16, 4, 2, 1],
    [16, 6, 1, 2],
  ]);
  assert.is(bestOf({ ...search, evaluations: search.evaluations.slice(1, 2) }), undefined);
});

test('charts are well-formed SVG with failures and hints in them', () => {
  const charts = report.tunings.flatMap(chartsOf);
  assert.equal(
    charts.map(({ file }) => file),
    [
      'matmul-8x8x8-cpu-2.progress.svg',
      'matmul-8x8x8-cpu-2.packed.NR.MR.svg',
      'matmul-8x8x8-cpu-2.packed.NR.KU.svg',
      'matmul-8x8x8-cpu-2.packed.MR.KU.svg',
      'matmul-9x9x9-cpu-2.progress.svg',
    ],
  );
  for (const { chart } of [...charts, gainsChart(report)!]) {
    const text = svgFile(chart);
    assertSound(text);
    assert.match(text, /prefers-color-scheme: dark/);
  }
  assert.match(svgFile(charts[0].chart), /correctness: element 3 is &lt;wrong&gt;/);
  assert.is([...svgFile(charts[0].chart).matchAll(/<circle class="fill0" fill-opacity/g)].length, 4);
});

test('rows say what was found, how much it pays, how sure that is, and when it is won back', () => {
  const [first, second] = tuningRows(report);
  assert.equal(first, [
    'matmul/8x8x8@cpu/2',
    'packed MR=6 NR=16 KU=2',
    '1.00 µs',
    '1.25 µs (direct)',
    '1.250',
    '1.200 to 1.300',
    '5',
    '1',
    '8,000,000',
  ]);
  assert.equal(second, ['matmul/9x9x9@cpu/2', 'packed MR=4 NR=8 KU=1', '4.00 µs', '', '', 'not finished', '2', '1', '']);
  assert.is(
    summaryOf(report),
    '1 tunings: 1.250 times as fast as the defaults (geometric mean); 1 faster beyond doubt, 0 slower. 1 not finished.',
  );
});

test('the page needs nothing else, and nothing that was measured can break it', () => {
  const page = tuningPage(report);
  assertSound(page.replace('<!doctype html>', '').replaceAll(/<(meta)[^>]*>/g, ''));
  assert.match(page, /<title>Tuning &lt;matmul&gt; &amp; more<\/title>/);
  assert.match(page, /name="viewport"/);
  assert.not.match(page.replaceAll('http://www.w3.org/2000/svg', ''), /https?:|src=|<link|<script/);
  const nothing = tuningPage({ ...report, tunings: [{ name: 'x', searches: [{ ...search, evaluations: [] }] }] });
  assert.match(nothing, /nothing right/);
});

test.run();
