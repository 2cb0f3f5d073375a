// The roof of a place that is tuned: what the store has, else measured now.

import type { Roof } from '../roof.ts';
import { measureRoof, type RoofPlace } from '../roof-measure.ts';
import { placeName, readRoofs, writeRoofs } from '../roof-store.ts';

/** The roof of a place; undefined where it cannot be measured. `measuring` is told before it is. */
export async function roofOf(
  place: RoofPlace,
  adapter: string,
  fingerprint: string,
  measuring: (name: string) => void,
): Promise<Roof | undefined> {
  const roofs = readRoofs(fingerprint);
  const name = placeName(place.device, place.threads, adapter);
  const known = roofs.get(name);
  if (known || place.signal?.aborted) return known;
  measuring(name);
  const roof = await measureRoof(place);
  if (roof && !place.signal?.aborted) writeRoofs(fingerprint, roofs.set(name, roof));
  return roof;
}
