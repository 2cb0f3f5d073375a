// Test support: files that other programs wrote (fixtures/make.py), and the noise that they were made from.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const fixturePath = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
export const fixture = (name: string): Buffer => readFileSync(fixturePath(name));
export const fixtureJson = (name: string) => JSON.parse(fixture(name).toString());
export const fromBase64 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'));

/** The bytes of noise(length, state) of make.py. */
export function noise(length: number, state = 1): Uint8Array {
  let now = BigInt(state);
  return Uint8Array.from({ length }, () => {
    now = (now * 1103515245n + 12345n) & 0x7fffffffn;
    return Number((now >> 23n) & 255n);
  });
}
