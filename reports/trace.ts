// A trace shows when each sample was taken, in the Trace Event format that ui.perfetto.dev and chrome://tracing open.
//
// Arms are threads, samples are complete events ('X', times in microseconds). The recorder is a sink beside the folder's: it notes when each
// sample arrives, which is when it ended. Samples that arrive together lie end to end before that moment, since no two are ever taken at once.
// Format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU (Trace Event Format, Google).

import type { Sample, Sink } from '../harness/record.ts';

interface Arrival {
  readonly sample: Sample;
  /** Microseconds since the recorder was made. */
  readonly at: number;
}

export interface TraceRecorder extends Sink {
  /** The trace of all samples so far, as JSON text. */
  json(): string;
}

/** Metrics that took time of their own; others (device_time) are other views of a sample that is drawn already. */
const DRAWN = new Set(['time', 'cold_time', 'own_time']);

const MICROSECONDS: Readonly<Record<string, number>> = { ns: 1e-3, us: 1, µs: 1, ms: 1e3, s: 1e6 };

/** Microseconds that a sample took in all, or undefined where its unit is no time. */
const span = ({ value, unit, iterations }: Sample): number | undefined =>
  unit in MICROSECONDS ? value * iterations * MICROSECONDS[unit] : undefined;

function events(arrivals: readonly Arrival[]): object[] {
  const arms = [...new Set(arrivals.map(({ sample }) => sample.arm))];
  const names = arms.map((arm, tid) => ({ ph: 'M', name: 'thread_name', pid: 1, tid, args: { name: arm } }));
  const complete: object[] = [];
  let next = Infinity;
  for (const { sample, at } of arrivals.toReversed()) {
    const duration = span(sample);
    if (duration === undefined || !DRAWN.has(sample.metric)) continue;
    const end = Math.min(at, next);
    next = end - duration;
    const { case: name, suite, metric, fork, round, slot, value, unit, iterations, dropped, reason } = sample;
    complete.push({
      ph: 'X',
      name,
      cat: dropped ? `${suite},dropped` : suite,
      pid: 1,
      tid: arms.indexOf(sample.arm),
      ts: next,
      dur: duration,
      args: { metric, fork, round, slot, value, unit, iterations, dropped, reason },
    });
  }
  return [{ ph: 'M', name: 'process_name', pid: 1, args: { name: 'bench run' } }, ...names, ...complete.reverse()];
}

/** Records the samples of a run for `--trace`. `now` is a clock in milliseconds. */
export function traceRecorder(now: () => number = performance.now.bind(performance)): TraceRecorder {
  const began = now();
  const arrivals: Arrival[] = [];
  return {
    sample: (sample) => void arrivals.push({ sample, at: (now() - began) * 1e3 }),
    summary: () => undefined,
    json: () => `${JSON.stringify({ displayTimeUnit: 'ns', traceEvents: events(arrivals) })}\n`,
  };
}
