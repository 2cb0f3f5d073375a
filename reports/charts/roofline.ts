// The roofline: what the machine does at best for each number of operations a byte, and where the rows lie below it (Williams, Waterman and Patterson 2009).
//
//   GFLOP/s |      ____________ peak
//           |    //   o
//           |  //  o        x: flop per byte, y: GFLOP/s, both logarithmic
//           +--------------

import { scaleLog } from 'd3-scale';
import { significant } from '../format.ts';
import { bottomAxis, leftAxis, legend } from './axes.ts';
import { type Chart, el, hint, SERIES, text } from './svg.ts';

export interface Roofs {
  /** GFLOP/s. */
  readonly peak: number;
  /** GB/s of each level, the fastest first. */
  readonly bandwidths: readonly { readonly level: string; readonly gbps: number }[];
}

export interface RooflinePoint {
  readonly name: string;
  /** What colours it: its kernel. */
  readonly series: string;
  readonly flopPerByte: number;
  readonly gflops: number;
}

const WIDTH = 420;
const PLOT = 230;

export function rooflineChart(title: string, { peak, bandwidths }: Roofs, points: readonly RooflinePoint[]): Chart {
  const names = [...new Set(points.map(({ series }) => series))];
  const key = legend(names, 12, 14, WIDTH - 24);
  const frame = { left: 46, right: WIDTH - 12, top: key.height + 12, bottom: key.height + 12 + PLOT };
  const ridges = bandwidths.map(({ gbps }) => peak / gbps);
  const across = [...points.map(({ flopPerByte }) => flopPerByte), ...ridges];
  const upward = points.map(({ gflops }) => gflops);
  const x = scaleLog([Math.min(...across) / 2, Math.max(...across) * 2], [frame.left, frame.right]);
  const [from, to] = x.domain();
  const least = Math.min(...upward, ...bandwidths.map(({ gbps }) => gbps * from)) / 1.5;
  const y = scaleLog([least, Math.max(peak, ...upward) * 1.6], [frame.bottom, frame.top]);
  const flat = Math.min(...ridges, to);
  const ceiling =
    el('line', { class: 'axis', 'stroke-width': 1.5, x1: x(flat), x2: x(to), y1: y(peak), y2: y(peak) }) +
    text(frame.right - 2, y(peak) - 4, `peak ${significant(peak)} GFLOP/s`, { class: 'muted halo', 'text-anchor': 'end' });
  const slopes = bandwidths.map(({ gbps }, i) => {
    const ridge = Math.min(peak / gbps, to);
    const d = `M${x(from).toFixed(1)},${y(gbps * from).toFixed(1)}L${x(ridge).toFixed(1)},${y(gbps * ridge).toFixed(1)}`;
    return el('path', { class: 'axis', 'stroke-dasharray': i === bandwidths.length - 1 ? undefined : '5 3', d });
  });
  // Labels stand where their lines begin, to the right below: there the lines are furthest from each other and from the rows.
  const labels = bandwidths.map(({ level, gbps }) =>
    text(x(from) + 12, y(gbps * from) + 3, `${level} ${significant(gbps)} GB/s`, { class: 'muted halo' }),
  );
  const marks = points.map(({ name, series, flopPerByte, gflops }) => {
    const i = names.indexOf(series);
    const words = `${name}: ${significant(gflops)} GFLOP/s, ${significant(flopPerByte)} flop/byte`;
    const place = { cx: x(flopPerByte), cy: y(gflops), r: 3.8 };
    return el(
      'circle',
      { class: i < SERIES ? `fill${i}` : `stroke${i % SERIES}`, 'fill-opacity': i < SERIES ? 0.75 : undefined, ...place },
      hint(words),
    );
  });
  const label = text((frame.left + frame.right) / 2, frame.bottom + 30, 'GFLOP/s over flop per byte', {
    class: 'muted',
    'text-anchor': 'middle',
  });
  const axes = leftAxis(y, frame, (value) => significant(value), 5) + bottomAxis(x, frame, (value) => significant(value), 5);
  return {
    title,
    width: WIDTH,
    height: frame.bottom + 36,
    body: key.body + axes + ceiling + slopes.join('') + labels.join('') + marks.join('') + label,
  };
}
