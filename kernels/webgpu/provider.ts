// The provider finds an adapter: the host's own `navigator.gpu`, else Dawn from the npm package `webgpu`, on a real driver or on
// SwiftShader.
//
// A real adapter always wins over a software one. Node's modules are imported only on the paths that need them, so a browser can load this
// file.

import { DeviceError } from '../device.ts';

/**
 * Which adapters will do: any (a real one first), only real ones, only software; or Dawn's null backend, which validates everything and
 * runs nothing, with every feature there is: a check of generated code that takes neither a GPU nor much time.
 */
export type AdapterChoice = 'any' | 'hardware' | 'software' | 'null';

/**
 * Where an adapter came from: the host's `navigator.gpu`; under Dawn a driver of the system, the bundled SwiftShader, or the null backend.
 */
export type AdapterSource = 'host' | 'system' | 'bundled' | 'null';

export interface FoundAdapter {
  readonly adapter: GPUAdapter;
  /** Where it was asked for: what a library of WebGPU expects as `navigator.gpu`. */
  readonly gpu: GPU;
  readonly source: AdapterSource;
  readonly isSoftware: boolean;
}

type Attempt = () => Promise<{ readonly gpu: GPU; readonly source: AdapterSource } | undefined>;

/** The best adapter that `choice` allows. Throws a DeviceError that says what was tried and what to install. */
export async function findAdapter(choice: AdapterChoice = 'any'): Promise<FoundAdapter> {
  const missing: string[] = [];
  let software: FoundAdapter | undefined;
  for (const attempt of attempts(choice, missing)) {
    const provider = await attempt();
    const adapter = await provider?.gpu.requestAdapter({
      powerPreference: 'high-performance',
      forceFallbackAdapter: choice === 'software',
    });
    if (!provider || !adapter) continue;
    const found = { adapter, gpu: provider.gpu, source: provider.source, isSoftware: isSoftware(adapter) };
    if (!found.isSoftware && choice !== 'software') return found;
    software ??= found.isSoftware ? found : undefined;
    if (software) break;
  }
  if (software && choice !== 'hardware') return software;
  const only = software ? `; the only adapter is software (${software.adapter.info.description || software.adapter.info.device})` : '';
  throw new DeviceError(
    `no ${choice === 'any' ? '' : `${choice} `}WebGPU adapter on this machine${only}${missing.map((why) => `; ${why}`).join('')}`,
  );
}

/** Ways to an adapter, the most real first. What each lacks is put into `missing`. */
function attempts(choice: AdapterChoice, missing: string[]): Attempt[] {
  const host: Attempt = async () => {
    const gpu = globalThis.navigator?.gpu;
    return gpu && { gpu, source: 'host' };
  };
  // A computed condition, not a try: a browser must not even ask for Node's modules.
  if ((globalThis as { process?: { versions?: { node?: string } } }).process?.versions?.node === undefined) return [host];
  const system: Attempt = async () => {
    const gpu = await systemDawn(missing);
    return gpu && { gpu, source: 'system' };
  };
  const bundled: Attempt = async () => {
    const gpu = await bundledDawn(missing);
    return gpu && { gpu, source: 'bundled' };
  };
  const none: Attempt = async () => {
    const gpu = await dawn('null', missing);
    return gpu && { gpu, source: 'null' };
  };
  if (choice === 'null') return [none];
  return choice === 'software' ? [bundled, host, system] : [host, system, ...(choice === 'hardware' ? [] : [bundled])];
}

function isSoftware({ info }: GPUAdapter): boolean {
  // Not every host fills in isFallbackAdapter; the names are those of SwiftShader, lavapipe and Windows' WARP.
  return (
    info.isFallbackAdapter === true ||
    /swiftshader|llvmpipe|software|basic render/i.test(`${info.architecture} ${info.device} ${info.description}`)
  );
}

/** Dawn over the drivers that the system has. */
async function systemDawn(missing: string[]): Promise<GPU | undefined> {
  if (process.platform === 'linux') {
    const { hasSystemDriver, hasSystemLoader, preload, softwareDriver } = await import('./software.ts');
    if (!hasSystemDriver()) {
      missing.push('no Vulkan driver is installed (a GPU needs its vendor driver and libvulkan1)');
      return undefined;
    }
    // A driver without a loader: the bundled loader finds it too.
    if (!hasSystemLoader()) {
      const driver = await softwareDriver();
      if (driver) preload(driver.loader);
    }
  }
  return dawn('system', missing);
}

/** Dawn over the SwiftShader that comes with npm. */
async function bundledDawn(missing: string[]): Promise<GPU | undefined> {
  const { SOFTWARE_HINT, hasSystemLoader, preload, softwareDriver } = await import('./software.ts');
  const driver = await softwareDriver();
  if (!driver) {
    missing.push(
      process.platform === 'linux' && process.arch === 'x64'
        ? `for a software adapter: ${SOFTWARE_HINT}`
        : 'the software adapter is for Linux x86-64 only',
    );
    return undefined;
  }
  if (!hasSystemLoader() && !preload(driver.loader)) {
    missing.push(`the bundled Vulkan loader ${driver.loader} cannot be loaded`);
    return undefined;
  }
  const { VK_DRIVER_FILES, XDG_RUNTIME_DIR } = process.env;
  process.env.VK_DRIVER_FILES = driver.manifest;
  // Drivers complain on standard error where it is not set to a private folder.
  process.env.XDG_RUNTIME_DIR ??= driver.folder;
  try {
    const gpu = await dawn('bundled', missing);
    // Dawn reads the variable when it first looks for adapters.
    await gpu?.requestAdapter();
    return gpu;
  } finally {
    restore('VK_DRIVER_FILES', VK_DRIVER_FILES);
    restore('XDG_RUNTIME_DIR', XDG_RUNTIME_DIR);
  }
}

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

/**
 * Dawn instances of this process, one per source. On globalThis on purpose: an instance that the garbage collector takes while a device of
 * it is alive brings the process down, and a variable of a module is not enough to keep it.
 */
const instances: Partial<Record<AdapterSource, GPU>> = ((globalThis as Record<symbol, unknown>)[Symbol.for('tilebench.webgpu')] ??= {});

/** The Dawn instance for `source`, from the optional package `webgpu`. */
async function dawn(source: AdapterSource, missing: string[]): Promise<GPU | undefined> {
  if (instances[source]) return instances[source];
  try {
    const { create, globals } = await import('webgpu');
    Object.assign(globalThis, globals);
    // Quantised timestamps guard against timing attacks by web pages; here they would only hide short kernels.
    const flags = ['disable-dawn-features=timestamp_quantization', ...(source === 'null' ? ['backend=null'] : [])];
    return (instances[source] = create(flags));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    missing.push(
      code === 'ERR_MODULE_NOT_FOUND'
        ? 'the package webgpu is not installed: npm install webgpu@0.6.2'
        : `webgpu does not load: ${message.split('\n')[0]}`,
    );
    return undefined;
  }
}
