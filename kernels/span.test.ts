import { Worker } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openDevice } from './open.ts';
import { matmul } from './problem.ts';
import { type Count, clockNs, MAIN_THREAD, Recorder, type Span, startTracing, stopTracing, tracing } from './span.ts';
import { SpanLog } from './span-log.ts';

test('the clock is one for all threads', async () => {
  const code = `const { parentPort, workerData } = require('node:worker_threads');
    void import(workerData).then(({ clockNs }) => parentPort.postMessage(clockNs()));`;
  const before = clockNs();
  const worker = new Worker(code, { eval: true, workerData: new URL('./span.ts', import.meta.url).href });
  const there = await new Promise<number>((resolve) => worker.once('message', resolve));
  const after = clockNs();
  assert.ok(before < there && there < after, `${before} < ${there} < ${after}`);
});

test('a recorder takes a burst, then an event per millisecond, and counts what it lets pass', () => {
  let now = 0;
  const recorder = new Recorder(() => now);
  for (let i = 0; i < 10_000; i++) {
    now += 1000;
    if (recorder.admits()) recorder.span(MAIN_THREAD, 'kernel', 'kernel', now - 500, now);
  }
  const { spans, skipped } = recorder.take();
  assert.is(spans.length + skipped, 10_000);
  // One more each time that the rate is looked at, after 400.
  assert.ok(spans.length > 50 && spans.length <= 51 + 10e6 / 1e6 + skipped / 400, String(spans.length));
  assert.equal(recorder.take(), { spans: [], counts: [], skipped: 0 });
  assert.ok(recorder.admits(), 'a new take, a new burst');
});

test('what others have noted is collected before events are handed over', () => {
  const recorder = new Recorder(() => 0);
  const end = recorder.collecting(() => recorder.count('queue', 3));
  assert.equal(recorder.take().counts, [{ name: 'queue', atNs: 0, value: 3 }]);
  end();
  assert.equal(recorder.take().counts, []);
});

test('a span log passes spans on in order, and loses the oldest where nobody reads', () => {
  const writer = SpanLog.create(8);
  const reader = new SpanLog(writer.memory);
  const read = () => {
    const codes: number[] = [];
    const lost = reader.drain((code, startNs, endNs) => {
      assert.is(endNs - startNs, code);
      codes.push(code);
    });
    return { codes, lost };
  };
  const write = (from: number, to: number) => {
    for (let code = from; code < to; code++) writer.note(code, 1000 * code, 1001 * code);
  };
  assert.equal(read(), { codes: [], lost: 0 });
  write(0, 5);
  assert.equal(read(), { codes: [0, 1, 2, 3, 4], lost: 0 });
  write(5, 11);
  assert.equal(read(), { codes: [5, 6, 7, 8, 9, 10], lost: 0 });
  write(11, 31);
  const { codes, lost } = read();
  assert.equal(codes, [24, 25, 26, 27, 28, 29, 30]);
  assert.is(lost, 13);
});

/** What a device tells while a matmul runs on it, and its result comes back. */
async function eventsOn(kind: 'cpu' | 'webgpu', enough = (_: readonly Span[]) => true) {
  const { Launch } = await import('./launch.ts');
  const { choose } = await import('./catalog.ts');
  const recorder = startTracing();
  const device = await openDevice(kind, { threads: 2 });
  try {
    const problem = matmul({ m: 250, n: 260, k: 270 });
    const { kernel, tunables } = choose(problem, device);
    const launch = new Launch(device, kernel, problem, tunables);
    const [A, B, C] = [250 * 270, 270 * 260, 250 * 260].map((elements) => device.alloc(4 * elements));
    device.write(A, new Float32Array(250 * 270).fill(1));
    device.write(B, new Float32Array(270 * 260).fill(1));
    const spans: Span[] = [];
    const counts: Count[] = [];
    for (let tries = 0; tries < 1000 && (tries === 0 || !enough(spans)); tries++) {
      for (let i = 0; i < 20; i++) launch.run({ A, B, C });
      const [first] = new Float32Array((await device.read(C)).buffer);
      assert.is(first, 270);
      const events = recorder.take();
      spans.push(...events.spans);
      counts.push(...events.counts);
    }
    return { spans, counts };
  } finally {
    stopTracing();
    await device.close();
  }
}

test('cpu: a span for each kernel, copy and compile on the main thread, and for the shares of the crew, within them', async () => {
  // When the other thread gets a processor, and so a share, is not ours to say.
  const onCrew = ({ track }: Span) => track === 'crew thread 1';
  const { spans, counts } = await eventsOn('cpu', (found) => found.some(onCrew));
  const main = spans.filter(({ track }) => track === MAIN_THREAD);
  const of = (category: string) => main.filter((span) => span.category === category);
  assert.ok(of('kernel').length >= 20);
  assert.equal(
    of('copy')
      .slice(0, 3)
      .map(({ name, args }) => [name, args!.bytes]),
    [
      ['host to device', 4 * 250 * 270],
      ['host to device', 4 * 270 * 260],
      ['device to host', 4 * 250 * 260],
    ],
  );
  assert.ok(counts.some(({ name, value }) => name.startsWith('cpu memory') && value > 4 * 250 * 270));
  const shares = spans.filter(onCrew);
  assert.ok(shares.length > 0);
  for (const share of shares) {
    const around = of('kernel').filter(
      ({ name, startNs, durationNs }) =>
        name === share.name && startNs <= share.startNs + share.durationNs && share.startNs <= startNs + durationNs,
    );
    assert.is(around.length > 0, true, `${share.name} lies in no kernel of that name`);
  }
});

test('webgpu: a span for each dispatch on the queue, none before it was asked for, and a wait around the last', async () => {
  const before = clockNs();
  const { spans, counts } = await eventsOn('webgpu');
  const after = clockNs();
  const queue = spans.filter(({ track }) => track === 'webgpu queue');
  assert.is(queue.filter(({ category }) => category === 'kernel').length >= 20, true);
  for (const { startNs, durationNs } of queue) assert.ok(before < startNs && startNs + durationNs < after);
  const ends = queue.map(({ startNs, durationNs }) => startNs + durationNs);
  const [wait] = spans.filter(({ category }) => category === 'wait');
  assert.ok(Math.max(...ends) <= wait.startNs + wait.durationNs);
  assert.equal(
    counts.filter(({ name }) => name === 'webgpu batches in flight').map(({ value }) => value),
    [1, 0],
  );
});

test('who opens a device without asking for a trace gets one that records nothing', async () => {
  assert.is(tracing(), undefined);
  await using device = Object.assign(await openDevice('cpu', { threads: 1 }), {
    async [Symbol.asyncDispose]() {
      await device.close();
    },
  });
  assert.not(Object.hasOwn(device, 'dispatch'));
});

test.run();
