// Axes of a chart: ticks and labels of a scale along the left or the bottom, and lines across.

import { type ScaleContinuousNumeric, scaleLinear } from 'd3-scale';
import { el, SERIES, shortened, text } from './svg.ts';

/** Room around the plot for labels. */
export interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export type Scale = ScaleContinuousNumeric<number, number>;

/** First digits of the ticks of a logarithmic scale, the finest first. */
const DIGITS = [[1, 2, 3, 5], [1, 2, 5], [1, 3], [1]];

/** Ticks of a scale; of a logarithmic one the finest row of round numbers that is no longer than `count`, equal steps of less than a decade, or every so many powers of ten. */
function ticksOf(scale: Scale, count: number): number[] {
  if (!('base' in scale)) return scale.ticks(count);
  const [low, high] = [Math.min(...scale.domain()), Math.max(...scale.domain())];
  const first = Math.floor(Math.log10(low));
  const powers = Array.from({ length: Math.ceil(Math.log10(high)) - first + 1 }, (_, i) => 10 ** (first + i));
  const isWithin = (tick: number) => tick >= low * 0.999 && tick <= high * 1.001;
  const rows = DIGITS.map((digits) => powers.flatMap((power) => digits.map((digit) => digit * power)).filter(isWithin));
  const found = rows.find((row) => row.length <= count + 1);
  if (found && found.length > 2) return found;
  // Of less than a decade equal steps say more than its few round numbers.
  if (high < 10 * low) return scaleLinear([low, high], [0, 1]).ticks(count);
  const tens = rows[rows.length - 1];
  return tens.filter((_, i) => i % Math.ceil(tens.length / count) === 0);
}

/** Labels of ticks are round: `10.0 µs` is written `10 µs`. */
const round = (label: string): string => label.replace(/(\.\d*?)0+(?=\D|$)/, '$1').replace(/\.(?=\D|$)/, '');

/** So near to an edge a label is written from there inwards. */
const EDGE = 22;

/** Labels on the left with lines across to the right edge. */
export const leftAxis = (scale: Scale, { left, right }: Frame, label: (value: number) => string, count = 5): string =>
  ticksOf(scale, count)
    .map((tick) => {
      const y = scale(tick);
      return (
        el('line', { class: 'grid', x1: left, x2: right, y1: y, y2: y }) +
        text(left - 5, y + 3.5, round(label(tick)), { class: 'muted', 'text-anchor': 'end' })
      );
    })
    .join('');

/** Labels below the bottom edge with lines up to the top. */
export const bottomAxis = (scale: Scale, { left, right, top, bottom }: Frame, label: (value: number) => string, count = 5): string =>
  ticksOf(scale, count)
    .map((tick) => {
      const x = scale(tick);
      const anchor = x - left < EDGE && left < EDGE ? 'start' : right - x < EDGE ? 'end' : 'middle';
      return (
        el('line', { class: 'grid', x1: x, x2: x, y1: top, y2: bottom }) +
        text(x, bottom + 14, round(label(tick)), { class: 'muted', 'text-anchor': anchor })
      );
    })
    .join('');

/** Names beside their colours, in a row that breaks where it is full. Where there are more names than colours, the rings and dashes are the later ones'. */
export function legend(
  names: readonly string[],
  x: number,
  y: number,
  width: number,
  classes = names.map((_, i) => (i < SERIES ? `fill${i}` : `stroke${i % SERIES}`)),
): { body: string; height: number } {
  let [column, row] = [0, 0];
  const body = names.map((name, i) => {
    const shown = shortened(name, 34);
    const wide = 16 + 6.7 * shown.length;
    if (column > 0 && column + wide > width) [column, row] = [0, row + 14];
    const at = { cx: x + column + 4, cy: y + row - 4, r: i < SERIES ? 4 : 3.2 };
    const mark = el('circle', { class: classes[i], ...at }) + text(x + column + 12, y + row, shown);
    column += wide + 8;
    return mark;
  });
  return { body: body.join(''), height: row + 14 };
}
