// Downloads a file of known length and checksum. What has come lies in `NAME.part`, which a later attempt or a later run goes on with (HTTP Range, RFC 9110
// section 14); the file gets its name only when it is whole and its checksum is right.

import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { writing } from '../make/made.ts';
import type { Remote } from './sources.ts';

export interface DownloadOptions {
  /** Called as bytes come, with those that are there. */
  readonly onProgress?: (bytes: number) => void;
  /** Called before another attempt, with why the one before it failed. */
  readonly onRetry?: (why: string) => void;
  /** Attempts in a row that bring nothing, for each address; default 4. */
  readonly attempts?: number;
  /** Milliseconds before the second attempt, twice as many before each further one; default 1000. */
  readonly pause?: number;
  /** Milliseconds without a byte after which an attempt is given up; default 30,000. */
  readonly patience?: number;
}

/** No address gave the file; the message says what each answered. */
export class DownloadError extends Error {
  override readonly name = 'DownloadError';
}

/** An attempt that may do better when it is made again. */
class Interrupted extends Error {}
/** An address that does not give the file, however often it is asked. */
class Refused extends Error {}

const sizeOf = (path: string): number => (existsSync(path) ? statSync(path).size : 0);

async function checksumOf(path: string, kind: 'sha256' | 'md5'): Promise<string> {
  const hash = createHash(kind);
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

/** True where the file lies in the folder, whole. */
export async function isWhole({ name, bytes, checksum }: Remote, folder: string): Promise<boolean> {
  const path = join(folder, name);
  return sizeOf(path) === bytes && (await checksumOf(path, checksum.kind)) === checksum.value;
}

/** Brings a file into a folder, unless it is there. Rejects with a DownloadError or a WriteError. */
export async function download(remote: Remote, folder: string, options: DownloadOptions = {}): Promise<'was there' | 'downloaded'> {
  if (await isWhole(remote, folder)) return 'was there';
  const path = join(folder, remote.name);
  const part = `${path}.part`;
  writing(part, () => mkdirSync(dirname(part), { recursive: true }));
  const answers: string[] = [];
  for (const url of remote.urls) {
    const answer = await fromAddress(url, part, remote, options);
    if (answer === undefined) {
      writing(path, () => renameSync(part, path));
      return 'downloaded';
    }
    answers.push(`${url}: ${answer}`);
  }
  const kept = sizeOf(part);
  throw new DownloadError(
    `${remote.name}: ${answers.join('; ')}${kept > 0 ? `; ${kept} of ${remote.bytes} bytes are kept, and the same command goes on with them` : ''}`,
  );
}

/** The share of a file that an attempt must bring so as not to count as failed. */
const LEAST_PIECE = 0.01;

/** Undefined where the part is whole and right, else why this address did not bring it. */
async function fromAddress(url: string, part: string, remote: Remote, options: DownloadOptions): Promise<string | undefined> {
  const { attempts = 4, pause = 1000, onRetry } = options;
  let why = '';
  let most = sizeOf(part);
  for (let failed = 0; failed < attempts; ) {
    const before = sizeOf(part);
    try {
      if (before !== remote.bytes) await attempt(url, part, remote, options);
      const sum = await checksumOf(part, remote.checksum.kind);
      if (sum === remote.checksum.value) return undefined;
      writing(part, () => rmSync(part));
      // Bytes of an earlier run may have been wrong ones: these alone are worth another attempt.
      why = `the ${remote.checksum.kind} is ${sum}, expected ${remote.checksum.value}; nothing of it was kept`;
      if (before === 0) return why;
    } catch (error) {
      if (error instanceof Refused) return error.message;
      if (!(error instanceof Interrupted)) throw error;
      why = error.message;
    }
    // An attempt has not failed where it brought a good piece that no earlier one had; by crumbs a download would go on for days.
    const have = sizeOf(part);
    failed = have - most >= LEAST_PIECE * remote.bytes ? 0 : failed + 1;
    most = Math.max(most, have);
    if (failed === attempts) break;
    onRetry?.(`${url}: ${why}`);
    await new Promise((resolve) => setTimeout(resolve, pause * 2 ** Math.max(0, failed - 1)));
  }
  return `${why} (${attempts} attempts)`;
}

/** One request for what is missing, written to the end of the part. Rejects with Interrupted or Refused. */
async function attempt(url: string, part: string, { bytes }: Remote, { onProgress, patience = 30_000 }: DownloadOptions): Promise<void> {
  const abort = new AbortController();
  let timer = setTimeout(() => abort.abort(), patience);
  const file = writing(part, () => openSync(part, 'a'));
  try {
    let have = sizeOf(part);
    if (have > bytes) writing(part, () => ftruncateSync(file, (have = 0)));
    const headers = { 'accept-encoding': 'identity', ...(have > 0 && { range: `bytes=${have}-` }) };
    const response = await fetch(url, { headers, signal: abort.signal });
    // Whoever knows no ranges sends all of it again; whoever has no such range has another file.
    if (startOf(response, bytes) !== have) writing(part, () => ftruncateSync(file, (have = 0)));
    if (response.status === 416) throw new Interrupted(`HTTP 416: no bytes from ${have} on`);
    for await (const chunk of response.body ?? []) {
      clearTimeout(timer);
      timer = setTimeout(() => abort.abort(), patience);
      if (have + chunk.length > bytes) {
        writing(part, () => ftruncateSync(file, 0));
        throw new Refused(`it is longer than ${bytes} bytes; another file lies there now`);
      }
      writing(part, () => writeAll(file, chunk));
      have += chunk.length;
      onProgress?.(have);
    }
    writing(part, () => fsyncSync(file));
    if (have < bytes) throw new Interrupted(`the connection ended after ${have} of ${bytes} bytes`);
  } catch (error) {
    throw networkError(error, abort.signal.aborted ? `no byte came for ${patience / 1000} s` : undefined);
  } finally {
    clearTimeout(timer);
    abort.abort();
    closeSync(file);
  }
}

/** The place of the file at which an answer's body begins. Throws Interrupted or Refused for an answer without a body of the file. */
function startOf({ status, headers }: Response, bytes: number): number {
  if (status === 200) return 0;
  if (status === 416) return 0;
  if (status === 206) {
    const [, from, , whole] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
    if (from === undefined) throw new Refused(`HTTP 206 with the range '${headers.get('content-range') ?? ''}'`);
    if (whole !== '*' && Number(whole) !== bytes)
      throw new Refused(`it has ${whole} bytes, expected ${bytes}; another file lies there now`);
    return Number(from);
  }
  const text = `HTTP ${status}`;
  throw status === 408 || status === 429 || status >= 500 ? new Interrupted(text) : new Refused(text);
}

/** What fetch throws says nothing by itself; its cause does. */
function networkError(error: unknown, known: string | undefined): unknown {
  if (error instanceof Interrupted || error instanceof Refused) return error;
  if (known) return new Interrupted(known);
  if (!(error instanceof TypeError)) return error;
  const { code, message } = (error.cause ?? error) as NodeJS.ErrnoException;
  return new Interrupted(`the connection failed: ${code ?? message}`);
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}
