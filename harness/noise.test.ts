import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { canaryNs, NoiseMonitor, type Restful } from './noise.ts';

/** A process that uses what it is told to. */
const resting = (name: string, uses: number[]): Restful => ({ arm: { name }, cpuSeconds: () => uses.shift() });

test('the canary takes some time, and a round reports it', () => {
  assert.ok(canaryNs() > 1000);
  const noise = new NoiseMonitor().round([]);
  assert.ok(noise.canary > 1000);
});

test('an arm that computes while it is parked is named', () => {
  const monitor = new NoiseMonitor();
  const busy = resting('ours:busy@cpu/1', [1, 2.5]);
  monitor.park(busy);
  const complaint = monitor.wake(busy);
  assert.match(complaint!, /ours:busy@cpu\/1 was parked but used 1\.50 s/);
  assert.is(monitor.round([complaint!]).contamination, complaint);
});

test('rests too short for the clock of the system add up', () => {
  const monitor = new NoiseMonitor();
  const busy = resting('busy', [1, 1.009, 1.009, 1.018, 1.018, 1.027]);
  const complaints = [0, 1, 2].map(() => {
    monitor.park(busy);
    return monitor.wake(busy);
  });
  assert.equal(complaints.slice(0, 2), [undefined, undefined]);
  assert.match(complaints[2]!, /used 0\.03 s/);
});

test('an arm that rests is not, nor one tick, nor one whose times are unknown', () => {
  const monitor = new NoiseMonitor();
  for (const uses of [[1, 1], [1, 1.01], []]) {
    const child = resting('quiet', uses);
    monitor.park(child);
    assert.is(monitor.wake(child), undefined);
  }
});

test('what was never parked cannot have rested badly', () => {
  assert.is(new NoiseMonitor().wake(resting('new', [5])), undefined);
});

test.run();
