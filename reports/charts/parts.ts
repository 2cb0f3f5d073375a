// Bars made of parts, one below the other: where the time of a step goes.

import { scaleLinear } from 'd3-scale';
import { bottomAxis, legend } from './axes.ts';
import { type Chart, el, hint, SERIES, shortened, text } from './svg.ts';

export interface Bar {
  readonly name: string;
  /** In the order of the parts' names; they add up to the bar. */
  readonly parts: readonly number[];
}

const WIDTH = 420;
const ROW = 36;
const LETTERS = 56;

export function partsChart(title: string, names: readonly string[], bars: readonly Bar[], say: (value: number) => string): Chart {
  const key = legend(names, 12, 14, WIDTH - 24);
  const frame = { left: 14, right: WIDTH - 16, top: key.height + 12, bottom: key.height + 18 + ROW * bars.length };
  const total = ({ parts }: Bar) => parts.reduce((sum, part) => sum + part, 0);
  const x = scaleLinear([0, Math.max(...bars.map(total)) || 1], [frame.left, frame.right]).nice();
  const drawn = bars.map((bar, i) => {
    const y = frame.top + ROW * i + 18;
    let at = 0;
    const boxes = bar.parts.map((part, j) => {
      const box = { x: x(at), y, width: x(at + part) - x(at), height: 13 };
      at += part;
      return part > 0 ? el('rect', { class: `fill${j % SERIES}`, ...box }, hint(`${bar.name}, ${names[j]}: ${say(part)}`)) : '';
    });
    const end = say(total(bar));
    const labels =
      text(frame.left, y - 5, shortened(bar.name, LETTERS - end.length), { class: 'halo' }) +
      text(frame.right, y - 5, end, { 'text-anchor': 'end', class: 'halo' });
    return labels + boxes.join('');
  });
  return { title, width: WIDTH, height: frame.bottom + 20, body: key.body + bottomAxis(x, frame, say, 4) + drawn.join('') };
}
