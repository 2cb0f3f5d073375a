import { existsSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TROUBLE, Workplace } from './bench-process.ts';

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
    restless: ['ok', /disturbed|^$|warming/],
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

test('an arm that works while it is parked spoils rounds for all arms alike, and is named', async () => {
  const { code, err } = await place.bench([
    'run',
    TROUBLE,
    '--only',
    'right,restless',
    '--time',
    '0.5',
    '--forks',
    '1',
    '--no-roof',
    '--out',
    'restless',
  ]);
  assert.is(code, 0, err);
  if (!existsSync('/proc/self/stat')) return;
  const samples = place.rows('restless', 'samples.csv').filter(({ metric }) => metric === 'time');
  const rounds = Map.groupBy(samples, (sample) => `${sample.case} ${sample.round}`);
  for (const arms of rounds.values()) assert.is(new Set(arms.map(({ dropped }) => dropped)).size, 1, 'a round is dropped whole');
  assert.ok(samples.some(({ dropped, reason }) => dropped === 'true' && reason.startsWith('restless was parked but used')));
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
