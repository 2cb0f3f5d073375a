// Distributions, a row each: every sample as a dot, a box from quartile to quartile with a line at the median.
//
//   name                          median
//   . .. .:[::|::].:. .      .

import { scaleLinear, scaleLog } from 'd3-scale';
import { quantile } from '../quantile.ts';
import { bottomAxis } from './axes.ts';
import { type Chart, el, hint, SERIES, shortened, text } from './svg.ts';

export interface Distribution {
  readonly name: string;
  readonly values: readonly number[];
}

const WIDTH = 420;
const ROW = 38;
const LETTERS = 56;
/** Dots of a row: of more values so many order statistics, evenly spaced, least and greatest among them. */
const DOTS = 60;
const WIDE = 4;
/** Heights of dots above and below their line, by turns, so that they hide each other less. */
const JITTER = [0, 4, -4, 2, -2, 5, -5];

function shownOf(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length <= DOTS) return sorted;
  return Array.from({ length: DOTS }, (_, i) => sorted[Math.round((i * (sorted.length - 1)) / (DOTS - 1))]);
}

/** `say` writes a value with its unit. Rows without values are left out. */
export function distributionChart(title: string, rows: readonly Distribution[], say: (value: number) => string): Chart {
  const drawn = rows.filter(({ values }) => values.length > 0);
  const [least, most] = drawn
    .flatMap(({ values }) => values)
    .reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Number.POSITIVE_INFINITY, 0]);
  const frame = { left: 14, right: WIDTH - 16, top: 4, bottom: 10 + ROW * drawn.length };
  const [low, high] = drawn.length > 0 ? [least, most] : [1, 2];
  const isWide = low > 0 && high / low > WIDE;
  const x = isWide
    ? scaleLog([low, high], [frame.left, frame.right]).nice()
    : scaleLinear([low === high ? low * 0.99 : low, high === low ? high * 1.01 || 1 : high], [frame.left, frame.right]).nice();
  const body = drawn.map(({ name, values }, i) => {
    const y = frame.top + ROW * i + 27;
    const [first, middle, third] = [0.25, 0.5, 0.75].map((p) => quantile(values, p));
    const end = say(middle);
    const dots = shownOf(values).map((value, j) => `M${x(value).toFixed(1)},${y + JITTER[j % JITTER.length]}h0`);
    return el(
      'g',
      {},
      hint(`${name}: median ${end}, quartiles ${say(first)} and ${say(third)}, ${values.length} samples`),
      text(frame.left, y - 11, shortened(name, LETTERS - end.length), { class: 'halo' }),
      text(frame.right, y - 11, end, { 'text-anchor': 'end', class: 'halo' }),
      el('path', { class: `dots stroke${i % SERIES}`, d: dots.join('') }),
      el('rect', { class: 'box', x: x(first), y: y - 6, width: Math.max(1, x(third) - x(first)), height: 12, rx: 2 }),
      el('line', { class: 'box', 'stroke-width': 2, x1: x(middle), x2: x(middle), y1: y - 6, y2: y + 6 }),
    );
  });
  return { title, width: WIDTH, height: frame.bottom + 20, body: bottomAxis(x, frame, say, 3) + body.join('') };
}
