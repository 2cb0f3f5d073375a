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
  const corners = new Float32Array(columns * rows);
  for (let i = 0; i < corners.length; i++) corners[i] = (random() * 2 - 1) * strength;
  // Each column's cell, and its place in it, eased.
  const ease = (t: number) => t * t * (3 - 2 * t);
  const blend = Float32Array.from({ length: width }, (_, x) => ease((x / cell) % 1));
  const column = Int32Array.from({ length: width }, (_, x) => Math.floor(x / cell));
  const blended = new Float32Array(columns);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / cell) * columns;
    const down = ease((y / cell) % 1);
    for (let c = 0; c < columns; c++) blended[c] = corners[row + c] + (corners[row + columns + c] - corners[row + c]) * down;
    const to = y * width;
    for (let x = 0; x < width; x++) {
      const left = blended[column[x]];
      out[to + x] += left + (blended[column[x] + 1] - left) * blend[x];
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
  const paint = (x: number, y: number, colour: readonly number[], broad: number, fine: number) => {
    const at = y * width + x;
    const value = fall[0] * x + fall[1] * y + ground[at] * broad + grain[at] * fine + (random() - 0.5) * 10;
    // A Uint8Array would wrap around.
    for (let c = 0; c < 3; c++) pixels[at * 3 + c] = Math.max(0, Math.min(255, colour[c] + value));
  };
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) paint(x, y, base, contrast, 25);
  for (const { x, y, radius, colour } of objects) {
    const [left, right] = [Math.max(0, Math.floor(x - radius)), Math.min(width, Math.ceil(x + radius))];
    const [top, bottom] = [Math.max(0, Math.floor(y - radius)), Math.min(height, Math.ceil(y + radius))];
    for (let row = top; row < bottom; row++)
      for (let column = left; column < right; column++)
        if (INSIDE[shape]((column - x) / radius, (row - y) / radius) > 0) paint(column, row, colour, 0, 60);
  }
  return { width, height, pixels };
}
