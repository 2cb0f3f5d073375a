import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Pipe } from './pipe.ts';

/** A child that answers with the bytes it got, a thousand times over, and fails or dies on request. */
const ECHO = `
let held = Buffer.alloc(0);
process.stdin.on('data', (bytes) => {
  held = Buffer.concat([held, bytes]);
  while (held.length >= 4) {
    const length = held.readUInt32LE();
    if (held.length < 4 + length) return;
    const { verb, bytes: count } = JSON.parse(held.toString('utf8', 4, 4 + length));
    if (held.length < 4 + length + count) return;
    const payload = held.subarray(4 + length, 4 + length + count);
    held = held.subarray(4 + length + count);
    if (verb === 'die') { console.error('out of luck'); process.exit(3); }
    const answer = Buffer.concat(Array(verb === 'fail' ? 0 : 1000).fill(payload));
    const text = Buffer.from(JSON.stringify({ ...(verb === 'fail' && { error: 'no such verb' }), bytes: answer.length }));
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32LE(text.length);
    process.stdout.write(Buffer.concat([prefix, text, answer]));
  }
});
`;
const open = () => new Pipe(process.execPath, ['-e', ECHO], process.env);

test('large answers arrive whole, one after the other', async () => {
  const pipe = open();
  const operands = [Float32Array.of(1, 2, 3), new Float32Array(4000).fill(4).subarray(1)];
  for (let i = 0; i < 3; i++) {
    const { payload } = await pipe.ask({ verb: 'echo' }, operands);
    const values = new Float32Array(payload.buffer);
    assert.is(values.length, 1000 * 4002);
    assert.equal([...values.subarray(4002, 4007)], [1, 2, 3, 4, 4]);
  }
  pipe.close();
});

test('an error of the child, its death, and asking the dead are PeerErrors that say why', async () => {
  const pipe = open();
  const message = (promise: Promise<unknown>) => promise.then(String, (error) => `${error.name}: ${error.message}`);
  assert.is(await message(pipe.ask({ verb: 'fail' })), 'PeerError: no such verb');
  assert.match(await message(pipe.ask({ verb: 'die' })), /^PeerError: the process of .* ended with exit code 3: out of luck$/);
  assert.match(await message(pipe.ask({ verb: 'echo' })), /exit code 3/);
  assert.match(await message(new Pipe('no-such-command', [], process.env).ask({})), /^PeerError: .*ENOENT/);
});

test.run();
