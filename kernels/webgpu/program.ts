// A program is a WGSL module with a pipeline for each of its entry points, compiled in the background and bound through layouts made from
// `Entry`.

import { type Buffer, DeviceError, type Program } from '../device.ts';
import type { Entry, ScalarType, Source } from '../kernel.ts';
import { type Faults, firstLine } from './faults.ts';
import type { Uniforms } from './uniforms.ts';
import { throttled } from './wait.ts';

/** Bind groups that an entry point keeps; a training loop binds the same buffers in every step. */
const KEPT_BIND_GROUPS = 256;

/**
 * A buffer of this device; `id` numbers the GPU buffer behind it, which the pool hands out again and again, so that bind groups are found
 * again.
 */
export interface WebgpuBuffer extends Buffer {
  readonly gpu: GPUBuffer;
  readonly id: number;
  /** The device that it is alive on; undefined once it was freed. */
  owner: object | undefined;
}

/** One entry point: buffers at bindings 0.., then one uniform block with dynamic offset if it has arguments. */
export class Stage {
  readonly entry: Entry;
  readonly types: readonly ScalarType[];
  readonly descriptor: GPUComputePipelineDescriptor;
  pipeline: GPUComputePipeline | undefined;
  #device: GPUDevice;
  #uniforms: Uniforms;
  #layout: GPUBindGroupLayout;
  #bindGroups = new Map<string, GPUBindGroup>();

  constructor(device: GPUDevice, uniforms: Uniforms, module: GPUShaderModule, label: string, name: string, entry: Entry) {
    this.entry = entry;
    this.types = entry.arguments.map(({ type }) => type);
    this.#device = device;
    this.#uniforms = uniforms;
    const visibility = GPUShaderStage.COMPUTE;
    this.#layout = device.createBindGroupLayout({
      label,
      entries: [
        ...entry.buffers.map(({ access }, binding) => ({
          binding,
          visibility,
          buffer: { type: access === 'read' ? ('read-only-storage' as const) : ('storage' as const) },
        })),
        ...(entry.arguments.length > 0
          ? [{ binding: entry.buffers.length, visibility, buffer: { type: 'uniform' as const, hasDynamicOffset: true } }]
          : []),
      ],
    });
    const layout = device.createPipelineLayout({ label, bindGroupLayouts: [this.#layout] });
    this.descriptor = { label, layout, compute: { module, entryPoint: name } };
  }

  bindGroup(buffers: readonly WebgpuBuffer[]): GPUBindGroup {
    const key = buffers.map(({ id }) => id).join();
    let group = this.#bindGroups.get(key);
    if (!group) {
      if (this.#bindGroups.size === KEPT_BIND_GROUPS) this.#bindGroups.delete(this.#bindGroups.keys().next().value!);
      const block = { buffer: this.#uniforms.buffer, size: Math.ceil(this.types.length / 4) * 16 };
      const resources = [...buffers.map(({ gpu }) => ({ buffer: gpu })), ...(this.types.length > 0 ? [block] : [])];
      group = this.#device.createBindGroup({
        layout: this.#layout,
        entries: resources.map((resource, binding) => ({ binding, resource })),
      });
      this.#bindGroups.set(key, group);
    }
    return group;
  }
}

export class WebgpuProgram implements Program {
  readonly source: Source;
  #device: GPUDevice;
  #stages = new Map<string, Stage>();
  #compiled: Promise<void>;
  #failure: DeviceError | undefined;

  /** Starts compiling; throws a DeviceError for a source that is not WGSL. */
  constructor(device: GPUDevice, uniforms: Uniforms, source: Source) {
    const { label, code, entries } = source;
    if (typeof code !== 'string')
      throw new DeviceError(`${label}: the source is bytes, expected WGSL text; is it a kernel of another device?`);
    this.source = source;
    this.#device = device;
    const module = unreported(device, () => device.createShaderModule({ label, code }));
    for (const [name, entry] of Object.entries(entries))
      this.#stages.set(name, new Stage(device, uniforms, module, `${label} ${name}`, name, entry));
    this.#compiled = this.#compile(module);
    this.#compiled.catch((error) => (this.#failure = error));
  }

  /** Settles when every entry point is compiled; rejects with a DeviceError that has line and column of what is wrong. */
  get ready(): Promise<void> {
    return throttled(this.#compiled);
  }

  /** The entry point `name`, compiled: here and now if need be, which `late` is told of. */
  stage(name: string, faults: Faults, late: () => void): Stage {
    if (this.#failure) throw this.#failure;
    const stage = this.#stages.get(name);
    if (!stage)
      throw new DeviceError(`${this.source.label}: there is no entry point ${name}; there are ${[...this.#stages.keys()].join(', ')}`);
    if (!stage.pipeline) {
      stage.pipeline = unreported(this.#device, () => this.#device.createComputePipeline(stage.descriptor));
      faults.follow(this.#compiled);
      late();
    }
    return stage;
  }

  async #compile(module: GPUShaderModule): Promise<void> {
    const [first, ...others] = (await module.getCompilationInfo()).messages.filter(({ type }) => type === 'error');
    if (first) {
      const more = others.length > 0 ? ` (and ${others.length} more)` : '';
      throw new DeviceError(`${this.source.label}: WGSL ${first.lineNum}:${first.linePos}: ${firstLine(first.message)}${more}`);
    }
    const compile = async (stage: Stage) => {
      const pipeline = await this.#device.createComputePipelineAsync(stage.descriptor);
      stage.pipeline ??= pipeline;
    };
    try {
      await Promise.all([...this.#stages.values()].map(compile));
    } catch (error) {
      throw new DeviceError(`${this.source.label}: ${firstLine((error as Error).message)}`);
    }
  }
}

/** Runs `make` without reporting what is invalid: the same is found, and said better, by the compilation in the background. */
function unreported<T>(device: GPUDevice, make: () => T): T {
  device.pushErrorScope('validation');
  try {
    return make();
  } finally {
    device.popErrorScope().catch(() => {});
  }
}
