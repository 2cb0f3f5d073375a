// What can be tuned: an op by its name, with the problems that the suites list for it, or a kernel of the user's own.

import type { AnyKernel, DeviceKind } from '../../kernels/kernel.ts';
import { type MatmulProblem, moments, type Op, type Problem, softmax } from '../../kernels/problem.ts';
import convSuite from '../../suites/conv.ts';
import matmulSuite from '../../suites/matmul.ts';
import { MEMORY_OPS } from '../../suites/memory-ops.ts';
import reluSuite from '../../suites/relu.ts';
import { unknownName } from '../nearest.ts';
import { type Case, type Request, type Suite, UsageError } from '../suite.ts';
import { kernelModule } from '../tuner/kernel-module.ts';
import { isPath } from './suites.ts';

export interface TuneProblem {
  /** A path, unique among those of a target: `matmul/256x256x256/nn/f32`. */
  readonly name: string;
  readonly problem: Problem;
  readonly constants: readonly string[];
}

export interface Target {
  readonly name: string;
  readonly problems: readonly TuneProblem[];
  /** A kernel of the user's own, with the URL of its module. */
  readonly own?: { readonly kernel: AnyKernel; readonly url: string };
}

/** What `--shapes` and `--pass` say, and which devices are asked. */
export interface TargetRequest {
  readonly devices: readonly DeviceKind[];
  readonly shapes?: string;
  readonly pass?: string;
  readonly seed: number;
}

type Lister = (request: TargetRequest) => TuneProblem[];

/** A suite's cases that are problems. Without shapes they are those of a quick run: each is tuned for a while. */
const ofSuite =
  (suite: Suite, options: Record<string, string> = {}, keep: (one: Case) => boolean = () => true): Lister =>
  ({ devices, shapes, pass, seed }) => {
    const request: Request = {
      devices,
      shapes,
      seed,
      quick: true,
      threads: [1],
      options: { ...options, ...(pass !== undefined && { pass }) },
    };
    const cases = suite.cases(request).filter(keep);
    return cases.flatMap(({ name, problem, constants = [] }) => (problem ? [{ name, problem, constants }] : []));
  };

/** Matrices as `ROWSxCOLUMNS`. */
const ofMatrices =
  (op: string, make: (rows: number, columns: number) => Problem): Lister =>
  ({ shapes = '1024x1024,8192x1024' }) =>
    shapes.split(',').map((item) => {
      const [, rows, columns] = /^\s*(\d+)x(\d+)\s*$/.exec(item) ?? [];
      if (columns === undefined) throw new UsageError(`--shapes: '${item}' is not ROWSxCOLUMNS, such as 1024x4096`);
      try {
        return { name: `${op}/${rows}x${columns}/f32`, problem: make(Number(rows), Number(columns)), constants: [] };
      } catch (error) {
        throw new UsageError(`--shapes: ${(error as Error).message}`);
      }
    });

const OPS: Readonly<Record<string, Lister>> = {
  matmul: ofSuite(matmulSuite),
  conv2d: ofSuite(convSuite),
  relu: ofSuite(reluSuite, {}, ({ name }) => name.endsWith('/relu/f32')),
  softmax: ofMatrices('softmax', (rows, columns) => softmax({ rows, columns })),
  moments: ofMatrices('moments', (outer, channels) => moments({ outer, channels })),
  ...Object.fromEntries(Object.keys(MEMORY_OPS).map((name) => [name, ofSuite(reluSuite, { ops: name })])),
};

export const targetNames = Object.keys(OPS);

/** The problems of an op by its name, or of the kernel in a module. Throws a UsageError with the nearest names. */
export async function targetOf(name: string, request: TargetRequest): Promise<Target> {
  if (isPath(name)) return ownTarget(name, request);
  const lister = OPS[name];
  if (!lister)
    throw new UsageError(`${unknownName('op', name, targetNames)}; a kernel of your own is given by its path, such as ./my.kernel.ts`);
  return { name, problems: lister(request) };
}

async function ownTarget(name: string, request: TargetRequest): Promise<Target> {
  const { kernel, problems, url } = await kernelModule(name);
  const label = `${kernel.op}-${kernel.name}`;
  if (problems.length > 0 && request.shapes === undefined)
    return { name: label, own: { kernel, url }, problems: problems.map((problem) => ({ name: nameOf(problem), problem, constants: [] })) };
  const listers = OPS as Partial<Record<Op, Lister>>;
  const lister = listers[kernel.op];
  if (!lister)
    throw new UsageError(`${name}: names no problems, and ${kernel.op} has no default ones; export problems: Problem[] beside the kernel`);
  return { name: label, own: { kernel, url }, problems: lister({ ...request, devices: [kernel.device] }) };
}

/** The sizes of a problem as a path: its shape, or whatever of it is a number, in order. */
function nameOf(problem: Problem): string {
  const { op, ...fields } = problem;
  const sizes = 'shape' in problem ? problem.shape : Object.values(fields).filter((value) => typeof value === 'number');
  return `${op}/${op === 'matmul' ? sizesOf(problem as MatmulProblem) : sizes.join('x')}/${'dtype' in problem ? problem.dtype : 'f32'}`;
}

const sizesOf = ({ m, n, k }: MatmulProblem): string => `${m}x${n}x${k}`;
