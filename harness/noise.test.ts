import { existsSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Noise, NoiseMonitor, type Restful } from './noise.ts';
import { canaryNs, type Readings, SYSTEM } from './readings.ts';

/** A machine of two processors that does what it is told: seconds so far, and what the canary takes. */
class Machine implements Readings {
  readonly processors = 2;
  seconds = 1000;
  canary = 1e6;
  stolen = 5;
  busy = 100;
  waited: number | undefined = 7;
  own = 3;
  nowMs = () => this.seconds * 1000;
  canaryNs = () => this.canary;
  processorTimes = () => ({ stolen: this.stolen, busy: this.busy, all: 2 * this.seconds });
  waitedSeconds = () => this.waited;
  ownSeconds = () => this.own;
}

/** A process that has used so many seconds at each reading, in a machine whose clock stands unless it is moved. */
const resting = (name: string, uses: number[], error = 0.0205): Restful => ({
  arm: { name },
  processorTime() {
    const seconds = uses.shift();
    return seconds === undefined ? undefined : { seconds, error };
  },
  involuntarySwitches: () => 0,
});

/** Parks and wakes for that long; returns the complaint. */
function rest(monitor: NoiseMonitor, machine: Machine, child: Restful, seconds: number): string | undefined {
  monitor.park(child);
  machine.seconds += seconds;
  return monitor.wake(child);
}

test('the canary takes some time, and a round reports it with what this system counts', () => {
  assert.ok(canaryNs() > 1000);
  const monitor = new NoiseMonitor();
  monitor.watch([]);
  const noise = monitor.round([]);
  assert.ok(noise.canary > 1000);
  if (existsSync('/proc/stat')) assert.ok(noise.stealPct! >= 0 && noise.foreignPct! >= 0);
  if (SYSTEM.waitedSeconds() !== undefined) assert.ok(noise.pressurePct! >= 0 && noise.switchRate === 0);
});

test('an arm that computes while it is parked is named', () => {
  const machine = new Machine();
  const monitor = new NoiseMonitor(machine);
  const complaint = rest(monitor, machine, resting('ours:busy@cpu/1', [1, 2.5]), 2);
  assert.is(complaint, 'ours:busy@cpu/1 was parked but used 1.50 s of processor time in 2.00 s');
  assert.is(monitor.round([complaint!]).contamination, complaint);
});

test('rests too short for the clock of the system add up', () => {
  const machine = new Machine();
  const monitor = new NoiseMonitor(machine);
  const busy = resting('busy', [1, 1.009, 1.009, 1.018, 1.018, 1.027]);
  const complaints = [0, 1, 2].map(() => rest(monitor, machine, busy, 0.01));
  assert.equal(complaints.slice(0, 2), [undefined, undefined]);
  assert.match(complaints[2]!, /used 0\.03 s/);
});

test('ticks of work before the rest are no unrest: of several threads, and in no time at all', () => {
  const machine = new Machine();
  const monitor = new NoiseMonitor(machine);
  // Two threads were at work when it was parked: three ticks of 10 ms are counted in a rest of 4 ms.
  assert.is(rest(monitor, machine, resting('crew', [1, 1.03], 0.0305), 0.004), undefined);
  // More than all processors could do in that time was used before it, whatever the clock's error is.
  assert.is(rest(monitor, machine, resting('late', [1, 1.08], 0.0205), 0.004), undefined);
  // In a rest long enough it counts.
  assert.match(rest(monitor, machine, resting('restless', [1, 1.08], 0.0305), 0.1)!, /used 0\.08 s of processor time in 0\.10 s/);
});

test('an arm that rests is not, nor one tick, nor one whose times are unknown', () => {
  const machine = new Machine();
  const monitor = new NoiseMonitor(machine);
  for (const uses of [[1, 1], [1, 1.01], []]) assert.is(rest(monitor, machine, resting('quiet', uses), 1), undefined);
});

test('what was never parked cannot have rested badly', () => {
  assert.is(new NoiseMonitor(new Machine()).wake(resting('new', [5])), undefined);
});

/** Rounds of a second in which one arm uses one processor; `change` is what happens besides in the third. Returns what was seen in each. */
function rounds(change: (machine: Machine, arm: { switches: number }) => void): Noise[] {
  const machine = new Machine();
  const monitor = new NoiseMonitor(machine);
  const arm = { used: 1, switches: 50 };
  const child: Restful = {
    arm: { name: 'a' },
    processorTime: () => ({ seconds: arm.used, error: 0.0205 }),
    involuntarySwitches: () => arm.switches,
  };
  monitor.watch([child]);
  return [1, 2, 3, 4].map((round) => {
    machine.seconds += 1;
    machine.busy += 1;
    arm.used += 1;
    arm.switches += 30;
    if (round === 3) change(machine, arm);
    return monitor.round([]);
  });
}

test('each reading marks the round in which it is out of bounds, and only that', () => {
  const marks = (change: Parameters<typeof rounds>[0], wanted: RegExp) => {
    const seen = rounds(change);
    assert.equal(
      seen.map(({ contamination }) => contamination !== undefined),
      [false, false, true, false],
    );
    assert.match(seen[2].contamination!, wanted);
  };
  marks((machine) => (machine.stolen += 0.1), /^the hypervisor took 5\.0 % of the processors$/);
  marks((machine) => (machine.busy += 0.5), /^other processes took 24\.0 % of the processors$/);
  marks((machine) => (machine.waited! += 0.5), /^tasks waited for a processor 50 % of the time$/);
  marks((_, arm) => (arm.switches += 300), /^arms at work were put aside for other tasks 330 times a second$/);
  assert.equal(
    rounds(() => undefined).map(({ contamination }) => contamination),
    Array(4).fill(undefined),
  );
});

test('a slow canary marks its round', () => {
  const machine = new Machine();
  const monitor = new NoiseMonitor(machine);
  monitor.watch([]);
  const seen = [1e6, 1.02e6, 1.3e6, 1e6].map((canary) => {
    machine.canary = canary;
    return monitor.round([]).contamination;
  });
  assert.equal(seen, [undefined, undefined, 'the canary took 29 % longer than usual', undefined]);
});

test('what a case does to itself in every round is its usual level', () => {
  const machine = new Machine();
  const monitor = new NoiseMonitor(machine);
  monitor.watch([]);
  for (let i = 0; i < 4; i++) {
    machine.seconds += 1;
    machine.waited! += 0.9;
    const { pressurePct, contamination } = monitor.round([]);
    assert.ok(Math.abs(pressurePct! - 90) < 1e-6);
    assert.is(contamination, undefined);
  }
});

test('where the system counts nothing, nothing is made up', () => {
  const machine = new Machine();
  machine.waited = undefined;
  const monitor = new NoiseMonitor(machine);
  monitor.watch([resting('mute', [])]);
  assert.equal(monitor.round([]), { canary: 1e6, contamination: undefined });
});

test.run();
