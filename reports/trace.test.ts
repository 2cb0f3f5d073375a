// The rules are those of the Trace Event format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Span } from '../harness/span.ts';
import { dropped, sample } from './example.ts';
import { lanesOf } from './lanes.ts';
import { traceRecorder } from './trace.ts';
import { traceFaults } from './trace-rules.ts';

const span = (track: string, name: string, startNs: number, durationNs: number, args?: Span['args']): Span => ({
  track,
  name,
  category: 'kernel',
  startNs,
  durationNs,
  args,
});

interface Event {
  readonly ph: string;
  readonly name: string;
  readonly cat: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
  readonly args: Record<string, unknown>;
}

const eventsOf = (json: string): Event[] => JSON.parse(json).traceEvents;
const named = (events: readonly Event[], kind: string) => events.filter(({ name }) => name === kind).map(({ args }) => args.name);

test('samples: a thread for each arm, and events in order that never overlap', () => {
  let clock = 0;
  const recorder = traceRecorder({ now: () => clock });
  clock = 100e6;
  recorder.sample(sample);
  recorder.sample({ ...sample, metric: 'device_time' });
  recorder.sample(dropped);
  const events = eventsOf(recorder.json());
  assert.equal(named(events, 'thread_name'), [sample.arm, dropped.arm]);
  const [first, second] = events.filter(({ ph }) => ph === 'X');
  assert.ok(Math.abs(second.ts + second.dur - 100e3) < 2e-3);
  assert.ok(Math.abs(first.ts + first.dur - second.ts) < 2e-3);
  assert.ok(Math.abs(first.dur - (1234567.8 * 16) / 1e3) < 2e-3);
  assert.type(second.args.dropped, 'string');
  assert.equal(traceFaults(recorder.json()), []);
});

test('every arm is a process with its threads, spans and counters, on the clock of the parent', () => {
  const recorder = traceRecorder({ now: () => 5e15 });
  const spans = [span('main thread', 'step', 5e15 + 1000.4, 5000), span('main thread', 'matmul', 5e15 + 2000, 500, { bytes: 64 })];
  const counts = [{ name: 'memory (bytes)', atNs: 5e15 + 3000, value: 4096 }];
  recorder.arm({ arm: 'ours', pid: 71, fork: 0, spans, counts, skipped: 3 });
  recorder.arm({ arm: 'ours', pid: 71, fork: 0, spans: [span('crew thread 1', 'matmul', 5e15 + 2100, 300)], counts: [], skipped: 4 });
  recorder.arm({ arm: 'theirs', pid: 72, fork: 0, spans: [span('main thread', 'other', 5e15 + 9000, 1)], counts: [], skipped: 0 });
  recorder.parent({ spans: [span('parent', 'sample: ours', 5e15, 8000)], counts: [], skipped: 0 });
  const events = eventsOf(recorder.json());
  assert.equal(named(events, 'process_name'), ['bench run', 'ours (fork 0)', 'theirs (fork 0)']);
  assert.equal(named(events, 'thread_name'), ['parent', 'main thread', 'crew thread 1', 'main thread']);
  const matmul = events.find(({ name, args }) => name === 'matmul' && args?.bytes === 64)!;
  assert.equal([matmul.pid, matmul.ts, matmul.dur, matmul.cat], [71, 2, 0.5, 'kernel']);
  const count = events.find(({ ph }) => ph === 'C')!;
  assert.equal([count.pid, count.ts, count.args.value], [71, 3, 4096]);
  assert.equal(JSON.parse(recorder.json()).otherData, { skipped: 7, refused: 0 });
  assert.equal(traceFaults(recorder.json()), []);
});

test('spans that overlap in part go to lanes of their own; nested ones stay together', () => {
  const recorder = traceRecorder({ now: () => 0 });
  const spans = [
    span('waits', 'inner', 20, 10),
    span('waits', 'outer', 10, 50),
    span('waits', 'late', 40, 100),
    span('waits', 'after', 60, 5),
  ];
  recorder.arm({ arm: 'ours', pid: 2, fork: 0, spans, counts: [], skipped: 0 });
  const events = eventsOf(recorder.json());
  assert.equal(named(events, 'thread_name'), ['waits', 'waits (2)']);
  const tids = new Map(events.filter(({ ph }) => ph === 'X').map(({ name, tid }) => [name, tid]));
  assert.is(tids.get('inner'), tids.get('outer'));
  assert.is(tids.get('after'), tids.get('outer'));
  assert.is.not(tids.get('late'), tids.get('outer'));
  assert.equal(traceFaults(recorder.json()), []);
});

test('random spans: whatever comes, tracks nest, and their times never go back', () => {
  let state = 7;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % below;
  };
  for (let trial = 0; trial < 20; trial++) {
    const recorder = traceRecorder({ now: () => 0 });
    const spans = Array.from({ length: 200 }, (_, i) => span(`track ${random(3)}`, `span ${i}`, random(2000) / 2, random(200) / 2));
    recorder.arm({ arm: 'ours', pid: 2, fork: 0, spans, counts: [], skipped: 0 });
    assert.equal(traceFaults(recorder.json()), []);
    const drawn = eventsOf(recorder.json()).filter(({ ph }) => ph === 'X');
    for (const own of Map.groupBy(drawn, ({ tid }) => tid).values()) assert.ok(own.every(({ ts }, i) => i === 0 || ts >= own[i - 1].ts));
  }
  assert.equal(lanesOf([]), []);
});

test('a trace has room for so much; what is refused is counted, and never half of a handover kept', () => {
  const recorder = traceRecorder({ now: () => 0, room: 3 });
  const two = {
    arm: 'ours',
    pid: 2,
    fork: 0,
    spans: [span('main thread', 'a', 0, 1), span('main thread', 'b', 2, 1)],
    counts: [],
    skipped: 0,
  };
  recorder.arm(two);
  recorder.arm(two);
  assert.equal(recorder.missing, { skipped: 0, refused: 2 });
  assert.is(eventsOf(recorder.json()).filter(({ ph }) => ph === 'X').length, 2);
});

test('the rules find what they are for', () => {
  const event = { ph: 'X', name: 'a', cat: 'kernel', pid: 1, tid: 1, ts: 0, dur: 10 };
  const faults = (...events: object[]) => traceFaults(JSON.stringify({ displayTimeUnit: 'ns', traceEvents: events }));
  assert.equal(faults(event), []);
  assert.match(faults(event, { ...event, ts: 5 })[0], /overlaps/);
  assert.match(faults({ ...event, dur: -1 })[0], /dur/);
  assert.match(faults({ ...event, ts: 'soon' })[0], /ts/);
  assert.match(faults({ ...event, name: '' })[0], /name/);
  assert.match(faults({ ...event, ph: 'Q' })[0], /phase/);
  assert.match(faults({ ph: 'C', name: 'c', pid: 1, ts: 0, args: { value: 'much' } })[0], /number/);
  assert.match(faults({ ph: 'M', name: 'thread_name', pid: 1, tid: 1, args: {} })[0], /args\.name/);
  assert.match(faults({ ph: 'B', name: 'a', pid: 1, tid: 1, ts: 0 })[0], /never ends/);
  assert.match(faults({ ph: 'E', name: 'a', pid: 1, tid: 1, ts: 0 })[0], /has not begun/);
});

test.run();
