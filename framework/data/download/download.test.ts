import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rejection } from '../../refuses.ts';
import { download } from './download.ts';
import { type Remote, sources } from './sources.ts';

const CONTENT = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i + (i >> 7)) & 255));
const SUM = createHash('sha256').update(CONTENT).digest('hex');

/** What a server does with a request for bytes from `from` on; `asked` counts requests. */
type Answer = (from: number, response: ServerResponse, asked: number) => void;

const asks: { path: string; range: string | undefined }[] = [];
const answers = new Map<string, Answer>();
const server = createServer((request: IncomingMessage, response) => {
  const path = request.url!;
  asks.push({ path, range: request.headers.range });
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  answers.get(path)!(from, response, asks.filter((ask) => ask.path === path).length);
});

const partly = (response: ServerResponse, from: number, whole = CONTENT): ServerResponse =>
  from === 0
    ? response.writeHead(200, { 'content-length': whole.length })
    : response.writeHead(206, {
        'content-length': whole.length - from,
        'content-range': `bytes ${from}-${whole.length - 1}/${whole.length}`,
      });
const good: Answer = (from, response) => partly(response, from).end(CONTENT.subarray(from));
/** Sends some bytes and drops the connection. */
const breakAfter =
  (bytes: number): Answer =>
  (from, response) =>
    partly(response, from).write(CONTENT.subarray(from, from + bytes), () => response.destroy());

let base = '';
const root = mkdtempSync(join(tmpdir(), 'tilebench-download-'));
test.before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
test.after(() => {
  server.closeAllConnections();
  server.close();
  rmSync(root, { recursive: true });
});

let folders = 0;
/** Downloads from servers that answer like this, the first address first. */
async function get(given: readonly Answer[], { folder = join(root, `${folders++}`), bytes = CONTENT.length, checksum = SUM } = {}) {
  asks.length = 0;
  given.forEach((answer, i) => answers.set(`/${i}`, answer));
  const urls = given.map((_, i) => `${base}/${i}`);
  const remote: Remote = { name: 'file.gz', bytes, checksum: { kind: 'sha256', value: checksum }, urls };
  const outcome = await download(remote, folder, { attempts: 3, pause: 1, patience: 250 }).catch(
    (error) => `${error.name}: ${error.message}`,
  );
  const path = join(folder, 'file.gz');
  const files = existsSync(folder) ? readdirSync(folder) : [];
  return { outcome, folder, files, whole: existsSync(path) && readFileSync(path).equals(CONTENT) };
}

test('a file comes whole, with its name, and is not asked for again', async () => {
  const first = await get([good]);
  assert.equal([first.outcome, first.whole, first.files], ['downloaded', true, ['file.gz']]);
  assert.is((await get([good], { folder: first.folder })).outcome, 'was there');
  assert.equal(asks, []);
});

test('a connection that breaks again and again is resumed where it broke', async () => {
  const { outcome, whole } = await get([
    (from, response, asked) => (asked < 5 ? breakAfter(50_000)(from, response, asked) : good(from, response, asked)),
  ]);
  assert.equal([outcome, whole], ['downloaded', true]);
  assert.equal(
    asks.map(({ range }) => range === undefined || /^bytes=\d+-$/.test(range)),
    [true, true, true, true, true],
  );
  assert.is(asks.filter(({ range }) => range !== undefined).length, 4, 'each but the first asks for the rest');
});

test('a server that breaks off after a few bytes each time is given up, and what came is kept', async () => {
  const { outcome, files } = await get([breakAfter(100)]);
  assert.match(outcome, /ended after 300 of 300000 bytes \(3 attempts\); 300 of 300000 bytes are kept|connection failed.*\(3 attempts\)/);
  assert.is(asks.length, 3);
  assert.equal(files, ['file.gz.part']);
});

test('a server that has gone leaves the part, and the next run goes on with it', async () => {
  const first = await get([(from, response, asked) => (asked === 1 ? breakAfter(90_000)(from, response, asked) : void response.destroy())]);
  assert.match(first.outcome, /^DownloadError: file.gz: .*the connection failed: .*\(3 attempts\); \d+ of 300000 bytes are kept/);
  assert.equal(first.files, ['file.gz.part']);
  const second = await get([good], { folder: first.folder });
  assert.equal([second.outcome, second.whole, second.files], ['downloaded', true, ['file.gz']]);
  assert.match(asks[0].range!, /^bytes=[1-9]\d*-$/);
});

test('a server without ranges sends all of it again, and it is not appended', async () => {
  const { outcome, whole } = await get([
    (from, response, asked) => (asked === 1 ? breakAfter(90_000)(0, response, asked) : good(0, response, from)),
  ]);
  assert.equal([outcome, whole, asks.length], ['downloaded', true, 2]);
});

test('a wrong checksum keeps nothing, and the next address is tried', async () => {
  const wrong = Buffer.from(CONTENT);
  wrong[1234] ^= 1;
  const sendWrong: Answer = (from, response) => partly(response, from).end(wrong.subarray(from));
  const alone = await get([sendWrong]);
  assert.match(alone.outcome, new RegExp(`^DownloadError: file.gz: .*the sha256 is [0-9a-f]{64}, expected ${SUM}; nothing of it was kept`));
  assert.equal(alone.files, []);
  const second = await get([sendWrong, good]);
  assert.equal([second.outcome, second.whole], ['downloaded', true]);
});

test('a part of an earlier run that holds wrong bytes is dropped, and all comes again', async () => {
  const { folder } = await get([good]);
  rmSync(join(folder, 'file.gz'));
  writeFileSync(join(folder, 'file.gz.part'), Buffer.alloc(100_000, 7));
  const { outcome, whole } = await get([good], { folder });
  assert.equal([outcome, whole], ['downloaded', true]);
});

test('a file of the right name with wrong bytes is not taken for whole', async () => {
  const { folder } = await get([good]);
  writeFileSync(join(folder, 'file.gz'), CONTENT.subarray(0, 5000));
  const { outcome, whole } = await get([good], { folder });
  assert.equal([outcome, whole], ['downloaded', true]);
});

test('404 is not asked twice, 503 is', async () => {
  const gone = await get([(_, response) => void response.writeHead(404).end('gone')]);
  assert.match(gone.outcome, /^DownloadError: file.gz: http.*\/0: HTTP 404$/);
  assert.equal([asks.length, gone.files.length > 0 ? readFileSync(join(gone.folder, gone.files[0])).length : 0], [1, 0]);
  const busy = await get([(from, response, asked) => (asked < 3 ? void response.writeHead(503).end() : good(from, response, asked))]);
  assert.is(busy.outcome, 'downloaded');
});

test('a file that became longer or shorter is another file', async () => {
  const longer = Buffer.concat([CONTENT, CONTENT]);
  assert.match(
    (await get([(from, response) => partly(response, from, longer).end(longer.subarray(from))])).outcome,
    /it is longer than 300000 bytes/,
  );
  const shorter = CONTENT.subarray(0, 1000);
  const { outcome } = await get([
    (from, response) => (from >= 1000 ? void response.writeHead(416).end() : partly(response, from, shorter).end(shorter.subarray(from))),
  ]);
  assert.match(outcome, /^DownloadError: .*(HTTP 416|ended after 1000 of 300000 bytes)/);
});

test('a server that falls silent is given up', async () => {
  const { outcome } = await get([(from, response) => void partly(response, from).flushHeaders()]);
  assert.match(outcome, /no byte came for 0.25 s \(3 attempts\)/);
});

test('a server that is not there says so', async () => {
  const closed = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => closed.once('listening', resolve));
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  const remote = { name: 'x', bytes: 1, checksum: { kind: 'md5', value: '' }, urls: [`http://127.0.0.1:${port}/x`] } as const;
  assert.match(
    await rejection(download(remote, join(root, 'none'), { attempts: 2, pause: 1 })),
    /DownloadError: x: .*ECONNREFUSED \(2 attempts\)/,
  );
});

test('the public files: checksums of the stated length, each file in one place of its set', () => {
  for (const { files } of sources) {
    assert.is(new Set(files.map(({ name }) => name)).size, files.length);
    for (const { checksum, urls, name } of files) {
      assert.match(checksum.value, checksum.kind === 'md5' ? /^[0-9a-f]{32}$/ : /^[0-9a-f]{64}$/);
      for (const url of urls) assert.is(new URL(url).pathname.split('/').at(-1), name);
    }
  }
});

test.run();
