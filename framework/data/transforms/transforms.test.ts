import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { refuses } from '../../refuses.ts';
import type { Image } from '../decode/image.ts';
import { drawsOf } from '../draws.ts';
import { fixtureJson, fromBase64, noise } from '../fixture.ts';
import { type Box, rasterOf } from '../pixel-memory.ts';
import { Pipeline } from './pipeline.ts';
import * as rule from './resample.ts';
import { centerCrop, flip, normalize, randomResizedCrop, resize, type Transform, toTensor } from './transform.ts';

const noiseOf = (width: number, height: number): Image => ({ width, height, pixels: noise(width * height * 3) });
const whole = ({ width, height }: { width: number; height: number }) => ({ left: 0, top: 0, width, height });
const resample = (image: Image, box: Box, size: { width: number; height: number }, window: Box): Image =>
  rule.imageOf(rule.resample(rasterOf(image, box), size, window));
const noDraws = () => {
  throw new Error('nothing random is asked for');
};

interface Case {
  readonly from: readonly [number, number];
  readonly to?: readonly [number, number];
  readonly prepared?: readonly [number, number];
  readonly rgb: string;
}
const cases: readonly Case[] = fixtureJson('resized.json');

test("resizing gives Pillow's bilinear pixels, bit for bit, larger, smaller and in one direction alone", () => {
  const sizes = cases.filter(({ to }) => to);
  assert.ok(sizes.length > 10);
  for (const { from, to, rgb } of sizes) {
    const size = { width: to![0], height: to![1] };
    const { pixels } = resample(noiseOf(...from), whole(noiseOf(...from)), size, whole(size));
    assert.ok(Buffer.from(pixels).equals(fromBase64(rgb)), `${from} to ${to}`);
  }
});

test('resize and centre crop together give what Pillow gives one after the other, by the rules of torchvision', () => {
  for (const { from, prepared, rgb } of cases.filter((each) => each.prepared)) {
    const pipeline = new Pipeline([resize(prepared![0]), centerCrop(prepared![1])]);
    const { pixels, width, height } = rule.imageOf(pipeline.apply(noiseOf(...from), noDraws).raster());
    assert.equal([width, height], [28, 28]);
    assert.ok(Buffer.from(pixels).equals(fromBase64(rgb)), `${from}`);
  }
});

test('a window of a resized image is that part of the whole one, of a box too', () => {
  const image = noiseOf(50, 40);
  const box = { left: 7, top: 3, width: 31, height: 36 };
  const size = { width: 20, height: 23 };
  const all = resample(image, box, size, whole(size));
  const cut: Image = { width: 31, height: 36, pixels: new Uint8Array(31 * 36 * 3) };
  for (let y = 0; y < 36; y++) cut.pixels.set(image.pixels.subarray(((y + 3) * 50 + 7) * 3, ((y + 3) * 50 + 38) * 3), y * 31 * 3);
  assert.equal(resample(cut, whole(cut), size, whole(size)).pixels, all.pixels);
  const window = { left: 4, top: 9, width: 5, height: 13 };
  const part = resample(image, box, size, window);
  for (let y = 0; y < 13; y++)
    assert.equal(part.pixels.subarray(y * 15, y * 15 + 15), all.pixels.subarray(((y + 9) * 20 + 4) * 3, ((y + 9) * 20 + 9) * 3));
});

/** Planes that a list of transforms gives, with the draws of a seed. */
function planes(
  image: Image,
  transforms: readonly Transform[],
  seed = 0,
): { out: Float32Array | Uint8Array; width: number; height: number } {
  const pipeline = new Pipeline(transforms);
  const frame = pipeline.apply(image, drawsOf(seed, 0, 0));
  const size = frame.width * frame.height * 3;
  const out = pipeline.dtype === 'u8' ? new Uint8Array(size) : new Float32Array(size);
  pipeline.write(frame, out);
  return { out, width: frame.width, height: frame.height };
}

test('planes: red, then green, then blue; as f32 from 0 to 1; normalized by channel', () => {
  const image: Image = { width: 2, height: 1, pixels: Uint8Array.of(0, 51, 102, 255, 204, 153) };
  assert.equal(planes(image, []).out, Uint8Array.of(0, 255, 51, 204, 102, 153));
  assert.equal(planes(image, [toTensor()]).out, Float32Array.of(0, 1, 0.2, 0.8, 0.4, 0.6));
  assert.equal(
    planes(image, [toTensor(), normalize([0, 0.2, 0.4], [0.5, 1, 2])]).out,
    Float32Array.of(0, 2, 51 / 255 - 0.2, 204 / 255 - 0.2, 102 / 510 - 0.2, 153 / 510 - 0.2),
  );
});

test('a flip changes left and right, and a crop after it takes from the flipped image', () => {
  const image: Image = { width: 3, height: 1, pixels: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9) };
  assert.equal(planes(image, [flip(1)]).out, Uint8Array.of(7, 4, 1, 8, 5, 2, 9, 6, 3));
  assert.equal(planes(image, [flip(1), flip(1)]).out, planes(image, []).out);
  assert.equal(planes(image, [flip(0)]).out, planes(image, []).out);
  const wide = noiseOf(41, 30);
  for (const rest of [[centerCrop(10)], [resize(12), centerCrop(9)], [centerCrop(29), resize(11)]])
    assert.equal(planes(wide, [flip(1), ...rest]).out.length, planes(wide, rest).out.length);
  // An odd rest: the crop begins one pixel further on one side, of the flipped image.
  assert.equal(planes({ width: 4, height: 3, pixels: noise(36) }, [flip(1), centerCrop(3)]).out, flippedThenCropped());
});

function flippedThenCropped(): Uint8Array {
  const pixels = noise(36);
  const flipped = new Uint8Array(36);
  for (let y = 0; y < 3; y++)
    for (let x = 0; x < 4; x++) for (let c = 0; c < 3; c++) flipped[(y * 4 + x) * 3 + c] = pixels[(y * 4 + 3 - x) * 3 + c];
  return planes({ width: 4, height: 3, pixels: flipped }, [centerCrop(3)]).out as Uint8Array;
}

test('random crops and flips are the same for the same seed, epoch and index, and differ between them', () => {
  const pipeline = new Pipeline([randomResizedCrop(8), flip()]);
  const image = noiseOf(60, 50);
  const made = (seed: number, epoch: number, index: number) => {
    const out = new Uint8Array(192);
    pipeline.write(pipeline.apply(image, drawsOf(seed, epoch, index)), out);
    return Buffer.from(out).toString('base64');
  };
  assert.is(made(1, 2, 3), made(1, 2, 3));
  assert.is(new Set([made(1, 2, 3), made(2, 2, 3), made(1, 3, 3), made(1, 2, 4), made(1, 3, 2), made(2, 1, 3)]).size, 6);
});

test('random crops stay inside the image, cover its area within the scale, and flips come in their share', () => {
  const areas: number[] = [];
  const pipeline = new Pipeline([randomResizedCrop(4, { scale: [0.25, 0.5] }), flip(0.3)]);
  let flips = 0;
  for (let i = 0; i < 400; i++) {
    const draw = drawsOf(5, 0, i);
    areas.push(draw());
    if (pipeline.apply(noiseOf(9, 7), drawsOf(6, 0, i)).mirrored) flips++;
  }
  assert.ok(flips > 80 && flips < 160, `${flips} of 400 were flipped, expected about 120`);
  assert.ok(Math.max(...areas) > 0.98 && Math.min(...areas) < 0.02);
  // Too flat for any ratio allowed: the middle.
  const { width, height } = planes(noiseOf(90, 2), [randomResizedCrop(5)]);
  assert.equal([width, height], [5, 5]);
});

test('orders and numbers that make no sense are refused', () => {
  refuses(() => new Pipeline([toTensor(), resize(8)]), 'transforms: to-tensor, resize: after to-tensor only normalize can follow');
  refuses(() => new Pipeline([normalize([0, 0, 0], [1, 1, 1])]), 'normalize stands once, after to-tensor');
  refuses(() => new Pipeline([toTensor(), normalize([0], [1])]), '1 means and 1 deviations, expected 3 each');
  refuses(() => new Pipeline([toTensor(), normalize([0, 0, 0], [1, 0, 1])]), 'deviations above 0');
  refuses(
    () => new Pipeline([centerCrop(50)]).apply(noiseOf(40, 60), noDraws),
    'the image is 40x60, too small to crop 50x50 from it; resize it first',
  );
  refuses(() => resize(0), 'resize: 0, expected a whole number of pixels from 1 to 65535');
  refuses(() => flip(1.5), 'flip: probability 1.5, expected 0 to 1');
  refuses(() => randomResizedCrop(8, { scale: [0.5, 0.1] }), 'scale: from 0.5 to 0.1');
});

test.run();
