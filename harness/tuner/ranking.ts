// What a kernel's own model says of its space: which configurations are likely to be among the fastest.

import { kernelsFor } from '../../kernels/catalog.ts';
import type { AnyKernel, Traits } from '../../kernels/kernel.ts';
import type { Problem } from '../../kernels/problem.ts';
import { seededRandom } from '../../kernels/random.ts';
import { UsageError } from '../suite.ts';
import type { Recording } from './recording.ts';
import type { Configuration, Space } from './space.ts';

/** Of a large space the model looks at so many. */
const LOOKED_AT = 4096;
/** The likeliest are this share of those, and at least so many. */
const SHARE = 0.1;
const LEAST = 16;

/** The configurations that the kernel's model holds for the fastest, best first; none where it has no model. */
export function rankedBy(kernel: AnyKernel, space: Space, problem: Problem, traits: Traits, seed: number): Configuration[] {
  const { model } = kernel;
  if (!model) return [];
  const looked = space.sample(LOOKED_AT, seededRandom(seed)).map((index) => space.at(index));
  const seconds = new Map(looked.map((configuration) => [configuration, model(problem, configuration, traits)]));
  return looked.sort((a, b) => seconds.get(a)! - seconds.get(b)!).slice(0, Math.max(LEAST, Math.round(SHARE * looked.length)));
}

/** What the model of a recording's kernel ranks first. Throws a UsageError where it is not of a kernel of the catalogue. */
export function rankedIn({ space, name, header }: Pick<Recording, 'space' | 'name' | 'header'>): Configuration[] {
  const kernel = header && kernelsFor(header.problem.op, header.machine.kind).find((one) => one.name === header.kernel);
  if (!kernel) throw new UsageError(`--model: ${name} is not of a kernel of ours, which alone have models`);
  const { features = [], threads = 1 } = header.machine;
  return rankedBy(kernel, space, header.problem, { features: new Set(features), limits: { ...header.space.constants, threads } }, 1);
}
