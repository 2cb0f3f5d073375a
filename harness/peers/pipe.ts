// A child process that is asked over pipes, one thing at a time, in frames: u32 length of the header, header as JSON, then `bytes` bytes.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { PeerError } from './peer.ts';

export interface Frame {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Uint8Array<ArrayBuffer>;
}

const PREFIX = 4;
/** Characters of the child's standard error that are kept, to say why it died. */
const TAIL = 1000;

export class Pipe {
  #child: ChildProcessWithoutNullStreams;
  #received: Buffer[] = [];
  #size = 0;
  #waiting?: { resolve(frame: Frame): void; reject(error: PeerError): void };
  #ended?: PeerError;
  #tail = '';

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.#child = spawn(command, args, { env, stdio: 'pipe' });
    this.#child.stdout.on('data', (bytes: Buffer) => this.#receive(bytes));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#tail = (this.#tail + text).slice(-TAIL);
    });
    // A write to a child that has died fails; its end says why.
    this.#child.stdin.on('error', () => undefined);
    this.#child.on('error', ({ message }) => this.#end(message));
    this.#child.on('close', (code, signal) => this.#end(signal ? `was killed by ${signal}` : `ended with exit code ${code}`));
  }

  /** Sends a header and bytes, and waits for the answer. Rejects with a PeerError where the child reports one, or ends. */
  async ask(header: object, payload: readonly ArrayBufferView[] = []): Promise<Frame> {
    if (this.#ended) throw this.#ended;
    const bytes = payload.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const text = Buffer.from(JSON.stringify({ ...header, bytes }));
    const prefix = Buffer.alloc(PREFIX);
    prefix.writeUInt32LE(text.length);
    const answer = new Promise<Frame>((resolve, reject) => (this.#waiting = { resolve, reject }));
    this.#child.stdin.write(Buffer.concat([prefix, text]));
    for (const { buffer, byteOffset, byteLength } of payload) this.#child.stdin.write(new Uint8Array(buffer, byteOffset, byteLength));
    const frame = await answer;
    if (frame.header.error !== undefined) throw new PeerError(String(frame.header.error));
    return frame;
  }

  #receive(bytes: Buffer): void {
    this.#received.push(bytes);
    this.#size += bytes.length;
    if (this.#size < PREFIX) return;
    if (this.#received[0].length < PREFIX) this.#received = [Buffer.concat(this.#received)];
    const length = this.#received[0].readUInt32LE();
    if (this.#size < PREFIX + length) return;
    // Large results come in many pieces: they are joined once, when all are here.
    const head = PREFIX + length;
    let start = 0;
    const front = Buffer.concat(
      this.#received.filter((piece) => {
        start += piece.length;
        return start - piece.length < head;
      }),
    );
    const header = JSON.parse(front.toString('utf8', PREFIX, head));
    if (this.#size < head + header.bytes) return;
    const whole = Buffer.concat(this.#received);
    this.#received = [];
    this.#size = 0;
    const payload = new Uint8Array(header.bytes);
    payload.set(whole.subarray(head));
    this.#waiting?.resolve({ header, payload });
    this.#waiting = undefined;
  }

  #end(how: string): void {
    const last = this.#tail.trim().split('\n').at(-1);
    this.#ended ??= new PeerError(`the process of ${this.#child.spawnargs[0]} ${how}${last ? `: ${last}` : ''}`);
    this.#waiting?.reject(this.#ended);
    this.#waiting = undefined;
  }

  /** Ends the child. */
  close(): void {
    this.#child.kill('SIGKILL');
  }
}
