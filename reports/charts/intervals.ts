// Ratios with their intervals, a row each: a point, a bar from low to high, and a line at 1, where nothing would change.

import { scaleLinear, scaleLog } from 'd3-scale';
import { bottomAxis } from './axes.ts';
import { type Chart, el, hint, shortened, text } from './svg.ts';

export interface Interval {
  readonly name: string;
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
  /** What it is of: a small dot each; what lies beyond the axis is drawn at its end. */
  readonly dots?: readonly number[];
  /** Colours it; absent: as a first series. */
  readonly tone?: 'good' | 'bad' | 'plain';
  /** Stands at the end of its line instead of the value. */
  readonly words?: string;
}

export interface IntervalStyle {
  /** What the axis measures. */
  readonly label: string;
  /** How a ratio is written. */
  say(ratio: number): string;
  /** Ratios up to 1 + margin, and down to 1 / (1 + margin), do not matter. */
  readonly margin?: number;
}

const WIDTH = 420;
const ROW = 30;
/** Ratios that span more than this are drawn by their logarithms. */
const WIDE = 3;
/** Characters of a label, less those at the end of its line. */
const LETTERS = 57;

const TIMES_AS_FAST: IntervalStyle = { label: 'times as fast as the default', say: (ratio) => `${ratio.toFixed(2)}×` };

export function intervalChart(title: string, rows: readonly Interval[], { label, say, margin = 0 }: IntervalStyle = TIMES_AS_FAST): Chart {
  // Dots do not stretch the axis: one process of which two threads shared a core would leave the intervals no room.
  const ends = rows.flatMap(({ value, low = value, high = value }) => [low, high]);
  const [least, most] = [Math.min(0.95, 1 / (1 + 2 * margin), ...ends), Math.max(1.1, 1 + 2 * margin, ...ends)];
  const frame = { left: 12, right: WIDTH - 14, top: 4, bottom: 8 + ROW * rows.length };
  const domain = [least, most];
  const range = [frame.left, frame.right];
  const x = (most / least > WIDE ? scaleLog(domain, range) : scaleLinear(domain, range).nice()).clamp(true);
  const drawn = rows.map(({ name, value, low, high, dots = [], tone, words }, i) => {
    const y = frame.top + ROW * i + 22;
    const interval = low === undefined || high === undefined ? '' : ` (${low.toFixed(3)} to ${high.toFixed(3)})`;
    const end = words ?? say(value);
    const [stroke, fill] = tone ? [tone, tone] : ['stroke0', 'fill0'];
    return el(
      'g',
      {},
      hint(`${name}: ${value.toFixed(3)}${interval}`),
      text(frame.left, y - 8, shortened(name, LETTERS - end.length), { class: 'halo' }),
      text(frame.right, y - 8, end, { 'text-anchor': 'end', class: tone ? `${tone} halo` : 'halo' }),
      el('path', { class: `dots ${stroke}`, d: dots.map((ratio) => `M${x(ratio).toFixed(1)},${y}h0`).join('') }),
      low === undefined || high === undefined
        ? ''
        : el('line', { class: stroke, 'stroke-width': 3, 'stroke-opacity': 0.5, x1: x(low), x2: x(high), y1: y, y2: y }),
      el('circle', { class: fill, cx: x(value), cy: y, r: 3.6 }),
    );
  });
  const [from, to] = [x(1 / (1 + margin)), x(1 + margin)];
  const band = margin > 0 ? el('rect', { class: 'band', x: from, width: to - from, y: frame.top, height: frame.bottom - frame.top }) : '';
  const one = el('line', { class: 'axis', x1: x(1), x2: x(1), y1: frame.top, y2: frame.bottom });
  const height = frame.bottom + 34;
  const below = text((frame.left + frame.right) / 2, height - 4, label, { class: 'muted', 'text-anchor': 'middle' });
  return { title, width: WIDTH, height, body: band + bottomAxis(x, frame, say, 5) + one + drawn.join('') + below };
}
