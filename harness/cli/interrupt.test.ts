import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EXAMPLE, TROUBLE, Workplace } from './bench-process.ts';

const place = new Workplace();
test.after(() => place.remove());

test('Ctrl-C ends after the sample in flight and keeps what was measured; --resume adds only what is missing', async () => {
  const args = ['run', TROUBLE, '--only', 'right,waits', '--time', '0.4', '--forks', '2', '--no-roof', '--out', 'broken'];
  let sent = false;
  const { code, err, out } = await place.bench(args, {
    watch(text, kill) {
      if (!sent && text.includes('fork 1/2, case 2/2')) {
        sent = true;
        setTimeout(() => kill('SIGINT'), 300);
      }
    },
  });
  assert.is(code, 130, err);
  assert.match(err, /go on with the same command and --resume --out broken/);
  const before = place.text('broken', 'samples.csv');
  assert.is(JSON.parse(place.text('broken', 'run.json')).ended_utc, undefined);
  const sentence = /= (\d) of \d rows are right\n/;
  const [, right] = sentence.exec(out) ?? [];
  assert.ok(Number(right) >= 2, 'what the suite says of the rows that there are is told');
  assert.ok(place.rows('broken', 'summary.csv').some((row) => row.case === 'trouble/first' && row.status === 'ok'));

  const resumed = await place.bench([...args, '--resume']);
  assert.is(resumed.code, 0, resumed.err);
  const after = place.text('broken', 'samples.csv');
  assert.ok(after.startsWith(before), 'what was measured before stays as it is');
  const added = place.rows('broken', 'samples.csv').slice(before.trimEnd().split('\n').length - 1);
  assert.not.ok(
    added.some((row) => row.case === 'trouble/first' && row.fork === '0'),
    'a case that was complete is not measured again',
  );
  assert.equal(
    place.rows('broken', 'summary.csv').map((row) => [row.case, row.arm, row.status, row.forks]),
    ['first', 'second'].flatMap((name) => ['right', 'waits'].map((arm) => [`trouble/${name}`, arm, 'ok', '2'])),
  );

  const idle = await place.bench([...args, '--resume']);
  assert.is(idle.code, 0, idle.err);
  assert.match(idle.out, /= 4 of 4 rows are right\n/);
  assert.is(place.text('broken', 'samples.csv'), after, 'nothing is missing, nothing is measured');
});

test('a slow arm that was measured before Ctrl-C is not measured again', async () => {
  const args = ['run', TROUBLE, '--only', 'slow,tells', '--time', '0.4', '--forks', '1', '--no-roof', '--verbose', '--out', 'slow'];
  let sent = false;
  const { code, err } = await place.bench(args, {
    watch(text, kill) {
      if (sent || !text.includes('tells is made')) return;
      sent = true;
      kill('SIGINT');
    },
  });
  assert.is(code, 130, err);
  const times = () =>
    place.rows('slow', 'samples.csv').filter((row) => row.case === 'trouble/first' && row.arm === 'slow' && row.metric === 'time');
  assert.is(times().length, 1, 'it was measured');
  const resumed = await place.bench([...args, '--resume']);
  assert.is(resumed.code, 0, resumed.err);
  assert.is(times().length, 1);
  assert.equal(
    place.rows('slow', 'summary.csv').map(({ case: name, arm, status }) => `${name} ${arm} ${status}`),
    ['first', 'second'].flatMap((name) => [`trouble/${name} slow slow`, `trouble/${name} tells ok`]),
  );
});

test('a second Ctrl-C does not wait for the sample in flight', async () => {
  const began = performance.now();
  let sent = 0;
  const { code } = await place.bench(
    ['run', TROUBLE, '--only', 'right,hangs', '--timeout', '50', '--time', '0.2', '--forks', '1', '--no-roof', '--out', 'twice'],
    {
      watch(text, kill) {
        if (sent === 0 && text.includes('case 1/2')) {
          sent = 1;
          setTimeout(() => kill('SIGINT'), 700);
        }
        if (sent === 1 && text.includes('once more')) {
          sent = 2;
          kill('SIGINT');
        }
      },
    },
  );
  assert.is(code, 130);
  assert.ok(performance.now() - began < 30_000);
  assert.ok(existsSync(join(place.folder, 'twice', 'run.json')));
});

test('a run is not resumed with another seed', async () => {
  const args = ['run', EXAMPLE, '--time', '0.05', '--forks', '1', '--no-roof', '--out', 'seed'];
  assert.is((await place.bench(args)).code, 0);
  const { code, err } = await place.bench([...args, '--resume', '--seed', '2']);
  assert.is(code, 2);
  assert.match(err, /began with --seed 1, not 2/);
});

test.run();
