// A timeline: what each thread or queue was busy with, a row each, over a short while.

import { scaleLinear } from 'd3-scale';
import { bottomAxis, legend } from './axes.ts';
import { type Chart, el, hint, shortened, text } from './svg.ts';

export interface TimelineSpan {
  readonly name: string;
  readonly category: string;
  /** Nanoseconds from the beginning of the timeline. */
  readonly startNs: number;
  readonly endNs: number;
}

export interface Track {
  readonly name: string;
  readonly spans: readonly TimelineSpan[];
}

const WIDTH = 860;
const LEFT = 150;
const ROW = 24;
/** Narrower spans are as wide as this: a hundred of them would not be seen otherwise. */
const LEAST = 0.6;

/** What a category of spans looks like: the same in every timeline, and never two alike in one. */
const COLOURS: Readonly<Record<string, string>> = {
  kernel: 'fill2',
  copy: 'fill0',
  load: 'fill4',
  decode: 'fill1',
  transform: 'fill3',
  compile: 'fill5',
  wait: 'quiet',
};
const OTHER = 'quiet';

export function timelineChart(title: string, tracks: readonly Track[], lengthNs: number, say: (ns: number) => string): Chart {
  const met = new Set(tracks.flatMap(({ spans }) => spans.map(({ category }) => category)));
  const categories = [...new Set([...Object.keys(COLOURS), ...met])].filter((category) => met.has(category));
  const classOf = (category: string) => COLOURS[category] ?? OTHER;
  const key = legend(categories, 12, 14, WIDTH - 24, categories.map(classOf));
  const frame = { left: LEFT, right: WIDTH - 16, top: key.height + 6, bottom: key.height + 8 + ROW * tracks.length };
  const x = scaleLinear([0, lengthNs], [frame.left, frame.right]);
  const rows = tracks.map(({ name, spans }, i) => {
    const y = frame.top + ROW * i + 4;
    // What encloses others is drawn first, so that they lie on it.
    const inOrder = [...spans].sort((a, b) => b.endNs - b.startNs - (a.endNs - a.startNs));
    const boxes = inOrder.map(({ name: what, category, startNs, endNs }) => {
      const [from, to] = [x(Math.max(0, startNs)), x(Math.min(lengthNs, endNs))];
      const box = { x: from, y, width: Math.max(LEAST, to - from), height: ROW - 8, rx: 1.5 };
      return el('rect', { class: classOf(category), ...box }, hint(`${name}: ${what}, ${say(endNs - startNs)} from ${say(startNs)} on`));
    });
    return text(LEFT - 8, y + 12, shortened(name, 22), { 'text-anchor': 'end' }) + boxes.join('');
  });
  return { title, width: WIDTH, height: frame.bottom + 22, body: key.body + bottomAxis(x, frame, say, 6) + rows.join('') };
}
