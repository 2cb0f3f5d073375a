// The roof's store: one file for each environment in the user's cache folder, so that a machine is measured once and not before every run.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../framework/cache-folder.ts';
import type { DeviceKind } from '../kernels/kernel.ts';
import type { Roof } from './roof.ts';

/** Raised when a loop or a footprint changes, so that rates of other loops are forgotten. */
const VERSION = 4;

interface RoofFile {
  readonly version: number;
  readonly fingerprint: string;
  /** Roofs by place: `cpu/2`, `webgpu/ADAPTER`. */
  readonly places: Readonly<Record<string, Roof>>;
}

/** The name of a place: a CPU with a thread count, or a WebGPU adapter. */
export const placeName = (device: DeviceKind, threads: number | undefined, adapter: string): string =>
  device === 'cpu' ? `cpu/${threads}` : `${device}/${adapter}`;

const pathOf = (fingerprint: string): string => join(cacheFolder(), `roof-${fingerprint}.json`);

/** The roofs of an environment; none where there is no file, or one of another version. */
export function readRoofs(fingerprint: string): Map<string, Roof> {
  try {
    const file: RoofFile = JSON.parse(readFileSync(pathOf(fingerprint), 'utf8'));
    return new Map(file.version === VERSION ? Object.entries(file.places) : []);
  } catch {
    return new Map();
  }
}

/** Keeps the roofs of an environment. A cache that cannot be written is no reason to fail: it is measured again. */
export function writeRoofs(fingerprint: string, roofs: ReadonlyMap<string, Roof>): void {
  const file: RoofFile = { version: VERSION, fingerprint, places: Object.fromEntries(roofs) };
  const path = pathOf(fingerprint);
  try {
    mkdirSync(cacheFolder(), { recursive: true });
    writeFileSync(`${path}.${process.pid}`, `${JSON.stringify(file, null, 2)}\n`);
    renameSync(`${path}.${process.pid}`, path);
  } catch (error) {
    console.error(`bench: the roof cannot be kept in ${path}: ${(error as Error).message}; it will be measured again`);
  }
}
