// Sizes on the command line: `64x1000x100,1024x1024x1024`, as many to an item as there are names.

import { UsageError } from '../harness/suite.ts';

const LARGEST = 2 ** 20;

/** Reads `--shapes`; `names` says what an item is made of: `NxDxH`. Throws a UsageError that names the item and what it must be. */
export function sizesOf(text: string, names: string): number[][] {
  return text.split(',').map((item) => {
    const sizes = item.trim().split('x').map(Number);
    if (sizes.length !== names.split('x').length || sizes.some((size) => !Number.isInteger(size) || size < 1 || size > LARGEST))
      throw new UsageError(`--shapes: '${item.trim()}' is not ${names}, whole numbers from 1 to ${LARGEST} with x between them`);
    return sizes;
  });
}
