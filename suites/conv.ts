// The conv suite: two-dimensional convolution and its gradients over the layers of known nets, on every kernel that can do it, so that algorithms compare.
//
// Weights of the forward pass do not change from call to call, as where a net is used: packing and transforming them belongs to `cold_ns`. Under
// --train-weights, and in the gradients, they change: then it is part of each call.

import { type Case, type Request, type Suite, UsageError } from '../harness/suite.ts';
import type { DeviceKind } from '../kernels/kernel.ts';
import { type Conv2dProblem, type ConvEpilogue, type ConvPass, conv2d } from '../kernels/problem.ts';
import { type ConvShape, convShape, convShapesOf, convShapeText, LAYERS } from './conv-shapes.ts';
import { countOf, listOf } from './options.ts';

const PASSES: readonly ConvPass[] = ['forward', 'input-grad', 'filter-grad'];
const EPILOGUES: readonly (keyof ConvEpilogue)[] = ['bias', 'residual', 'relu'];
/** Above this many multiply-adds, only the CPU is asked in a quick run: an emulated GPU would take the whole time. */
const QUICK_MOST_ON_WEBGPU = 6e7;

interface Listed extends ConvShape {
  readonly net?: string;
}

const defaultShapes = ({ quick }: Request): Listed[] =>
  LAYERS.filter((layer) => !quick || layer.quick).map(({ net, shape }) => ({ ...convShape(shape, net), net }));

/** The checked problem of a shape; what no kernel could do is the user's to know. */
function problemOf({ input, filter, source, ...window }: ConvShape, pass: ConvPass, epilogue: ConvEpilogue): Conv2dProblem {
  const [filters, ...taps] = filter;
  const { groups } = window;
  if (input[1] % groups !== 0 || filters % groups !== 0)
    throw new UsageError(`${source}: ${groups} groups do not divide ${input[1]} channels and ${filters} filters`);
  try {
    return conv2d({ ...window, input, filter: [filters, input[1] / groups, ...taps], pass, ...(pass === 'forward' && { epilogue }) });
  } catch (error) {
    throw new UsageError(`${source}: ${(error as Error).message}`);
  }
}

/** Multiply-adds of the direct algorithm. */
const work = ({ input: [n, c, h, w], filter: [k, r, s], stride, groups }: ConvShape): number => {
  const [down, across] = typeof stride === 'number' ? [stride, stride] : stride;
  return (n * c * k * r * s * h * w) / groups / down / across;
};

function cases(request: Request): Case[] {
  const batch = countOf(request, 'batch');
  const shapes: Listed[] = request.shapes === undefined ? defaultShapes(request) : convShapesOf(request.shapes);
  const passes = listOf(request, 'pass', PASSES, ['forward']);
  const applied = listOf(request, 'epilogue', EPILOGUES, []);
  const epilogue = Object.fromEntries(EPILOGUES.map((name) => [name, applied.includes(name)])) as unknown as ConvEpilogue;
  const [readback, trained] = [request.options.readback === true, request.options['train-weights'] === true];
  const listed = shapes.flatMap(({ net, ...given }) =>
    passes.map((pass): Case => {
      const shape = { ...given, input: [batch ?? given.input[0], ...given.input.slice(1)] as unknown as ConvShape['input'] };
      const problem = problemOf(shape, pass, epilogue);
      const forward = pass === 'forward';
      const parts = [
        ...['conv', convShapeText(shape), pass, 'f32'],
        ...(forward && applied.length > 0 ? [EPILOGUES.filter((name) => epilogue[name]).join('+')] : []),
        ...(forward && trained ? ['train-weights'] : []),
        ...(readback ? ['readback'] : []),
      ];
      const spared = request.quick && request.shapes === undefined && work(shape) > QUICK_MOST_ON_WEBGPU;
      const devices: DeviceKind[] | undefined = spared ? ['cpu'] : undefined;
      const constants = forward && !trained ? ['filter', ...(epilogue.bias ? ['bias'] : [])] : [];
      return { name: parts.join('/'), problem, dtype: 'f32', constants, readback, devices, ...(net && { extra: { net } }) };
    }),
  );
  // Nets and files repeat shapes: each is measured once.
  return [...new Map(listed.toReversed().map((one) => [one.name, one])).values()].toReversed();
}

const suite: Suite = {
  name: 'conv',
  question: 'How fast is a convolution or one of its gradients, by which algorithm, and how exact?',
  options: [
    { flags: '--pass <list>', description: 'forward, input-grad, filter-grad (default: forward)' },
    { flags: '--batch <count>', description: 'images per call, instead of what the shapes say' },
    { flags: '--epilogue <list>', description: 'applied as the result is stored: bias, residual, relu' },
    { flags: '--train-weights', description: 'weights change: packing them is part of each call' },
    { flags: '--readback', description: 'each call ends with its result on the host' },
  ],
  cases,
};

export default suite;
