import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EXAMPLE, Workplace } from './bench-process.ts';

const place = new Workplace();
test.after(() => place.remove());

/** Everything a user can get wrong ends with exit 2, one line that says what was expected, and nothing on standard output. */
async function refuses(args: readonly string[], ...words: RegExp[]): Promise<void> {
  const { code, out, err } = await place.bench(args);
  assert.is(code, 2, `${args.join(' ')}: exit ${code}\n${err}`);
  assert.is(out, '', args.join(' '));
  for (const word of words) assert.match(err, word);
  assert.not.match(err, /\n\s+at /, 'a stack trace is not for users');
}

test('unknown names are answered with the nearest', async () => {
  await refuses(['run', 'matmull'], /unknown suite 'matmull'; did you mean matmul\?/);
  await refuses(['run', 'matmul', '--kernels', 'nave'], /unknown kernel 'nave'; did you mean naive\?/);
  await refuses(['run', 'matmul', '--device', 'webgp'], /unknown device 'webgp'; did you mean webgpu\?/);
  await refuses(['run', 'matmul', '--device', 'cpu', '--peers', 'openblass'], /unknown peer 'openblass'; did you mean openblas\?/);
  await refuses(['run', 'matmul', '--format', 'xml'], /unknown format 'xml'/);
  await refuses(['run', './no.suite.ts'], /there is no suite module .*no\.suite\.ts/);
  await refuses(['rum'], /unknown command 'rum'/);
  await refuses(['run', 'matmul', '--qick'], /unknown option '--qick'/);
});

test('malformed shapes name the argument and its bounds', async () => {
  for (const size of ['0', '-3', '1.5', 'many', '', '99999999999'])
    await refuses(
      ['run', 'matmul', '--device', 'cpu', '--shapes', `8x${size}x8`],
      /--shapes/,
      /expected a whole number from 1 to 1073741824/,
    );
  await refuses(['run', 'matmul', '--device', 'cpu', '--shapes', '8x8'], /'8x8' is not MxNxK/);
  await refuses(['run', 'matmul', '--device', 'cpu', '--shapes', '1000000x1000000x8'], /operand C .* needs 4000000000000 bytes/);
  await refuses(['run', 'matmul', '--device', 'cpu', '--shapes', 'none.csv'], /there is no file none\.csv/);
  writeFileSync(join(place.folder, 'bad.csv'), 'm,n,k\n8,8,8\n8,"8,8\n');
  await refuses(['run', 'matmul', '--device', 'cpu', '--shapes', 'bad.csv'], /line 3/);
  await refuses(['run', 'conv', '--device', 'cpu', '--shapes', '1x3x8x8'], /'1x3x8x8' is not NxCxHxW:KxRxS:s1p1/);
  await refuses(['run', 'conv', '--device', 'cpu', '--shapes', '1x3x8x8:8x11x3'], /more than the 8 of the padded input/);
  await refuses(['run', 'conv', '--device', 'cpu', '--shapes', 'bad.csv'], /line 3/);
});

test('values of options are checked before anything is measured', async () => {
  await refuses(['run', 'matmul', '--time', '0'], /--time/, /seconds above 0/);
  await refuses(['run', 'matmul', '--forks', 'two'], /--forks/, /whole number from 1 to 100/);
  await refuses(['run', 'matmul', '--threads', '1,0'], /--threads/);
  await refuses(['run', 'matmul', '--filter', 'gflops >'], /--filter/, /expected a value/);
  await refuses(['run', 'matmul', '--filter', 'gflopz > 3'], /--filter: unknown column 'gflopz'; did you mean gflops/);
  await refuses(['run', 'matmul', '--transpose', 'nx'], /--transpose: 'nx' is none of nn, nt, tn, tt/);
  await refuses(['run', 'matmul', '--tune-budget', '5s'], /--tune-budget is what tuning may take, and --tune cache tunes nothing/);
  await refuses(['run', 'matmul', '--tune', 'tune', '--tune-budget', '0'], /--tune-budget/);
  await refuses(['run', EXAMPLE, '--baseline', 'recursiv'], /there is no arm 'recursiv' in this run; there are recursive, iterative/);
  await refuses(['run', EXAMPLE, '--filter', 'arm==none'], /nothing is left to measure/);
});

test('data sets are asked for by name, in folders that are there', async () => {
  await refuses(['data', 'get', 'mnst'], /unknown data set 'mnst'; did you mean mnist\?/);
  await refuses(['data', 'make', '--count', '0'], /--count/, /whole number from 1 to 1000000/);
  await refuses(['run', 'matmul', '--data-dir', 'nowhere'], /--data-dir: there is no folder nowhere/);
});

test('nets are asked for by name, at sizes and in batches that fit', async () => {
  const cnn = ['run', 'cnn', '--device', 'cpu'];
  await refuses([...cnn, '--models', 'resnet18,resnet51'], /--models: unknown model 'resnet51'; did you mean resnet50/);
  await refuses([...cnn, '--batch', '0'], /--batch is '0', expected a whole number from 1/);
  await refuses([...cnn, '--pass', 'back'], /--pass: 'back' is none of forward, backward/);
  await refuses([...cnn, '--image', '32'], /--image is '32', expected a whole number of pixels from 64/);
  await refuses([...cnn, '--width', '2'], /--width is '2', expected a share of the channels above 0, up to 1/);
  const large = [...cnn, '--threads', '1', '--models', 'resnet18', '--pass', 'forward', '--batch'];
  await refuses(
    [...large, '1000'],
    /--batch 1000: cnn\/resnet18\/b1000\/forward\/f32 would hold .* GiB, more than the 4\.0 GiB .*; \d+ images fit/,
  );
  await refuses([...large, '5000'], /--batch 5000: cnn\/resnet18\/b5000\/forward\/f32: conv2d: operand output has 4014080000 elements/);
});

test('a module that is no suite, or does not load, is named', async () => {
  writeFileSync(join(place.folder, 'no.suite.ts'), 'export default { name: 1 };\n');
  await refuses(['run', './no.suite.ts'], /its default export is no suite/);
  writeFileSync(join(place.folder, 'torn.suite.ts'), 'export default {\n');
  await refuses(['run', './torn.suite.ts'], /torn\.suite\.ts: cannot be loaded/);
  mkdirSync(join(place.folder, 'common'));
  writeFileSync(join(place.folder, 'common', 'package.json'), '{ "type": "commonjs" }');
  writeFileSync(join(place.folder, 'common', 'my.suite.ts'), 'export default {};\n');
  await refuses(['run', './common/my.suite.ts'], /set "type": "module" in its package\.json, or name it \.mts/);
});

test('a folder with files is not written over', async () => {
  await refuses(['run', EXAMPLE, '--out', '.'], /the folder \. is not empty/);
});

test('resuming needs a run to go on with', async () => {
  await refuses(['run', EXAMPLE, '--resume'], /there is no run of fib in results/);
  await refuses(['run', EXAMPLE, '--resume', '--out', 'nowhere'], /there is no run in nowhere to go on with/);
  assert.not.ok(existsSync(join(place.folder, 'nowhere')));
});

test('help is no failure, and names the options of the suites on the line', async () => {
  const { code, out } = await place.bench(['run', 'matmul', '--help']);
  assert.is(code, 0);
  for (const option of [
    '--device',
    '--threads',
    '--kernels',
    '--shapes',
    '--filter',
    '--peers',
    '--baseline',
    '--time',
    '--forks',
    '--quick',
  ])
    assert.ok(out.includes(option), option);
  for (const option of ['--seed', '--resume', '--out', '--format', '--trace', '--dry-run', '--tune', '--pin', '--transpose', '--readback'])
    assert.ok(out.includes(option), option);
  assert.is((await place.bench([])).code, 2);
});

test('list names suites, kernels with tunables, and peers; also as JSON', async () => {
  const { code, out } = await place.bench(['list']);
  assert.is(code, 0);
  assert.match(out, /^ {2}matmul /m);
  assert.match(out, /^ {2}matmul\/cpu\/naive /m);
  assert.match(out, /openblas/);
  const listing = JSON.parse((await place.bench(['list', '--format', 'json'])).out);
  assert.ok(listing.kernels.some(({ tunables }: { tunables: object }) => Object.keys(tunables).length > 0));
});

test('a dry run lists cases and arms, predicts, and leaves no trace', async () => {
  const { code, out } = await place.bench(['run', EXAMPLE, '--dry-run']);
  assert.is(code, 0);
  assert.match(out, /fib\/10\n {2}recursive\n {2}iterative/);
  assert.match(out, /2 cases, 4 rows, 3 forks; about \d+ s and \d+ MiB/);
  assert.not.ok(existsSync(join(place.folder, 'results')));
});

test.run();
