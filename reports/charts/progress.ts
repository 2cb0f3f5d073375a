// Progress of a search: the time of each configuration in the order they were measured, a point each, and the best so far as a falling line.
//
//   ms |  .   x      .               x: failed, at the top
//      |____.    .
//      |    |______.___ . __ best so far
//      +------------------- evaluations

import { scaleLinear, scaleLog } from 'd3-scale';
import { curveStepAfter, line } from 'd3-shape';
import { bottomAxis, leftAxis, legend } from './axes.ts';
import { type Chart, el, hint, SERIES, text } from './svg.ts';

/** One measured configuration: nanoseconds of a call, or undefined where it failed. */
export interface Step {
  readonly ns?: number;
  /** What is shown where the pointer rests. */
  readonly words: string;
}

/** One search: those of a kernel. */
export interface Run {
  readonly name: string;
  readonly steps: readonly Step[];
}

const WIDTH = 420;
const HEIGHT = 250;
/** Times beyond so many times the best are drawn at the edge: they were bad, how bad matters little. */
const MOST = 6;

export function progressChart(title: string, runs: readonly Run[], duration: (ns: number) => string): Chart {
  const measured = runs.flatMap(({ steps }) => steps.flatMap(({ ns }) => ns ?? []));
  const best = measured.length > 0 ? Math.min(...measured) : 1;
  const key = legend(
    runs.slice(0, SERIES).map(({ name }) => name),
    52,
    14,
    WIDTH - 60,
  );
  const frame = { left: 52, right: WIDTH - 10, top: key.height + 14, bottom: HEIGHT - 34 };
  const longest = Math.max(2, ...runs.map(({ steps }) => steps.length));
  const x = scaleLinear([1, longest], [frame.left, frame.right]);
  const y = scaleLog([best * 0.97, best * Math.max(1.5, Math.min(MOST, Math.max(...measured, best) / best))], [frame.bottom, frame.top]);
  const clamped = (ns: number) => Math.max(frame.top, y(ns));
  const body = runs.slice(0, SERIES).map(({ steps }, series) => {
    let least = Number.POSITIVE_INFINITY;
    const path: [number, number][] = [];
    const points = steps.map(({ ns, words }, i) => {
      if (ns !== undefined && ns < least) least = ns;
      if (least < Number.POSITIVE_INFINITY) path.push([x(i + 1), clamped(least)]);
      if (ns === undefined) return el('g', {}, hint(words), cross(x(i + 1), frame.top - 4, series));
      return el('circle', { class: `fill${series}`, 'fill-opacity': 0.45, cx: x(i + 1), cy: clamped(ns), r: 2.2 }, hint(words));
    });
    const d = line().curve(curveStepAfter)(path) ?? '';
    return points.join('') + el('path', { class: `stroke${series}`, 'stroke-width': 1.8, d });
  });
  const axes = leftAxis(y, frame, duration, 4) + bottomAxis(x, frame, String, 6);
  const label = text((frame.left + frame.right) / 2, HEIGHT - 4, 'configurations measured; line: the best so far', {
    class: 'muted',
    'text-anchor': 'middle',
  });
  return { title, width: WIDTH, height: HEIGHT, body: key.body + axes + body.join('') + label };
}

const cross = (x: number, y: number, series: number): string =>
  el('path', { class: `stroke${series}`, d: `M${x - 2.5},${y - 2.5}l5,5m0,-5l-5,5` });
