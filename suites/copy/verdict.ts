// What the rows of the copy suite say: which path to take, what a small transfer costs, whether it pays to keep buffers, how near the CPU is to its roof,
// and the fits of all paths.

import type { Summary } from '../../harness/record.ts';
import { byteSize } from '../byte-sizes.ts';
import { digits, share, size, time } from '../words.ts';
import { hockney } from './hockney.ts';
import { armNameOf, type Path, sideOf } from './path.ts';

/** A path with the times of the sizes that were measured, in order. */
interface Measured {
  readonly path: Path;
  readonly points: readonly { readonly bytes: number; readonly ns: number; readonly roofPct?: number }[];
}

/** A path is left for another only where that is so much faster. */
const WORTH_CHANGING = 1.1;
/** Buffers that are kept pay from so much on. */
const WORTH_KEEPING = 1.15;
/** The roof holds for copies from this size on. */
const LARGE = 16 * 2 ** 20;

/** The sentences, family by family: a family is a direction and a side, such as host to device on webgpu. */
export function verdict(rows: readonly Summary[], paths: readonly Path[]): string[] {
  const measured = paths.map((path): Measured => ({ path, points: pointsOf(rows, path) })).filter(({ points }) => points.length > 0);
  const families = Map.groupBy(measured, ({ path }) => familyOf(path));
  return [
    ...[...families].flatMap(([family, members]) => [
      ...toTake(family, members),
      ...smallest(family, members),
      ...inPlace(family, members),
      ...keeping(family, members),
    ]),
    ...roofs(measured),
    ...measured.filter(({ path }) => !path.loop).flatMap(fitted),
  ];
}

const familyOf = (path: Path): string => {
  const direction = path.direction.replaceAll('-', ' ');
  return path.direction === 'main-to-worker' ? direction : `${direction} on ${sideOf(path)}`;
};

function pointsOf(rows: readonly Summary[], path: Path): Measured['points'] {
  const family = `copy/${path.direction}/${sideOf(path)}/`;
  return rows
    .filter((row) => row.arm === armNameOf(path) && row.case.startsWith(family) && row.median_ns !== undefined)
    .map((row) => ({ bytes: Number(row.extra?.payload_bytes), ns: row.median_ns!, roofPct: row.roof_pct }))
    .sort((a, b) => a.bytes - b.bytes);
}

const at = ({ points }: Measured, bytes: number): number | undefined => points.find((point) => point.bytes === bytes)?.ns;
const sizesOf = (members: readonly Measured[]): number[] =>
  [...new Set(members.flatMap(({ points }) => points.map(({ bytes }) => bytes)))].sort((a, b) => a - b);

/** Below this a transfer is told by its time, else by its rate. */
const TOLD_BY_RATE = 2 ** 16;
const toldOf = (bytes: number, ns: number): string =>
  bytes < TOLD_BY_RATE ? `${time(ns)} for ${byteSize(bytes)}` : `${digits(bytes / ns)} GB/s at ${byteSize(bytes)}`;

/** The fastest way from size to size, among those that copy, keep their buffers, are no loops, and are waited for one by one. */
function toTake(family: string, members: readonly Measured[]): string[] {
  const choices = members.filter(({ path }) => path.moves && !path.loop && !path.queued && !path.freshOf);
  if (choices.length < 2) return [];
  const stages: { from: number; to: number; choice: Measured }[] = [];
  for (const bytes of sizesOf(choices)) {
    const able = choices.filter((one) => at(one, bytes) !== undefined);
    const best = able.reduce((a, b) => (at(b, bytes)! < at(a, bytes)! ? b : a));
    const last = stages.at(-1);
    const held = last && at(last.choice, bytes);
    if (last && held !== undefined && held < WORTH_CHANGING * at(best, bytes)!) last.to = bytes;
    else stages.push({ from: bytes, to: bytes, choice: best });
  }
  const parts = stages.map(({ from, to, choice }, i) => {
    const range = i === stages.length - 1 ? (i === 0 ? 'for all sizes' : `from ${byteSize(from)} on`) : `up to ${byteSize(to)}`;
    return `${armNameOf(choice.path)} ${range} (${toldOf(to, at(choice, to)!)})`;
  });
  return [`${family}: take ${parts.join(', ')}`];
}

/** What the smallest payload costs alone, and in a queue. */
function smallest(family: string, members: readonly Measured[]): string[] {
  const [bytes] = sizesOf(members);
  const alone = members.filter((one) => one.path.moves && !one.path.queued && !one.path.loop && at(one, bytes) !== undefined);
  if (alone.length === 0) return [];
  const best = alone.reduce((a, b) => (at(b, bytes)! < at(a, bytes)! ? b : a));
  const queued = members.filter((one) => one.path.queued && at(one, bytes) !== undefined);
  const many = queued.map((one) => `, ${time(at(one, bytes)!)} each when many are queued (${armNameOf(one.path)})`);
  return [`${family}: ${byteSize(bytes)} cost ${time(at(best, bytes)!)} from call to arrival (${armNameOf(best.path)})${many.join('')}`];
}

/** Where nothing need be copied: what handing over costs against the best copy of the largest size. */
function inPlace(family: string, members: readonly Measured[]): string[] {
  return members
    .filter(({ path }) => !path.moves)
    .flatMap((view) => {
      const { bytes, ns } = view.points.at(-1)!;
      const copies = members.filter(({ path }) => path.moves && !path.loop && !path.queued).map((one) => at(one, bytes));
      const best = Math.min(...copies.filter((one) => one !== undefined));
      const against = Number.isFinite(best) ? `; the best copy takes ${time(best)}` : '';
      return [`${family}: ${armNameOf(view.path)} hands over ${byteSize(bytes)} in ${time(ns)} without a copy${against}`];
    });
}

/** How much longer a transfer takes that makes its buffers itself. */
function keeping(family: string, members: readonly Measured[]): string[] {
  return members.flatMap((fresh) => {
    const kept = members.find(({ path }) => path.name === fresh.path.freshOf && path.place === fresh.path.place);
    const ratios = fresh.points.flatMap(({ bytes, ns }) => {
      const other = kept && at(kept, bytes);
      return other === undefined ? [] : [{ bytes, ratio: ns / other }];
    });
    if (ratios.length === 0) return [];
    const [first, last] = [ratios[0], ratios[ratios.length - 1]];
    const most = ratios.reduce((a, b) => (b.ratio > a.ratio ? b : a));
    const figures = [...new Set([first, most, last])].sort((a, b) => a.bytes - b.bytes);
    const said = figures.map(({ bytes, ratio }) => `${digits(ratio)} times at ${byteSize(bytes)}`).join(', ');
    const pays = most.ratio >= WORTH_KEEPING ? 'keeping buffers pays' : 'keeping buffers hardly matters';
    return [`${family}: ${pays}: ${armNameOf(fresh.path)} takes ${said} what ${armNameOf(kept!.path)} does`];
  });
}

/** How near the CPU's paths come to the best loop over as many bytes: what a program would take, at its largest sizes. */
function roofs(measured: readonly Measured[]): string[] {
  const reached = measured
    .filter(({ path }) => path.device === 'cpu' && !path.loop && !path.freshOf)
    .flatMap(({ path, points }) => {
      const large = points.filter(({ bytes, roofPct }) => bytes >= LARGE && roofPct !== undefined);
      return large.length > 0 ? [{ path, least: large.reduce((a, b) => (b.roofPct! < a.roofPct! ? b : a)) }] : [];
    });
  if (reached.length === 0) return [];
  const said = reached.map(
    ({ path, least }) => `${path.direction} ${armNameOf(path)} ${share(least.roofPct! / 100)} (${byteSize(least.bytes)})`,
  );
  return [`CPU copies of ${byteSize(LARGE)} and more reach at least this much of the best copy loop: ${said.join(', ')}`];
}

/** From this error on the line is no guide: the rate changes with the size, as the levels of a memory do. */
const ROUGH = 0.25;

/** Latency and bandwidth of one path, with how well they fit. */
function fitted({ path, points }: Measured): string[] {
  const fit = path.moves ? hockney(points) : undefined;
  if (!fit) return [];
  const { latencyNs, gbps, halfBytes, r2, residual, worst } = fit;
  return [
    `fit, ${familyOf(path)}, ${armNameOf(path)}: ${time(latencyNs)} + bytes / ${digits(gbps)} GB/s (half of it at ${size(halfBytes)}); R² ${r2.toFixed(3)}, error ${share(residual)}, at most ${share(worst)}${residual >= ROUGH ? ', so no line: go by the rows' : ''}`,
  ];
}
