// A trace shows what was busy when, in the Trace Event format that ui.perfetto.dev and chrome://tracing open.
//
// The parent is a process with a thread for itself and one for the samples of each arm. Every arm's process is one more, with its threads and queues as the
// arm recorded them; spans are complete events ('X'), counters 'C', times in microseconds since the trace began, on one clock for all processes.
// A sample is noted when it arrives, which is when it ended; samples that arrive together lie end to end before that, since no two are ever taken at once.
// Format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU (Trace Event Format, Google).

import type { Sample, Sink } from '../harness/record.ts';
import type { ArmEvents, Count, Events, Span } from '../harness/span.ts';
import { lanesOf } from './lanes.ts';

interface Arrival {
  readonly sample: Sample;
  /** On the recorder's clock. */
  readonly atNs: number;
}

/** A process as the trace shows it. */
interface Process {
  readonly pid: number;
  readonly name: string;
  readonly spans: Span[];
  readonly counts: Count[];
}

export interface TraceRecorder extends Sink {
  /** Takes what an arm's process has recorded. */
  arm(events: ArmEvents): void;
  /** Takes what the parent has recorded itself. */
  parent(events: Events): void;
  /** Events that did not get into the trace: left out by who recorded them, to stay cheap, and those that a trace of this size has no room for. */
  readonly missing: { readonly skipped: number; readonly refused: number };
  /** The trace of all events so far, as JSON text. */
  json(): string;
}

export interface TraceOptions {
  /** Nanoseconds on the clock that arms record by. */
  readonly now?: () => number;
  /** Events kept at most: about 150 bytes each in the file, and a viewer holds them all in memory. */
  readonly room?: number;
}

const PARENT_PID = 1;
const ROOM = 500_000;

/** Metrics that took time of their own; others (device_time) are other views of a sample that is drawn already. */
const DRAWN = new Set(['time', 'cold_time', 'own_time']);

const NANOSECONDS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9 };

/** Nanoseconds that a sample took in all, or undefined where its unit is no time. */
const lengthOf = ({ value, unit, iterations }: Sample): number | undefined =>
  unit in NANOSECONDS ? value * iterations * NANOSECONDS[unit] : undefined;

/** Samples as spans, on a track for each arm. */
function sampleSpans(arrivals: readonly Arrival[]): Span[] {
  const spans: Span[] = [];
  let next = Infinity;
  for (const { sample, atNs } of arrivals.toReversed()) {
    const durationNs = lengthOf(sample);
    if (durationNs === undefined || !DRAWN.has(sample.metric)) continue;
    next = Math.min(atNs, next) - durationNs;
    const { arm, case: name, suite, metric, fork, round, slot, value, unit, iterations, dropped, reason } = sample;
    const args = { suite, metric, fork, round, slot, value, unit, iterations, ...(dropped && { dropped: reason ?? 'dropped' }) };
    spans.push({ track: arm, name, category: 'sample', startNs: next, durationNs, args });
  }
  return spans.reverse();
}

/** Writes processes as events. Threads are numbered through all of them, as an operating system does. */
function eventsOf(processes: readonly Process[], beganNs: number): object[] {
  const events: object[] = [];
  let tid = 0;
  for (const [index, { pid, name, spans, counts }] of processes.entries()) {
    events.push({ ph: 'M', name: 'process_name', pid, tid: 0, args: { name } });
    events.push({ ph: 'M', name: 'process_sort_index', pid, tid: 0, args: { sort_index: index } });
    for (const [track, own] of Map.groupBy(spans, (span) => span.track)) {
      const whole = own.map(({ startNs, durationNs }) => {
        const start = Math.round(startNs - beganNs);
        return { startNs: start, endNs: start + Math.round(durationNs) };
      });
      const lanes = lanesOf(whole);
      const first = tid + 1;
      for (let lane = 0; lane <= Math.max(...new Set(lanes)); lane++) {
        tid++;
        const title = lane === 0 ? track : `${track} (${lane + 1})`;
        events.push({ ph: 'M', name: 'thread_name', pid, tid, args: { name: title } });
        events.push({ ph: 'M', name: 'thread_sort_index', pid, tid, args: { sort_index: tid } });
      }
      // A span is recorded when it ends; in the file they come as they begin, what is around others before them.
      const order = [...own.keys()].sort((a, b) => whole[a].startNs - whole[b].startNs || whole[b].endNs - whole[a].endNs);
      for (const i of order) {
        const [{ name, category, args }, { startNs, endNs }] = [own[i], whole[i]];
        events.push({ ph: 'X', name, cat: category, pid, tid: first + lanes[i], ts: startNs / 1e3, dur: (endNs - startNs) / 1e3, args });
      }
    }
    for (const { name, atNs, value } of counts.toSorted((a, b) => a.atNs - b.atNs))
      events.push({ ph: 'C', name, pid, tid: 0, ts: Math.round(atNs - beganNs) / 1e3, args: { value } });
  }
  return events;
}

/** Records the samples of a run, and what its processes did, for `--trace`. */
export function traceRecorder({ now = () => performance.now() * 1e6, room = ROOM }: TraceOptions = {}): TraceRecorder {
  const beganNs = now();
  const arrivals: Arrival[] = [];
  const parent: Process = { pid: PARENT_PID, name: 'bench run', spans: [], counts: [] };
  const arms = new Map<number, Process>();
  const missing = { skipped: 0, refused: 0 };
  let left = room;

  const keep = (process: Process, { spans, counts, skipped }: Events): void => {
    missing.skipped += skipped;
    if (spans.length + counts.length > left) missing.refused += spans.length + counts.length;
    else {
      left -= spans.length + counts.length;
      for (const span of spans) process.spans.push(span);
      for (const count of counts) process.counts.push(count);
    }
  };
  return {
    missing,
    sample: (sample) => void arrivals.push({ sample, atNs: now() }),
    summary: () => undefined,
    arm(events) {
      const { pid, arm, fork } = events;
      const known = arms.get(pid) ?? { pid, name: `${arm} (fork ${fork})`, spans: [], counts: [] };
      arms.set(pid, known);
      keep(known, events);
    },
    parent: (events) => keep(parent, events),
    json() {
      const whole = { ...parent, spans: [...parent.spans, ...sampleSpans(arrivals)] };
      const traceEvents = eventsOf([whole, ...arms.values()], beganNs);
      return `${JSON.stringify({ displayTimeUnit: 'ns', traceEvents, otherData: missing })}\n`;
    },
  };
}
