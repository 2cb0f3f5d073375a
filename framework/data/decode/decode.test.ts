import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { refuses } from '../../refuses.ts';
import { fixture, fixtureJson, fromBase64 } from '../fixture.ts';
import { imageDecoder } from './image.ts';
import { readJpegHeader } from './jpeg-header.ts';
import { decodePng } from './png.ts';

const decode = await imageDecoder();
const meanDifference = (a: Uint8Array, b: Uint8Array): number => a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;

test("JPEG: every kind gives Pillow's pixels, but for the rounding of a fast transform", () => {
  for (const [name, text] of Object.entries<string>(fixtureJson('jpeg.json'))) {
    const { width, height, pixels } = decode(fixture(`${name}.jpg`));
    const expected = fromBase64(text);
    assert.equal([name, width, height, pixels.length], [name, 40, 30, expected.length]);
    assert.ok(meanDifference(pixels, expected) < 2, `${name}: mean difference ${meanDifference(pixels, expected)} of 255`);
  }
});

test("PNG: every colour type, depth and interlacing gives Pillow's pixels exactly", () => {
  for (const [name, { file, size, rgb }] of Object.entries<{ file: string; size: number[]; rgb: string }>(fixtureJson('png.json'))) {
    const { width, height, pixels } = decode(fromBase64(file));
    assert.equal([name, width, height], [name, ...size]);
    assert.ok(Buffer.from(pixels).equals(fromBase64(rgb)), name);
  }
});

test('a JPEG cut off anywhere is refused, never filled with grey', () => {
  const whole = fixture('colour.jpg');
  for (let length = 0; length < whole.length; length++) refuses(() => decode(whole.subarray(0, length)), /^(jpeg: |the file )/);
  refuses(() => decode(whole.subarray(0, whole.length - 1)), /^jpeg: no end marker in \d+ bytes; the file is cut off$/);
});

test('a PNG cut off anywhere, or with any bit turned, is refused', () => {
  const whole = fromBase64(fixtureJson('png.json').bits1.file);
  for (let length = 0; length < whole.length; length++) refuses(() => decode(whole.subarray(0, length)), /^(png: |the file )/);
  for (let at = 0; at < whole.length; at++)
    for (const bit of [1, 16, 128]) {
      const damaged = Uint8Array.from(whole);
      damaged[at] ^= bit;
      refuses(() => decode(damaged), /^(png: |the file )/);
    }
});

test('what is not decoded here is named, with what to do', () => {
  refuses(() => decode(fixture('cmyk.jpg')), 'jpeg: 4 components, expected 1 (grey) or 3 (colour); CMYK: save it as RGB');
  refuses(() => decode(Buffer.from('GIF89a')), 'the file begins with 47 49 46 38: neither JPEG nor PNG');
  refuses(() => decode(new Uint8Array()), 'the file is empty, expected a JPEG or PNG image');
});

test('sizes beyond all measure are refused before memory is asked for', () => {
  const jpeg = Uint8Array.from(fixture('colour.jpg'));
  const frame = jpeg.findIndex((byte, i) => byte === 0xff && jpeg[i + 1] === 0xc0);
  jpeg.set([0xff, 0xff, 0xff, 0xff], frame + 5);
  refuses(() => decode(jpeg), 'jpeg: the header states 65535x65535 pixels, more than the limit of 100 million');
  jpeg.set([0x20, 0, 0x20, 0], frame + 5);
  refuses(() => decode(jpeg), /^jpeg: the header states 8192x8192 pixels, more than \d+ bytes can hold; the file is damaged$/);
  jpeg.set([0, 0, 0xff, 0xff], frame + 5);
  refuses(() => decode(jpeg), 'jpeg: the header states 65535x0 pixels, expected at least 1x1');
});

test('the header of a JPEG is read past application data, and damage in it is named', () => {
  assert.equal(readJpegHeader(fixture('grey.jpg')), { width: 40, height: 30, components: 1 });
  assert.equal(readJpegHeader(fixture('progressive.jpg')), { width: 40, height: 30, components: 3 });
  refuses(() => readJpegHeader(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 1, 0, 0)), /damaged/);
  refuses(() => readJpegHeader(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 9, 0, 0)), /a segment ends at byte 13 of 8; the file is cut off/);
  refuses(() => readJpegHeader(Uint8Array.of(0xff, 0xd8, 0xff, 0xd9)), /ends at byte 4, before its frame header/);
  refuses(() => readJpegHeader(Uint8Array.of(0xff, 0xd8, 0xff, 0xff, 0xff)), /before its frame header/);
});

test('PNG chunks out of place, missing or unknown are named', () => {
  const whole = fromBase64(fixtureJson('png.json').palette4.file);
  refuses(() => decodePng(whole.subarray(0, 8)), 'png: 8 bytes and no IEND chunk; the file is cut off');
  // Without its palette: signature and IHDR, then from the chunk after PLTE on.
  const plte = Buffer.from(whole).indexOf('PLTE') - 4;
  const after = plte + 12 + Buffer.from(whole).readUInt32BE(plte);
  refuses(
    () => decodePng(Buffer.concat([whole.subarray(0, plte), whole.subarray(after)])),
    'png: a palette of 0 bytes, expected 3 for each',
  );
  refuses(() => decodePng(Buffer.concat([whole.subarray(0, 8), whole.subarray(plte)])), /^png: the first chunk is PLTE .*expected IHDR/);
});

test.run();
