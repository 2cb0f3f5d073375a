// Timelines: what the threads and queues of each arm did during one step, from a trace file (bench run --trace).
//
// The step is the one whose time, from the end of the step before it, is the median; so that what it waited for is on the picture, and nothing unusual.

import { z } from 'zod';
import { type TimelineSpan, type Track, timelineChart } from '../charts/timeline.ts';
import { duration } from '../format.ts';
import type { Figure } from '../page.ts';
import { firstOf, type Section } from './section.ts';

const eventSchema = z.looseObject({
  ph: z.string(),
  name: z.string().optional(),
  cat: z.string().optional(),
  pid: z.number(),
  tid: z.number().optional(),
  /** Microseconds. */
  ts: z.number().optional(),
  dur: z.number().optional(),
  args: z.record(z.string(), z.unknown()).optional(),
});
const traceSchema = z.looseObject({ traceEvents: z.array(eventSchema) });

type Event = z.infer<typeof eventSchema>;

/** A trace file that cannot be read. */
export class TraceError extends Error {
  override readonly name = 'TraceError';
}

/** The events of a trace as `--trace` wrote it. Throws a TraceError. */
export function readTrace(text: string): Event[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TraceError(`not JSON: ${(error as Error).message}`);
  }
  const read = traceSchema.safeParse(value);
  if (read.success) return read.data.traceEvents;
  const { path, message } = read.error.issues[0];
  throw new TraceError(`no trace: ${path.join('.') || 'the document'}: ${message}`);
}

/** Spans that are drawn of a thread at most: more are narrower than a hair. */
const MOST_SPANS = 400;
const NS = 1000;

/** Names that metadata events give to processes or threads. */
const namesOf = (events: readonly Event[], what: 'process_name' | 'thread_name'): Map<number, string> =>
  new Map(
    events.filter(({ name }) => name === what).map(({ pid, tid, args }) => [what === 'process_name' ? pid : tid!, String(args?.name)]),
  );

interface Window {
  readonly from: number;
  readonly to: number;
}

/** From the end of a step to the end of the next, of the median length. Undefined for fewer than three steps. */
function usualStep(ends: readonly number[]): Window | undefined {
  const inOrder = ends.toSorted((a, b) => a - b);
  const windows = inOrder.slice(1).map((to, i) => ({ from: inOrder[i], to }));
  if (windows.length < 2) return undefined;
  return windows.sort((a, b) => a.to - a.from - (b.to - b.from))[Math.floor(windows.length / 2)];
}

const endOf = ({ ts, dur }: Event): number => ts! + dur!;

const lengthIn = ({ ts, dur }: Event, { from, to }: Window): number => Math.min(ts! + dur!, to) - Math.max(ts!, from);

function trackOf(name: string, spans: readonly Event[], window: Window): Track {
  const longest = spans.toSorted((a, b) => b.dur! - a.dur!).slice(0, MOST_SPANS);
  return {
    name,
    spans: longest.map(
      ({ name: what = '', cat = 'other', ts, dur }): TimelineSpan => ({
        name: what,
        category: cat,
        startNs: (ts! - window.from) * NS,
        endNs: (ts! + dur! - window.from) * NS,
      }),
    ),
  };
}

/** Categories that only enclose what is drawn. */
const ENCLOSING = ['step', 'sample'];

function figureOf(title: string, all: readonly Event[], window: Window, threads: ReadonlyMap<number, string>, file: string): Figure {
  const spans = all.filter(({ cat = '' }) => !ENCLOSING.includes(cat));
  const within = spans.filter((span) => lengthIn(span, window) > 0);
  const byThread = [...Map.groupBy(within, ({ tid }) => tid!)].sort(([a], [b]) => a - b);
  const tracks = byThread.map(([tid, own]) => trackOf(threads.get(tid) ?? `thread ${tid}`, own, window));
  const lengthNs = (window.to - window.from) * NS;
  const busy = byThread.flatMap(([tid, own]) =>
    [...Map.groupBy(own, ({ cat = 'other' }) => cat)].map(([category, those]) => [
      threads.get(tid) ?? `thread ${tid}`,
      category,
      String(those.length),
      duration(those.reduce((sum, span) => sum + lengthIn(span, window), 0) * NS),
    ]),
  );
  return {
    chart: timelineChart(title, tracks, lengthNs, duration),
    caption: `A step of the usual length, ${duration(lengthNs)} from the end of the one before. Open the trace in ui.perfetto.dev to see all.`,
    data: {
      columns: [
        { title: 'thread', align: 'left' },
        { title: 'what', align: 'left' },
        { title: 'spans', align: 'right' },
        { title: 'time, nested spans counted again', align: 'right' },
      ],
      rows: busy,
    },
    file,
  };
}

/** While an arm's samples of a case were taken: its process may serve several cases. */
interface Stretch {
  readonly title: string;
  isDuring(end: number): boolean;
}

/** The stretches of a process called `arm (fork 0)`, from the samples that the parent noted; without them all of it is one. */
function stretchesOf(process: string, spans: readonly Event[], threads: ReadonlyMap<number, string>): Stretch[] {
  const [, arm, fork] = /^(.*) \(fork (\d+)\)$/.exec(process) ?? [];
  const own = spans.filter(({ cat, tid, args }) => cat === 'sample' && args?.fork === Number(fork) && threads.get(tid!) === arm);
  if (own.length === 0) return [{ title: process, isDuring: () => true }];
  return [...Map.groupBy(own, ({ name = '' }) => name)].map(([name, samples]) => ({
    title: `${name} ${arm}${fork === '0' ? '' : `, fork ${fork}`}`,
    isDuring: (end) => samples.some((sample) => end >= sample.ts! && end <= endOf(sample)),
  }));
}

/** A timeline for each case of each process that did steps; `file` is what the trace is called. */
export function timelineSection(events: readonly Event[], file: string): Section | undefined {
  const [processes, threads] = [namesOf(events, 'process_name'), namesOf(events, 'thread_name')];
  const spans = events.filter(({ ph, ts, dur, tid }) => ph === 'X' && ts !== undefined && dur !== undefined && tid !== undefined);
  const figures = [...Map.groupBy(spans, ({ pid }) => pid)].flatMap(([pid, own]) => {
    const ends = own.filter(({ cat }) => cat === 'step').map(endOf);
    if (ends.length === 0) return [];
    return stretchesOf(processes.get(pid) ?? `process ${pid}`, spans, threads).flatMap(({ title, isDuring }) => {
      const window = usualStep(ends.filter(isDuring));
      return window ? [figureOf(title, own, window, threads, file)] : [];
    });
  });
  if (figures.length === 0) return undefined;
  const { shown, lead } = firstOf(figures, 'timelines', file);
  return { id: 'timelines', title: 'Timelines of a step', lead, figures: shown, wide: true };
}
