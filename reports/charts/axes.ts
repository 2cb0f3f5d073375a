// Axes of a chart: ticks and labels of a scale along the left or the bottom, and lines across.

import type { ScaleContinuousNumeric } from 'd3-scale';
import { el, SERIES, shortened, text } from './svg.ts';

/** Room around the plot for labels. */
export interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export type Scale = ScaleContinuousNumeric<number, number>;

/** Ticks of a scale, of a logarithmic one not more than fit. */
function ticksOf(scale: Scale, count: number): number[] {
  const ticks = scale.ticks(count);
  const step = Math.ceil(ticks.length / (count + 2));
  return ticks.filter((_, i) => i % step === 0);
}

/** Labels on the left with lines across to the right edge. */
export const leftAxis = (scale: Scale, { left, right }: Frame, label: (value: number) => string, count = 5): string =>
  ticksOf(scale, count)
    .map((tick) => {
      const y = scale(tick);
      return (
        el('line', { class: 'grid', x1: left, x2: right, y1: y, y2: y }) +
        text(left - 5, y + 3.5, label(tick), { class: 'muted', 'text-anchor': 'end' })
      );
    })
    .join('');

/** Labels below the bottom edge with lines up to the top. */
export const bottomAxis = (scale: Scale, { top, bottom }: Frame, label: (value: number) => string, count = 5): string =>
  ticksOf(scale, count)
    .map((tick) => {
      const x = scale(tick);
      return (
        el('line', { class: 'grid', x1: x, x2: x, y1: top, y2: bottom }) +
        text(x, bottom + 14, label(tick), { class: 'muted', 'text-anchor': 'middle' })
      );
    })
    .join('');

/** Names beside their colours, in a row that breaks where it is full. Where there are more names than colours, the rings and dashes are the later ones'. */
export function legend(names: readonly string[], x: number, y: number, width: number): { body: string; height: number } {
  let [column, row] = [0, 0];
  const body = names.map((name, i) => {
    const shown = shortened(name, 34);
    const wide = 16 + 6.7 * shown.length;
    if (column > 0 && column + wide > width) [column, row] = [0, row + 14];
    const at = { cx: x + column + 4, cy: y + row - 4, r: i < SERIES ? 4 : 3.2 };
    const mark = el('circle', { class: i < SERIES ? `fill${i}` : `stroke${i % SERIES}`, ...at }) + text(x + column + 12, y + row, shown);
    column += wide + 8;
    return mark;
  });
  return { body: body.join(''), height: row + 14 };
}
