// The rules of the Trace Event format that a file must keep to be drawn as it is meant, for tests and for whoever doubts a trace.
//
// Format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU (Trace Event Format, Google).

type Event = Readonly<Record<string, unknown>>;

/** Names of metadata events, and the argument that each must have. */
const METADATA: Readonly<Record<string, { readonly argument: string; readonly type: 'string' | 'number' }>> = {
  process_name: { argument: 'name', type: 'string' },
  process_labels: { argument: 'labels', type: 'string' },
  process_sort_index: { argument: 'sort_index', type: 'number' },
  thread_name: { argument: 'name', type: 'string' },
  thread_sort_index: { argument: 'sort_index', type: 'number' },
};

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';

/** What is wrong with a trace, a line each; nothing for one that keeps the rules. Throws a SyntaxError for text that is not JSON. */
export function traceFaults(json: string): string[] {
  const trace = JSON.parse(json) as { displayTimeUnit?: unknown; traceEvents?: unknown };
  if (!Array.isArray(trace.traceEvents)) return ['traceEvents is no list'];
  const faults: string[] = [];
  if (trace.displayTimeUnit !== undefined && trace.displayTimeUnit !== 'ms' && trace.displayTimeUnit !== 'ns')
    faults.push(`displayTimeUnit is ${trace.displayTimeUnit}, expected ms or ns`);
  const events = trace.traceEvents as Event[];
  for (const [i, event] of events.entries()) faults.push(...eventFaults(event).map((fault) => `event ${i} (${event.name}): ${fault}`));
  const timed = events.filter(({ ph }) => ph === 'X' || ph === 'B' || ph === 'E');
  for (const [track, own] of Map.groupBy(timed, ({ pid, tid }) => `process ${pid}, thread ${tid}`))
    faults.push(...nestingFaults(own).map((fault) => `${track}: ${fault}`));
  return faults;
}

function eventFaults(event: Event): string[] {
  const { ph, name, pid, tid, ts, dur, args } = event;
  const faults: string[] = [];
  if (!['X', 'B', 'E', 'C', 'M'].includes(ph as string)) faults.push(`there is no phase ${ph} here`);
  if (!isText(name)) faults.push('name is no text');
  if (!Number.isInteger(pid)) faults.push(`pid is ${pid}, expected a whole number`);
  if (ph !== 'C' && ph !== 'M' && !Number.isInteger(tid)) faults.push(`tid is ${tid}, expected a whole number`);
  if (ph !== 'M' && !Number.isFinite(ts)) faults.push(`ts is ${ts}, expected microseconds`);
  if (ph === 'X' && !(Number.isFinite(dur) && (dur as number) >= 0)) faults.push(`dur is ${dur}, expected microseconds from 0`);
  if (ph === 'C') {
    const values = Object.values((args ?? {}) as object);
    if (values.length === 0 || values.some((value) => !Number.isFinite(value))) faults.push('a counter needs args, each a number');
  }
  if (ph === 'M') {
    const rule = METADATA[name as string];
    if (!rule) faults.push(`there is no metadata ${name}`);
    else if (typeof (args as Event | undefined)?.[rule.argument] !== rule.type)
      faults.push(`args.${rule.argument} is missing or no ${rule.type}`);
  }
  return faults;
}

/** Spans of one thread must be apart or one inside of the other; what begins must end. In whole nanoseconds. */
function nestingFaults(events: readonly Event[]): string[] {
  const faults: string[] = [];
  const nanoseconds = (value: unknown) => Math.round((value as number) * 1e3);
  const complete = events
    .filter(({ ph }) => ph === 'X')
    .map(({ name, ts, dur }) => ({ name, start: nanoseconds(ts), end: nanoseconds(ts) + nanoseconds(dur) }))
    .sort((a, b) => a.start - b.start || b.end - a.end);
  const open: typeof complete = [];
  for (const span of complete) {
    while (open.length > 0 && open[open.length - 1].end <= span.start) open.pop();
    const around = open[open.length - 1];
    if (around && span.end > around.end) faults.push(`${span.name} at ${span.start} ns overlaps ${around.name} in part`);
    open.push(span);
  }
  const begun: unknown[] = [];
  for (const { ph, name } of events) {
    if (ph === 'B') begun.push(name);
    else if (ph === 'E' && begun.pop() === undefined) faults.push(`${name} ends and has not begun`);
  }
  for (const name of begun) faults.push(`${name} begins and never ends`);
  return faults;
}
