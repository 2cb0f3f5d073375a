// The software adapter: SwiftShader, a Vulkan driver that runs on the CPU, so that a machine without a GPU still has WebGPU.
//
// It comes inside the npm package `@sparticuz/chromium`, together with a Vulkan loader, and is unpacked once into the user's cache folder.
// Only Node on Linux x86-64 gets here; a browser never loads this file.

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { constants, homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';

const PACKAGE = '@sparticuz/chromium';
const LOADER = 'libvulkan.so.1';
const DRIVER = 'libvk_swiftshader.so';
const MANIFEST = 'vk_swiftshader_icd.json';

/** What to install where the software adapter is missing. */
export const SOFTWARE_HINT = `npm install --save-dev ${PACKAGE}@147.0.0`;

/** The unpacked driver. */
export interface SoftwareDriver {
  readonly folder: string;
  /** Full path of the bundled Vulkan loader. */
  readonly loader: string;
  /** Full path of the driver's manifest, for `VK_DRIVER_FILES`. */
  readonly manifest: string;
}

/** The driver, unpacked if need be; undefined where the package is not installed or the platform is another. */
export async function softwareDriver(): Promise<SoftwareDriver | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const root = packageRoot();
  if (!root) return undefined;
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const folder = await unpackOnce(join(root, 'bin', 'swiftshader.tar.br'), `swiftshader-${version}`);
  return { folder, loader: join(folder, LOADER), manifest: join(folder, MANIFEST) };
}

/** Variables that make a child process (a peer, another runtime) find the software adapter; empty where there is none. */
export async function softwareEnvironment(): Promise<Record<string, string>> {
  const driver = await softwareDriver();
  if (!driver) return {};
  const path = [driver.folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  return { LD_LIBRARY_PATH: path, VK_DRIVER_FILES: driver.manifest, XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? driver.folder };
}

/**
 * Loads a shared library into this process for good, so that Dawn's later `dlopen` of its bare name finds it already there.
 *
 * `LD_LIBRARY_PATH` is read only when a process starts, and respawning for its sake would cost every program a process. Node refuses the
 * library because it is no addon, but with RTLD_NODELETE it stays mapped all the same, and glibc resolves later loads by its SONAME. True
 * where the library is now loaded.
 */
export function preload(library: string): boolean {
  const KEEP_LOADED = 0x1000;
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_NOW | KEEP_LOADED);
    return true;
  } catch (error) {
    return /did not self-register/.test(String(error));
  }
}

/** Whether the machine has a Vulkan loader of its own. */
export const hasSystemLoader = (): boolean => preload(LOADER);

/** Whether a driver is installed on the system, or named by the variables that the Vulkan loader reads. */
export function hasSystemDriver(): boolean {
  const { VK_DRIVER_FILES, VK_ICD_FILENAMES, VK_ADD_DRIVER_FILES, XDG_DATA_HOME } = process.env;
  if (VK_DRIVER_FILES || VK_ICD_FILENAMES || VK_ADD_DRIVER_FILES) return true;
  const roots = ['/etc', '/usr/share', '/usr/local/share', '/usr/local/etc', XDG_DATA_HOME ?? join(homedir(), '.local/share')];
  return roots.some((root) => existsSync(join(root, 'vulkan', 'icd.d')));
}

function packageRoot(): string | undefined {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(PACKAGE)), '..', '..');
  } catch {
    return undefined;
  }
}

/** Unpacks into the cache folder, or the temporary one where that cannot be written. Two processes may race: the first rename wins. */
async function unpackOnce(archive: string, name: string): Promise<string> {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const places = [join(cache, 'tilebench', name), join(tmpdir(), `tilebench-${process.getuid?.()}`, name)];
  const present = places.find((folder) => existsSync(join(folder, MANIFEST)));
  if (present) return present;
  const files = tarFiles(await promisify(brotliDecompress)(await readFile(archive)));
  let refused: unknown;
  for (const folder of places) {
    try {
      await writeFolder(folder, files);
      return folder;
    } catch (error) {
      refused = error;
    }
  }
  throw new Error(`the software adapter cannot be unpacked into ${places.join(' or ')}: ${(refused as Error).message}`);
}

async function writeFolder(folder: string, files: Map<string, Uint8Array>): Promise<void> {
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
  const draft = await mkdtemp(`${folder}.`);
  try {
    for (const file of [LOADER, DRIVER, MANIFEST]) {
      const bytes = files.get(file);
      if (!bytes) throw new Error(`${PACKAGE} carries no ${file}; install the version that is named in package.json`);
      await writeFile(join(draft, file), bytes, { mode: 0o700 });
    }
    await rename(draft, folder);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (!existsSync(join(folder, MANIFEST))) throw error;
  }
}

/**
 * Regular files of a tar archive by their base names: 512-byte headers with the name at 0, the size in octal at 124 and the kind at 156.
 */
function tarFiles(archive: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const text = (from: number, to: number) => new TextDecoder().decode(archive.subarray(from, to)).split('\0')[0].trim();
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, at + 136), 8);
    if (['0', ''].includes(text(at + 156, at + 157)))
      files.set(
        text(at, at + 100)
          .split('/')
          .at(-1)!,
        archive.subarray(at + 512, at + 512 + size),
      );
    at += 512 * (1 + Math.ceil(size / 512));
  }
  return files;
}
