// Copies: for each direction the time and the rate of every path over the bytes that it moves. On the left of the first, latency; on the right of the second, bandwidth.

import type { Summary } from '../../harness/record.ts';
import { lineChart, type Series } from '../charts/lines.ts';
import { bytes, duration, significant } from '../format.ts';
import type { Figure } from '../page.ts';
import type { Section } from './section.ts';

/** Arms that are there to find the roof: the best of them is one line. */
const LOOP = 'loop:';
const ROOF = 'roof: the best loop';

interface Move {
  readonly path: string;
  readonly bytes: number;
  readonly ns: number;
}

function movesOf(rows: readonly Summary[]): Move[] {
  const all = rows.map(({ arm, extra, median_ns }) => ({ path: arm, bytes: Number(extra!.payload_bytes), ns: median_ns! }));
  const loops = Map.groupBy(
    all.filter(({ path }) => path.startsWith(LOOP)),
    (move) => move.bytes,
  );
  const best = [...loops].map(([size, own]) => ({ path: ROOF, bytes: size, ns: Math.min(...own.map(({ ns }) => ns)) }));
  return [...all.filter(({ path }) => !path.startsWith(LOOP)), ...best];
}

const SIZE = { label: 'bytes', say: (value: number): string => bytes(value) };

/** So many times the bytes in less than twice the time: such a path hands over a view and moves nothing. */
const GROWTH = 64;
function isMoving({ own }: { readonly own: readonly Move[] }): boolean {
  const [first, last] = [own[0], own[own.length - 1]];
  return last.bytes < GROWTH * first.bytes || last.ns >= 2 * first.ns;
}

function figuresOf(name: string, moves: readonly Move[]): Figure[] {
  const paths = [...Map.groupBy(moves, ({ path }) => path)].map(([path, own]) => ({
    path,
    own: own.toSorted((a, b) => a.bytes - b.bytes),
  }));
  const moving = paths.filter(isMoving);
  // First, so that a path has one colour in both charts.
  const inOrder = [...moving, ...paths.filter((one) => !isMoving(one))];
  const seriesOf = (of: typeof paths, value: (move: Move) => number): Series[] =>
    of.map(({ path, own }) => ({ name: path, points: own.map((move) => [move.bytes, value(move)] as const) }));
  const data = {
    columns: [
      { title: 'path', align: 'left' },
      { title: 'payload', align: 'right' },
      { title: 'time', align: 'right' },
      { title: 'GB/s', align: 'right' },
    ] as const,
    rows: paths.flatMap(({ path, own }) =>
      own.map((move) => [path, bytes(move.bytes), duration(move.ns), significant(move.bytes / move.ns)]),
    ),
  };
  const rest = { data, file: 'summary.csv' };
  return [
    {
      chart: lineChart(
        `${name}: latency`,
        seriesOf(inOrder, ({ ns }) => ns),
        { x: SIZE, y: { label: 'time of a transfer', say: duration } },
      ),
      caption: 'A path that is flat on the left costs that much before its first byte.',
      ...rest,
    },
    {
      chart: lineChart(
        `${name}: bandwidth`,
        seriesOf(moving, (move) => move.bytes / move.ns),
        { x: SIZE, y: { label: 'GB/s', say: (value) => significant(value) } },
      ),
      caption: `Payload, counted once, over the time of a transfer.${moving.length < paths.length ? ' Paths that move nothing are left out.' : ''}`,
      ...rest,
    },
  ];
}

/** `copy/host-to-device/cpu/64KiB` without its size. */
const directionOf = ({ case: name }: Summary): string => name.slice(name.indexOf('/') + 1, name.lastIndexOf('/'));

export function copySection(summaries: readonly Summary[]): Section | undefined {
  const rows = summaries.filter(({ suite, extra, median_ns = 0 }) => suite === 'copy' && Number(extra?.payload_bytes) > 0 && median_ns > 0);
  if (rows.length === 0) return undefined;
  const figures = [...Map.groupBy(rows, directionOf)].flatMap(([name, own]) => figuresOf(name, movesOf(own)));
  return { id: 'copies', title: 'Latency and bandwidth of copies', figures };
}
