// The writers of logs: curves as CSV, and everything as an event file of TensorBoard. They write to a sink, which a file is, or anything else.

import type { Fetch } from '../graph/session.ts';
import { graphEvent, startEvent, summaryEvent, versionEvent } from './events.ts';
import { graphDefOf } from './graph-def.ts';
import type { Entry, LogWriter } from './log.ts';
import { framed } from './records.ts';

/** Takes bytes whole and in order; they are safe from an end of the process when `write` returns. */
export interface ByteSink {
  write(bytes: Uint8Array): void;
  close(): void;
}

const utf8 = new TextEncoder();

/** A field as RFC 4180 has it. */
const field = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Scalars as lines `run,tag,step,time_utc,value`; histograms, images and graphs are left out. */
export function csvWriter(run: string, sink: ByteSink): LogWriter {
  const line = (...fields: readonly string[]) => sink.write(utf8.encode(`${fields.map(field).join(',')}\r\n`));
  line('run', 'tag', 'step', 'time_utc', 'value');
  return {
    entry({ tag, step, time, content }: Entry) {
      if (content.kind === 'scalar') line(run, tag, `${step}`, new Date(time).toISOString(), `${content.value}`);
    },
    graph: () => undefined,
    close: () => sink.close(),
  };
}

/** Events in an event file, a record each. `time` is that of the file's beginning, in milliseconds since 1970. */
export function eventWriter(sink: ByteSink, time: number): LogWriter {
  const write = (event: Uint8Array) => sink.write(framed(event));
  write(versionEvent(time));
  let isBegun = false;
  return {
    entry(entry: Entry) {
      if (!isBegun) write(startEvent(entry.step, entry.time));
      isBegun = true;
      write(summaryEvent(entry));
    },
    graph: (fetches: readonly Fetch[], at: number) => write(graphEvent(graphDefOf(fetches), at)),
    close: () => sink.close(),
  };
}
