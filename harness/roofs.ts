// The roofs of a run: found in the store or measured before the first case, and measured again where a row beats one.

import type { DeviceKind } from '../kernels/kernel.ts';
import type { Row } from './ledger.ts';
import type { Plan } from './plan.ts';
import { type Probes, traitsOf } from './probe.ts';
import { CREDIBLE_PCT, merged, type Roof, rating } from './roof.ts';
import { measureRoof, type RoofPlace } from './roof-measure.ts';
import { placeName, readRoofs, writeRoofs } from './roof-store.ts';
import type { Rate } from './summary.ts';

export interface RoofOptions {
  readonly fingerprint: string;
  /** The module that children run. */
  readonly entry: string;
  readonly thorough: boolean;
  readonly signal: AbortSignal;
  /** Told before a place is measured. */
  measuring(place: string): void;
}

export class Roofs {
  #options: RoofOptions;
  #probes: Probes;
  #places = new Map<string, RoofPlace>();
  #roofs: Map<string, Roof>;
  /** Places whose roof a row has beaten even after it was measured again. */
  #doubtful = new Set<string>();

  constructor(plan: Plan, probes: Probes, options: RoofOptions) {
    this.#options = options;
    this.#probes = probes;
    this.#roofs = readRoofs(options.fingerprint);
    for (const { arm, refusal } of plan.cases.flatMap(({ entries }) => entries))
      if (refusal === undefined && arm.kind !== 'function') this.#note(arm.device, arm.threads);
  }

  #nameOf(device: DeviceKind, threads: number | undefined): string | undefined {
    if (device === 'cpu' && threads === undefined) return undefined;
    const probed = this.#probes.get(device);
    return probed && !('missing' in probed) ? placeName(device, threads, probed.adapter) : undefined;
  }

  #note(device: DeviceKind, threads: number | undefined): void {
    const name = this.#nameOf(device, threads);
    const probed = this.#probes.get(device);
    if (name === undefined || !probed || 'missing' in probed) return;
    const { features, limits } = traitsOf(probed);
    const traits = { features, limits: threads === undefined ? limits : { ...limits, threads } };
    const { entry, thorough, signal } = this.#options;
    this.#places.set(name, { device, threads, traits, entry, thorough, signal });
  }

  /** Measures the roofs that the store lacks. */
  async prepare(): Promise<void> {
    const missing = [...this.#places.keys()].filter((name) => {
      const known = this.#roofs.get(name);
      return !known || (this.#options.thorough && !known.thorough);
    });
    await this.#measure(missing);
  }

  async #measure(names: readonly string[]): Promise<void> {
    for (const name of names) {
      if (this.#options.signal.aborted) return;
      this.#options.measuring(name);
      const roof = await measureRoof(this.#places.get(name)!);
      const known = this.#roofs.get(name);
      if (this.#options.signal.aborted) return;
      if (roof) this.#roofs.set(name, known ? merged(known, roof) : roof);
    }
    if (names.length > 0) writeRoofs(this.#options.fingerprint, this.#roofs);
  }

  /** The place of a row; a peer without a thread count of ours has all of the machine, which is rated by no roof. */
  #placeOf({ entry }: Row): string | undefined {
    return this.#nameOf(entry.arm.device, entry.arm.threads);
  }

  /** Rates rows by the roof of their place; nothing where the roof is in doubt. */
  readonly rate: Rate = (row, cost, medianNs) => {
    const place = this.#placeOf(row);
    const roof = place !== undefined && !this.#doubtful.has(place) ? this.#roofs.get(place) : undefined;
    const rated = roof && rating(roof, cost, medianNs);
    // The roof is this engine's. A native library may have wider vectors: it is no measure of what it reaches.
    return row.entry.arm.kind === 'peer' && beatsRoof(rated?.roof_pct) ? undefined : rated;
  };

  /**
   * Measures again the roofs that some row has beaten; `beaten` tells them from the rows. Returns the places that stay in doubt: a row above
   * its roof makes the roof invalid, not the row brilliant.
   */
  async review(beaten: () => readonly Row[]): Promise<string[]> {
    const places = () => [...new Set(beaten().map((row) => this.#placeOf(row)!))];
    const first = places();
    if (first.length === 0) return [];
    // What only functions run on has no roof that was measured for this run: it stays in doubt.
    await this.#measure(first.filter((name) => this.#places.has(name)));
    for (const place of places()) this.#doubtful.add(place);
    return [...this.#doubtful];
  }

  /** The roofs of this run's places, for its document. */
  known(): Record<string, Roof> {
    return Object.fromEntries([...this.#places.keys()].flatMap((name) => (this.#roofs.has(name) ? [[name, this.#roofs.get(name)!]] : [])));
  }
}

export const beatsRoof = (roofPct: number | undefined): boolean => roofPct !== undefined && roofPct > CREDIBLE_PCT;
