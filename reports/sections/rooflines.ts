// Rooflines: for each place (a device with its threads) what it does at best, and where the rows lie below that.

import { z } from 'zod';
import type { Summary } from '../../harness/record.ts';
import { type Roofs, rooflineChart } from '../charts/roofline.ts';
import { duration, percent, significant } from '../format.ts';
import type { Figure } from '../page.ts';
import type { Results } from '../schema.ts';
import type { Section } from './section.ts';

/** What the chart needs of the roofs in `run.json`. */
const roofsSchema = z.record(
  z.string(),
  z.looseObject({
    peaks: z.array(z.looseObject({ gflops: z.number().positive() })),
    bandwidths: z.array(z.looseObject({ level: z.string(), access: z.string(), gbps: z.number().positive() })),
  }),
);

/** Levels from the inside out. */
const LEVELS = ['L1', 'L2', 'L3', 'memory'];

/** The best of each: of loops that read or copy, as rows are rated by. */
function bestOf({ peaks, bandwidths }: z.infer<typeof roofsSchema>[string]): Roofs | undefined {
  const reading = bandwidths.filter(({ access }) => access !== 'write' && access !== 'update');
  const levels = LEVELS.flatMap((level) => {
    const rates = reading.filter((one) => one.level === level).map(({ gbps }) => gbps);
    return rates.length > 0 ? [{ level, gbps: Math.max(...rates) }] : [];
  });
  if (peaks.length === 0 || levels.length === 0) return undefined;
  return { peak: Math.max(...peaks.map(({ gflops }) => gflops)), bandwidths: levels };
}

const placeOf = ({ device, threads, adapter }: Summary): string => (device === 'cpu' ? `cpu/${threads}` : `${device}/${adapter}`);

function figureOf(place: string, roofs: Roofs, rows: readonly Summary[]): Figure {
  const points = rows.map((row) => ({
    name: `${row.case} ${row.arm}`,
    series: row.kernel ?? row.arm,
    flopPerByte: row.gflops! / row.gbps!,
    gflops: row.gflops!,
  }));
  return {
    chart: rooflineChart(`Roofline of ${place}`, roofs, points),
    caption:
      'Lines are what this machine does at best, measured; a dot is a row, named where the pointer rests. Operands count once, so a row may be held by an inner level.',
    data: {
      columns: [
        { title: 'case', align: 'left' },
        { title: 'arm', align: 'left' },
        { title: 'time', align: 'right' },
        { title: 'flop per byte', align: 'right' },
        { title: 'GFLOP/s', align: 'right' },
        { title: 'of roof', align: 'right' },
        { title: 'bound by', align: 'left' },
      ],
      rows: rows.map((row, i) => [
        row.case,
        row.arm,
        row.median_ns === undefined ? '' : duration(row.median_ns),
        significant(points[i].flopPerByte),
        significant(row.gflops!),
        row.roof_pct === undefined ? '' : percent(row.roof_pct),
        row.bound ?? '',
      ]),
    },
    file: 'summary.csv',
  };
}

export function rooflineSection({ run, summaries }: Pick<Results, 'run' | 'summaries'>): Section | undefined {
  const read = roofsSchema.safeParse(run.roofs);
  if (!read.success) return undefined;
  const rated = summaries.filter(({ gflops = 0, gbps = 0 }) => gflops > 0 && gbps > 0);
  const figures = Object.entries(read.data).flatMap(([place, roof]) => {
    const [best, rows] = [bestOf(roof), rated.filter((row) => placeOf(row) === place)];
    return best && rows.length > 0 ? [figureOf(place, best, rows)] : [];
  });
  return figures.length > 0 ? { id: 'rooflines', title: 'Rooflines', figures } : undefined;
}
