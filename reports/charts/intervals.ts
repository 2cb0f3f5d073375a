// Ratios with their intervals, a row each: a point, a bar from low to high, and a line at 1, where nothing would change.

import { scaleLinear } from 'd3-scale';
import { bottomAxis } from './axes.ts';
import { type Chart, el, hint, text } from './svg.ts';

export interface Interval {
  readonly name: string;
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
}

const WIDTH = 420;
const ROW = 30;

export function intervalChart(title: string, rows: readonly Interval[]): Chart {
  const ends = rows.flatMap(({ value, low = value, high = value }) => [low, high]);
  const frame = { left: 12, right: WIDTH - 14, top: 4, bottom: 8 + ROW * rows.length };
  const x = scaleLinear([Math.min(0.95, ...ends), Math.max(1.1, ...ends)], [frame.left, frame.right]).nice();
  const drawn = rows.map(({ name, value, low, high }, i) => {
    const y = frame.top + ROW * i + 22;
    const words = `${value.toFixed(3)}${low === undefined ? '' : ` (${low.toFixed(3)} to ${high!.toFixed(3)})`}`;
    const label = text(frame.left, y - 8, name.length > 52 ? `${name.slice(0, 51)}…` : name);
    const number = text(frame.right, y - 8, `${value.toFixed(2)}×`, { 'text-anchor': 'end' });
    const bar =
      low === undefined
        ? ''
        : el('line', { class: 'stroke0', 'stroke-width': 3, 'stroke-opacity': 0.5, x1: x(low), x2: x(high!), y1: y, y2: y });
    return el('g', {}, hint(`${name}: ${words}`), label, number, bar, el('circle', { class: 'fill0', cx: x(value), cy: y, r: 3.6 }));
  });
  const one = el('line', { class: 'axis', x1: x(1), x2: x(1), y1: frame.top, y2: frame.bottom });
  const height = frame.bottom + 34;
  const label = text((frame.left + frame.right) / 2, height - 4, 'times as fast as the default', {
    class: 'muted',
    'text-anchor': 'middle',
  });
  return { title, width: WIDTH, height, body: bottomAxis(x, frame, (tick) => String(tick), 6) + one + drawn.join('') + label };
}
