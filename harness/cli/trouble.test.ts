import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EXAMPLE, TROUBLE, Workplace } from './bench-process.ts';

const place = new Workplace();
test.after(() => place.remove());

const SHORT = ['--time', '0.2', '--forks', '1', '--no-roof'];

test('an arm that hangs, dies, leaves, throws or errs fails alone; the run goes on to its end with exit 3', async () => {
  const { code, err } = await place.bench(['run', TROUBLE, ...SHORT, '--timeout', '1', '--out', 'trouble', '--verbose']);
  assert.is(code, 3, err);
  const rows = place.rows('trouble', 'summary.csv');
  const expected = {
    right: ['ok', /^$|disturbed|warming/],
    wrong: ['wrong', /expected 4 but found 5/],
    throws: ['failed', /no such table/],
    hangs: ['timeout', /took more than .* s, so its process was killed; allow more with --timeout/],
    'hangs-later': ['timeout', /took more than/],
    dies: ['failed', /was killed by SIGKILL/],
    leaves: ['failed', /ended with exit code 7/],
    waits: ['ok', /^$|disturbed|warming/],
    slow: ['slow', /exceeds the arm's share/],
  } as const;
  for (const name of ['first', 'second'])
    for (const [arm, [status, reason]] of Object.entries(expected)) {
      const row = rows.find((one) => one.case === `trouble/${name}` && one.arm === arm)!;
      assert.is(row.status, status, `${arm}: ${row.reason}`);
      assert.match(row.reason, reason);
      assert.is(row.median_ns !== '', status === 'ok' || status === 'slow', arm);
    }
});

test('Ctrl-C ends after the sample in flight and keeps what was measured; --resume adds only what is missing', async () => {
  const args = ['run', TROUBLE, '--only', 'right,waits', '--time', '0.4', '--forks', '2', '--no-roof', '--out', 'broken'];
  let sent = false;
  const { code, err } = await place.bench(args, {
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
  assert.is(place.text('broken', 'samples.csv'), after, 'nothing is missing, nothing is measured');
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

test('a disk that fills ends the run with exit 4 and the name of the file; what was measured before is in the files', async () => {
  // The shell's limit on file sizes stands in for the disk: it needs no rights. 16 blocks are 16 KiB.
  const full = ['run', TROUBLE, '--only', 'right,waits', '--time', '5', '--forks', '1', '--no-roof', '--out', 'full'];
  const { code, err } = await place.bench(full, { under: "trap '' XFSZ; ulimit -f 16" });
  assert.is(code, 4, err);
  assert.match(err, /samples\.csv: cannot be written/);
  const samples = place.rows('full', 'samples.csv');
  assert.ok(samples.length > 20, `${samples.length} samples were kept`);
});

test.run();
