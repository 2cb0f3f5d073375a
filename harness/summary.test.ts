import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Ledger } from './ledger.ts';
import { makePlan } from './plan.ts';
import type { Prepared } from './protocol.ts';
import type { Sample, Summary } from './record.ts';
import type { Case, Suite } from './suite.ts';
import { summarize } from './summary.ts';

const suite: Suite = { name: 'test', question: 'Is the summary right?', cases: () => [] };
const arm = (name: string) => ({ name, make: () => ({ run: () => undefined }) });
const one: Case = {
  name: 'test/one',
  arms: [arm('base'), arm('head')],
  cost: { flops: 1000, executedFlops: 1000, bytes: 100 },
  extra: { colour: 'red' },
};

interface Written {
  samples: Sample[];
}

function ledgerOf(baseline?: string, listed: Case = one): { ledger: Ledger; written: Written } {
  const request = { devices: ['cpu' as const], quick: false, seed: 1, threads: [1], options: {} };
  const rest = { devices: new Map(), threads: [1], peers: [], seconds: 1, forks: 2, timeout: 60, memoryBytes: 2 ** 30 };
  const plan = makePlan({ suite, suiteSource: 'test', request, cases: [listed], baseline, ...rest });
  const written: Written = { samples: [] };
  const sink = { sample: (sample: Sample) => void written.samples.push(sample), summary: () => undefined };
  return { ledger: new Ledger('run', plan, sink), written };
}

const opened = { protocol: 1, adapter: 'a machine', v8Flags: 'default', features: [], limits: {} };
const prepared: Prepared = { coldNs: 5000, verified: true, maxRelErr: 1e-7, tunables: { B: 2, A: 1 } };
const noise = (contamination?: string) => ({ canary: 1, stealPct: 0, contamination });

/** Writes samples of an arm: `times[fork][round]`, those below zero disturbed. */
function measure(ledger: Ledger, name: string, times: number[][]): void {
  const row = ledger.rows.find(({ entry }) => entry.arm.name === name)!;
  for (const [fork, rounds] of times.entries()) {
    ledger.ready(row, { opened, prepared }, { fork, round: 0, slot: 0 });
    for (const [round, time] of rounds.entries()) {
      const figures = [{ metric: 'time', unit: 'ns', value: Math.abs(time) }];
      ledger.figures(row, { fork, round, slot: 0 }, figures, 10, noise(time < 0 ? 'someone else' : undefined));
    }
    ledger.done(row, { fork, round: 0, slot: 0 }, rounds.length);
  }
}

const summary = (ledger: Ledger, name: string): Summary | undefined =>
  summarize(ledger, ledger.rows.find(({ entry }) => entry.arm.name === name)!, { seed: 1 });

test('the median is over forks of each fork; rates follow from it', () => {
  const { ledger } = ledgerOf();
  measure(ledger, 'base', [[10, 10, 10, 10, 10], [30]]);
  const row = summary(ledger, 'base')!;
  assert.is(row.status, 'ok');
  assert.is(row.median_ns, 20);
  assert.is(row.gflops, 50);
  assert.is(row.gbps, 5);
  assert.equal([row.forks, row.samples, row.cold_ns, row.max_rel_err], [2, 6, 5000, 1e-7]);
  assert.ok(row.ci_low_ns === 10 && row.ci_high_ns === 30);
  assert.is(row.tunables, '{"A":1,"B":2}');
  assert.equal(row.extra, { colour: 'red' });
});

test('disturbed samples do not count, and many of them are told', () => {
  const { ledger } = ledgerOf();
  measure(ledger, 'base', [[10, 10, -99, -99]]);
  const row = summary(ledger, 'base')!;
  assert.is(row.median_ns, 10);
  assert.is(row.samples, 2);
  assert.match(row.reason!, /2 of 4 samples were disturbed: someone else/);
});

test('where all are disturbed they are what there is, with the reason', () => {
  const { ledger } = ledgerOf();
  measure(ledger, 'base', [[-50, -60, -70]]);
  assert.is(summary(ledger, 'base')!.median_ns, 60);
  assert.match(summary(ledger, 'base')!.reason!, /3 of 3 samples were disturbed/);
});

test('a failure leaves no figures, whatever was measured before it', () => {
  const { ledger } = ledgerOf();
  measure(ledger, 'base', [[10]]);
  ledger.failed(ledger.rows[0], { status: 'wrong', reason: 'off by one' });
  const row = summary(ledger, 'base')!;
  assert.equal([row.status, row.reason, row.median_ns, row.gflops], ['wrong', 'off by one', undefined, undefined]);
});

test('a row of which nothing is known is no row', () => {
  assert.is(summary(ledgerOf().ledger, 'base'), undefined);
});

test('against a baseline, rounds are paired', () => {
  const { ledger } = ledgerOf('base');
  measure(ledger, 'base', [[20, 200], [2000]]);
  measure(ledger, 'head', [[10, 100], [1000]]);
  const extra = summary(ledger, 'head')!.extra!;
  assert.is(extra.baseline, 'base');
  assert.ok(Math.abs((extra.ratio as number) - 2) < 1e-9);
  assert.ok(Math.abs((extra.ratio_low as number) - 2) < 1e-9);
});

test('what was measured beside the time has columns of its own', () => {
  const { ledger } = ledgerOf();
  measure(ledger, 'base', [[10]]);
  ledger.figures(ledger.rows[0], { fork: 0, round: 0, slot: 0 }, [{ metric: 'device_time', unit: 'ns', value: 8 }], 1, noise());
  assert.is(summary(ledger, 'base')!.extra!.device_time_ns, 8);
});

test('a ledger takes over an earlier run and knows what is missing', () => {
  const first = ledgerOf();
  measure(first.ledger, 'base', [[10, 12]]);
  const recorded = summary(first.ledger, 'base')!;

  const { ledger, written } = ledgerOf();
  ledger.restore(first.written.samples, [recorded]);
  const [base, head] = ledger.rows;
  assert.ok(ledger.isDone(base, 0));
  assert.not.ok(ledger.isDone(base, 1) || ledger.isDone(head, 0));
  assert.is(ledger.nextRound(base.planned, 0), 2);
  assert.is(ledger.nextRound(base.planned, 1), 0);
  const again = summary(ledger, 'base')!;
  assert.equal({ ...again, time_utc: '' }, { ...recorded, time_utc: '' });
  assert.equal(written.samples, []);
});

test('a row that failed in an earlier run stays failed until it is tried again', () => {
  const first = ledgerOf();
  measure(first.ledger, 'base', [[10]]);
  first.ledger.failed(first.ledger.rows[0], { status: 'timeout', reason: 'took too long' });
  const { ledger } = ledgerOf();
  ledger.restore(first.written.samples, [summary(first.ledger, 'base')!]);
  assert.equal([summary(ledger, 'base')!.status, summary(ledger, 'base')!.reason], ['timeout', 'took too long']);
  measure(ledger, 'base', [[12]]);
  assert.is(summary(ledger, 'base')!.status, 'ok');
});

test('what work says of itself is in columns of its own, and stays when a run goes on', () => {
  const { ledger } = ledgerOf();
  const row = ledger.rows[0];
  const facts = { opened, prepared: { ...prepared, bytesH2d: 12, bytesD2h: 4, extra: { final_loss: 0.25 } } };
  ledger.ready(row, facts, { fork: 0, round: 0, slot: 0 });
  ledger.figures(row, { fork: 0, round: 0, slot: 0 }, [{ metric: 'time', unit: 'ns', value: 1 }], 1);
  const first = summarize(ledger, row, { seed: 1 })!;
  assert.equal([first.bytes_h2d, first.bytes_d2h, first.extra], [12, 4, { colour: 'red', final_loss: 0.25 }]);

  const later = ledgerOf().ledger;
  later.restore(row.samples, [{ ...first, extra: { ...first.extra, baseline: 'gone', ratio: 2 } }]);
  const again = summarize(later, later.rows[0], { seed: 1 })!;
  assert.equal([again.bytes_h2d, again.bytes_d2h, again.extra], [12, 4, { final_loss: 0.25, colour: 'red' }]);
});

test('a case with loops of its own is rated by the best of them, each place by itself, and the rest of it by nothing', () => {
  const loops = ['slow', 'fast', 'alone'];
  const arms = [arm('slow'), arm('fast'), { ...arm('alone'), threads: 2 }, arm('view')];
  const { ledger } = ledgerOf(undefined, { ...one, name: 'test/loops', arms, loops, cost: { flops: 0, executedFlops: 0, bytes: 100 } });
  for (const [name, time] of Object.entries({ slow: 40, fast: 10, alone: 50, view: 1 })) measure(ledger, name, [[time, time], [time]]);
  const rate = () => ({ roof_pct: 500, bound: 'memory' as const });
  const rated = (name: string) => summarize(ledger, ledger.rows.find(({ entry }) => entry.arm.name === name)!, { seed: 1, rate })!;
  assert.equal(
    ['slow', 'fast', 'alone', 'view'].map((name) => rated(name).roof_pct),
    [25, 100, 100, undefined],
  );
  assert.equal([rated('slow').gflops, rated('slow').gbps], [undefined, 2.5], 'no operations have no rate');
});

test.run();
