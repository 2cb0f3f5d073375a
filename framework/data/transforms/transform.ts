// Transforms as data, so that a worker gets them with its recipe. Rules are torchvision's, so that its pipelines give the same pixels:
// resize: the shorter side becomes `shorter`, the other is cut to a whole number; a centred crop begins at round((side - size) / 2), halves to even.

export type Transform =
  | { readonly kind: 'resize'; readonly shorter: number }
  | { readonly kind: 'center-crop'; readonly size: number }
  | {
      readonly kind: 'random-resized-crop';
      readonly size: number;
      readonly scale: readonly [number, number];
      readonly ratio: readonly [number, number];
    }
  | { readonly kind: 'flip'; readonly probability: number }
  | { readonly kind: 'to-tensor' }
  | { readonly kind: 'normalize'; readonly mean: readonly number[]; readonly std: readonly number[] };

function whole(who: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1 || value > 65535)
    throw new RangeError(`${who}: ${value}, expected a whole number of pixels from 1 to 65535`);
  return value;
}

function range(who: string, [low, high]: readonly [number, number]): void {
  if (!(low > 0 && low <= high && high < Number.POSITIVE_INFINITY))
    throw new RangeError(`${who}: from ${low} to ${high}, expected two numbers above 0 in order`);
}

/** Keeps the ratio of the sides. Bilinear with antialiasing. */
export const resize = (shorter: number): Transform => ({ kind: 'resize', shorter: whole('resize', shorter) });

/** The middle, `size` by `size`. */
export const centerCrop = (size: number): Transform => ({ kind: 'center-crop', size: whole('centerCrop', size) });

export interface RandomCropOptions {
  /** Of the image's area; default 0.08 to 1. */
  readonly scale?: readonly [number, number];
  /** Width over height; default 3/4 to 4/3. */
  readonly ratio?: readonly [number, number];
}

/** A random part of the image, made `size` by `size`. */
export function randomResizedCrop(size: number, { scale = [0.08, 1], ratio = [3 / 4, 4 / 3] }: RandomCropOptions = {}): Transform {
  range('randomResizedCrop: scale', scale);
  range('randomResizedCrop: ratio', ratio);
  return { kind: 'random-resized-crop', size: whole('randomResizedCrop', size), scale, ratio };
}

/** Left and right changed with this probability. */
export function flip(probability = 0.5): Transform {
  if (!(probability >= 0 && probability <= 1)) throw new RangeError(`flip: probability ${probability}, expected 0 to 1`);
  return { kind: 'flip', probability };
}

/** u8 from 0 to 255 becomes f32 from 0 to 1. */
export const toTensor = (): Transform => ({ kind: 'to-tensor' });

/** (value - mean[c]) / std[c], after `toTensor`. */
export const normalize = (mean: readonly number[], std: readonly number[]): Transform => ({ kind: 'normalize', mean, std });

/** Mean and deviation of ImageNet's training images, which pretrained nets expect. */
export const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

/** The usual preparation of photographs for a net: shorter side to 256/224 of `size`, the middle `size` by `size`. */
export const standardTransforms = (size: number): Transform[] => [resize(Math.round((size * 256) / 224)), centerCrop(size)];
