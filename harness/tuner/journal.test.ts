import { fork } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exampleHeader as header, exampleResult as line } from './fixtures/example.ts';
import { Journal, JournalError, readJournal, secondsOf } from './journal.ts';

const folder = mkdtempSync(join(tmpdir(), 'tilebench-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
let made = 0;
const fresh = (): string => join(folder, `${++made}.jsonl`);

function complaint(work: () => unknown): string {
  try {
    work();
    return 'nothing was found';
  } catch (error) {
    return (error as Error).message;
  }
}

/** A journal of two lines, closed. */
function written(): string {
  const path = fresh();
  using journal = new Journal(path, header);
  journal.append(line({ MR: 2, NR: 8 }, 0.5));
  journal.append(line({ MR: 4, NR: 8 }));
  return path;
}

test('what is appended is read again, and a failure is no time', () => {
  const { header: found, results, cut } = readJournal(written());
  assert.equal(found, JSON.parse(JSON.stringify(header)));
  assert.equal(results.map(secondsOf), [0.0005, undefined]);
  assert.is(cut, undefined);
});

test('an existing journal needs --resume, which knows what was measured and goes on behind it', () => {
  const path = written();
  assert.match(
    complaint(() => new Journal(path, header)),
    /exists; .*--resume/,
  );
  using journal = new Journal(path, header, { resume: true });
  assert.is(journal.results.length, 2);
  assert.is(secondsOf(journal.find({ NR: 8, MR: 2 })!), 0.0005);
  assert.is(journal.find({ MR: 6, NR: 8 }), undefined);
  journal.append(line({ MR: 6, NR: 8 }, 0.4));
  assert.is(readJournal(path).results.length, 3);
});

test('a configuration that failed once is failed, whatever was measured later', () => {
  const path = written();
  using journal = new Journal(path, header, { resume: true });
  journal.append(line({ MR: 4, NR: 8 }, 0.1));
  assert.is(journal.find({ MR: 4, NR: 8 })!.invalidity, 'correctness');
});

test('a last line that was cut off is left out with a word, at every place it can be cut', () => {
  const whole = readFileSync(written(), 'utf8');
  const start = whole.trimEnd().lastIndexOf('\n') + 1;
  for (const end of [start + 1, start + 20, whole.length - 1]) {
    const path = fresh();
    writeFileSync(path, whole.slice(0, end));
    assert.match(readJournal(path).cut!, /line 3 was cut off after \d+ bytes/);
    using journal = new Journal(path, header, { resume: true });
    assert.match(journal.cut!, /line 3 was cut off/);
    assert.is(journal.results.length, 1);
    journal.append(line({ MR: 5, NR: 4 }, 1));
    assert.is(readJournal(path).results.length, 2);
  }
});

test('a header that was cut off has nothing behind it: the journal is begun again', () => {
  const path = fresh();
  writeFileSync(path, '{"schema":"tilebench-jour');
  assert.match(
    complaint(() => readJournal(path)),
    /no header line/,
  );
  using journal = new Journal(path, header, { resume: true });
  assert.is(journal.results.length, 0);
});

test('a journal of something else is refused by what differs, and left as it is', () => {
  const others: [object, RegExp][] = [
    [{ device: 'cpu/Other processor/2/simd' }, /another device: it has cpu\/Example .*, this is cpu\/Other/],
    [{ generator: 'abd' }, /another version of the code generator: it has abc, this is abd/],
    [{ machine: { ...header.machine, runtime: 'node 25.0.0' } }, /another runtime or driver/],
    [{ problem: { ...header.problem, m: 65 } }, /another problem/],
    [{ timer: 'device' }, /another timer/],
  ];
  const path = written();
  const before = readFileSync(path);
  for (const [change, words] of others) {
    const message = complaint(() => new Journal(path, { ...header, ...change } as typeof header, { resume: true }));
    assert.match(message, words);
    assert.match(message, /--out/);
  }
  writeFileSync(path, String(before).replace('tilebench-journal/1', 'tilebench-journal/9'));
  assert.match(
    complaint(() => new Journal(path, header, { resume: true })),
    /line 1: schema is "tilebench-journal\/9"/,
  );
  writeFileSync(path, '');
  assert.is(readdirSync(folder).filter((name) => name.includes('.lock')).length, 0);
});

test('garbage that a hand put in is named by its line, and nothing is lost', () => {
  const damages: [string, RegExp][] = [
    ['nonsense', /line 4: is not JSON/],
    ['[1]', /line 4: is \[1\], expected an object/],
    ['', /line 4: is not JSON/],
    [JSON.stringify(line({ MR: 3, NR: 5 }, 1)), /line 4: NR is 5, expected one of 4, 8/],
    [JSON.stringify(line({ MR: 3, NR: 4, XX: 1 }, 1)), /line 4: there is no tunable XX/],
    [JSON.stringify(line({ MR: 3, NR: 4 }, -1)), /line 4: its measured time is -1/],
    [JSON.stringify({ ...line({ MR: 3, NR: 4 }, 1), invalidity: 'fine' }), /line 4: invalidity is fine/],
    [JSON.stringify({ ...line({ MR: 3, NR: 4 }, 1), times: undefined }), /line 4: lacks/],
    ['{}', /line 4: has no configuration/],
  ];
  for (const [damage, words] of damages) {
    const path = written();
    appendFileSync(path, `${damage}\n${JSON.stringify(line({ MR: 1, NR: 4 }, 2))}\n`);
    const before = readFileSync(path, 'utf8');
    assert.match(
      complaint(() => new Journal(path, header, { resume: true })),
      words,
    );
    assert.is(readFileSync(path, 'utf8'), before);
  }
});

test('a second tuner on one journal is refused while the first lives; a stale lock is not in the way', () => {
  const path = fresh();
  {
    using _first = new Journal(path, header);
    assert.match(
      complaint(() => new Journal(path, header, { resume: true })),
      new RegExp(`process ${process.pid} on .* is writing it`),
    );
  }
  assert.not.ok(existsSync(`${path}.lock.0`));
  const gone = { pid: 2 ** 22 + 1, started: '1', host: (JSON.parse(lockText(path)) as { host: string }).host };
  writeFileSync(`${path}.lock.0`, JSON.stringify(gone));
  new Journal(path, header, { resume: true })[Symbol.dispose]();
  // The same number for another process: the system gives numbers again.
  writeFileSync(`${path}.lock.7`, JSON.stringify({ ...gone, pid: process.pid }));
  new Journal(path, header, { resume: true })[Symbol.dispose]();
  writeFileSync(`${path}.lock.0`, JSON.stringify({ ...gone, host: 'elsewhere' }));
  assert.match(
    complaint(() => new Journal(path, header, { resume: true })),
    /on elsewhere is writing it; .*remove .*lock\.0 if it has/,
  );
  writeFileSync(`${path}.lock.0`, 'what?');
  assert.match(
    complaint(() => new Journal(path, header, { resume: true })),
    /no lock of ours; remove it/,
  );
});

function lockText(path: string): string {
  using _journal = new Journal(path, header, { resume: true });
  return readFileSync(`${path}.lock.0`, 'utf8');
}

test('kill -9 at any moment loses at most the line that was being written, and leaves no lock in the way', async () => {
  const path = fresh();
  const program = fileURLToPath(new URL('fixtures/append.ts', import.meta.url));
  for (const lines of [1, 40, 200]) {
    const child = fork(program, [path], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const told = await new Promise<number>((resolve) => {
      let seen = 0;
      let last = 0;
      child.on('message', (i) => {
        last = i as number;
        if (++seen === lines) child.kill('SIGKILL');
      });
      child.on('close', () => resolve(last));
    });
    using journal = new Journal(path, header, { resume: true });
    assert.ok(journal.results.length >= told + 1, `${journal.results.length} lines, but line ${told} was told of`);
    assert.equal(
      journal.results.map((result) => secondsOf(result)),
      journal.results.map((_, i) => (i + 1) / 1000),
    );
  }
});

test('what is no journal is refused in a line', () => {
  assert.match(
    complaint(() => readJournal(join(folder, 'nowhere.jsonl'))),
    /nowhere.jsonl: cannot be read: ENOENT/,
  );
  const path = fresh();
  writeFileSync(path, '{"schema": "tilebench-journal/1"}\n');
  assert.match(
    complaint(() => readJournal(path)),
    /line 1: lacks device/,
  );
  assert.ok(new JournalError('') instanceof Error);
});

test.run();
