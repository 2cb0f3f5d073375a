// Parts of an extent, for tasks that threads share.

/** `extent` cut into about `wanted` parts of at most `most`, each but the last a multiple of `unit`. */
export function partsOf(extent: number, unit: number, most: number, wanted: number): { readonly size: number; readonly count: number } {
  const size = Math.max(unit, Math.min(most, Math.ceil(extent / wanted / unit) * unit));
  return { size, count: Math.ceil(extent / size) };
}
