import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SOFTWARE_HINT, softwareDriver, softwareEnvironment } from './software.ts';

const cache = mkdtempSync(join(tmpdir(), 'tilebench-test-'));
const usual = process.env.XDG_CACHE_HOME;
process.env.XDG_CACHE_HOME = cache;
test.after(() => {
  if (usual === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = usual;
  rmSync(cache, { recursive: true });
});

const isSupported = process.platform === 'linux' && process.arch === 'x64';
if (!isSupported) console.log('skipped: the software adapter is for Linux x86-64');
else if (!(await softwareDriver())) {
  if (process.env.CI) throw new Error(`the software adapter is missing: ${SOFTWARE_HINT}`);
  console.log(`skipped: ${SOFTWARE_HINT}`);
} else {
  test('the driver is unpacked once, whole, and for its user only', async () => {
    rmSync(join(cache, 'tilebench'), { recursive: true });
    const [first, second] = await Promise.all([softwareDriver(), softwareDriver()]);
    assert.equal(first, second);
    const { folder, loader, manifest } = first!;
    assert.ok(folder.startsWith(cache));
    assert.equal(readdirSync(join(cache, 'tilebench')).length, 1, 'a draft was left behind');
    assert.is(statSync(folder).mode & 0o777, 0o700);
    assert.equal([...readFileSync(loader).subarray(0, 4)], [0x7f, 0x45, 0x4c, 0x46]);
    const { ICD } = JSON.parse(readFileSync(manifest, 'utf8'));
    assert.ok(statSync(join(folder, ICD.library_path)).size > 2 ** 20);
    const { ino } = statSync(folder);
    await softwareDriver();
    assert.is(statSync(folder).ino, ino);
  });

  test('the environment lets a child process of any runtime find the adapter', async () => {
    const environment = await softwareEnvironment();
    assert.equal(Object.keys(environment).sort(), ['LD_LIBRARY_PATH', 'VK_DRIVER_FILES', 'XDG_RUNTIME_DIR']);
    const program = `
      import { create, globals } from 'webgpu';
      Object.assign(globalThis, globals);
      globalThis.gpu = create([]);
      console.log((await globalThis.gpu.requestAdapter()).info.architecture);`;
    const child = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
      env: { ...process.env, ...environment },
      cwd: import.meta.dirname,
      timeout: 30_000,
    });
    assert.is(child.stdout.trim(), 'swiftshader', child.stderr);
  });
}

test.run();
