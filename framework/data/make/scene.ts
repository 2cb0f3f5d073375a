// A picture that costs a decoder what a photograph costs: light that falls off smoothly, texture whose strength falls with its frequency (1/f, as natural
// images have it), a few sharp-edged objects with texture of their own, and a little noise of a sensor. The same seed gives the same picture.

import { seededRandom } from '../../../kernels/random.ts';
import type { Image } from '../decode/image.ts';

/** What the objects of a class look like; a net can learn them. */
const SHAPES = ['disc', 'square', 'triangle', 'ring', 'cross'] as const;
const HUES = ['warm', 'cold'] as const;

/** Names of the classes: a shape in a hue each. */
export const CLASSES: readonly string[] = HUES.flatMap((hue) => SHAPES.map((shape) => `${hue}-${shape}`));

/** Octaves of value noise, [height, width], about -1 to 1, each octave half as strong as the one twice as coarse. */
function texture(width: number, height: number, coarsest: number, random: () => number): Float32Array {
  const out = new Float32Array(width * height);
  for (let cell = coarsest, strength = 0.5; cell >= 2; cell /= 2, strength /= 2) octave(out, width, height, cell, strength, random);
  return out;
}

/** Adds random values at the corners of cells, blended smoothly in between. */
function octave(out: Float32Array, width: number, height: number, cell: number, strength: number, random: () => number): void {
  const [columns, rows] = [Math.ceil(width / cell) + 2, Math.ceil(height / cell) + 2];
  const corners = Float32Array.from({ length: columns * rows }, () => (random() * 2 - 1) * strength);
  // Each column's cell and place in it, eased.
  const ease = (t: number) => t * t * (3 - 2 * t);
  const blend = Float32Array.from({ length: width }, (_, x) => ease((x / cell) % 1));
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / cell) * columns;
    const down = ease((y / cell) % 1);
    for (let x = 0; x < width; x++) {
      const at = row + Math.floor(x / cell);
      const above = corners[at] + (corners[at + 1] - corners[at]) * blend[x];
      const below = corners[at + columns] + (corners[at + columns + 1] - corners[at + columns]) * blend[x];
      out[y * width + x] += above + (below - above) * down;
    }
  }
}

/** How far a point lies inside a shape of radius 1 around the origin; above 0 is inside. */
const INSIDE: Readonly<Record<(typeof SHAPES)[number], (x: number, y: number) => number>> = {
  disc: (x, y) => 1 - Math.hypot(x, y),
  square: (x, y) => 0.85 - Math.max(Math.abs(x), Math.abs(y)),
  triangle: (x, y) => Math.min(0.6 - y, 0.5 + y / 2 - Math.abs(x) * 0.87),
  ring: (x, y) => 0.3 - Math.abs(Math.hypot(x, y) - 0.7),
  cross: (x, y) => Math.max(Math.min(0.3 - Math.abs(x), 0.95 - Math.abs(y)), Math.min(0.3 - Math.abs(y), 0.95 - Math.abs(x))),
};

/** A picture of the class with this number. */
export function scene(label: number, width: number, height: number, seed: number): Image {
  const random = seededRandom(seed);
  const between = (low: number, high: number) => low + (high - low) * random();
  const pixels = new Uint8Array(width * height * 3);
  const ground = texture(width, height, 128, random);
  const grain = texture(width, height, 8, random);
  const base = [between(60, 190), between(60, 190), between(60, 190)];
  const fall = [between(-50, 50) / width, between(-50, 50) / height];
  const contrast = between(40, 110);
  const [shape, warm] = [SHAPES[label % SHAPES.length], label < SHAPES.length];
  const objects = Array.from({ length: 1 + Math.floor(random() * 3) }, () => ({
    x: between(0.2, 0.8) * width,
    y: between(0.2, 0.8) * height,
    radius: between(0.15, 0.35) * Math.min(width, height),
    colour: warm ? [between(190, 250), between(90, 150), between(20, 90)] : [between(20, 90), between(100, 170), between(180, 250)],
  }));
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at++) {
      const light = fall[0] * x + fall[1] * y;
      const hit = objects.find((each) => INSIDE[shape]((x - each.x) / each.radius, (y - each.y) / each.radius) > 0);
      const noise = (random() - 0.5) * 10;
      for (let c = 0; c < 3; c++)
        // Uint8Array would wrap around: keep to 0..255.
        pixels[at * 3 + c] = Math.max(
          0,
          Math.min(
            255,
            hit ? hit.colour[c] + light + grain[at] * 60 + noise : base[c] + light + ground[at] * contrast + grain[at] * 25 + noise,
          ),
        );
    }
  return { width, height, pixels };
}
