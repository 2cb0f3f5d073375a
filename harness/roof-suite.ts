// The loops of the roof that no kernel can be: the engine's own copy between typed arrays. Served like a suite, by a name that no suite has.

import type { Case, Suite } from './suite.ts';

/** What a child serves instead of one of the user's suites. */
export const ROOF_SUITE = 'roof:';
/** The name of the loop, and of its arm. */
export const HOST_COPY = 'TypedArray.set';

/** Copies `bytes` from one array to another. */
export const hostCopyCase = (bytes: number): Case => ({
  name: `copy/${bytes}`,
  arms: [{ name: HOST_COPY, make: () => hostCopy(bytes) }],
});

function hostCopy(bytes: number) {
  // Written once: pages that were never touched are all the same page of zeros, and would stay in the cache.
  const from = new Float64Array(bytes / 8).fill(1);
  const to = new Float64Array(bytes / 8).fill(2);
  return { run: () => to.set(from) };
}

/** Its shapes are the bytes to copy. */
export const roofSuite: Suite = {
  name: ROOF_SUITE,
  question: 'How fast does the engine copy on the host?',
  cases: ({ shapes = '' }) => shapes.split(',').map((bytes) => hostCopyCase(Number(bytes))),
};
