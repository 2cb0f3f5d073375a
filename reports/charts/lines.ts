// Lines through points over two logarithmic axes, one for each series: times and rates over sizes.

import { scaleLog } from 'd3-scale';
import { line } from 'd3-shape';
import { bottomAxis, leftAxis, legend } from './axes.ts';
import { type Chart, el, hint, SERIES, text } from './svg.ts';

export interface Series {
  readonly name: string;
  /** Abscissa and ordinate, both above 0. */
  readonly points: readonly (readonly [number, number])[];
}

export interface Axis {
  readonly label: string;
  say(value: number): string;
}

const WIDTH = 420;
const PLOT = 210;

/** Bounds that have room at both ends, also where all values are one. */
function bounds(values: readonly number[]): [number, number] {
  const [low, high] = values.length > 0 ? [Math.min(...values), Math.max(...values)] : [1, 10];
  const room = Math.max(1.05, (high / low) ** 0.05);
  return [low / room, high * room];
}

export function lineChart(
  title: string,
  series: readonly Series[],
  { x: abscissa, y: ordinate }: { readonly x: Axis; readonly y: Axis },
): Chart {
  const key = legend(
    series.map(({ name }) => name),
    12,
    14,
    WIDTH - 24,
  );
  const frame = { left: 58, right: WIDTH - 12, top: key.height + 12, bottom: key.height + 12 + PLOT };
  const points = series.flatMap((one) => one.points);
  const x = scaleLog(bounds(points.map(([at]) => at)), [frame.left, frame.right]);
  const y = scaleLog(bounds(points.map(([, value]) => value)), [frame.bottom, frame.top]);
  const drawn = series.map(({ name, points: own }, i) => {
    const class_ = `stroke${i % SERIES}`;
    const d = line()(own.map(([at, value]) => [x(at), y(value)])) ?? '';
    const path = el('path', { class: class_, 'stroke-width': 1.6, 'stroke-dasharray': i < SERIES ? undefined : '4 3', d });
    const marks = own.map(([at, value]) => {
      const place = { cx: x(at), cy: y(value), r: 2.6 };
      return el(
        'circle',
        { class: i < SERIES ? `fill${i}` : class_, ...place },
        hint(`${name}, ${abscissa.say(at)}: ${ordinate.say(value)}`),
      );
    });
    return path + marks.join('');
  });
  const label = text((frame.left + frame.right) / 2, frame.bottom + 30, `${ordinate.label} over ${abscissa.label}`, {
    class: 'muted',
    'text-anchor': 'middle',
  });
  const axes = leftAxis(y, frame, ordinate.say, 5) + bottomAxis(x, frame, abscissa.say, 5);
  return { title, width: WIDTH, height: frame.bottom + 36, body: key.body + axes + drawn.join('') + label };
}
