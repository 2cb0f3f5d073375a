// The graph suite: what a static graph costs per node, what each of its rewrites saves, and what a loop costs against the same steps written out.

import { graph } from '../framework/index.ts';
import type { Case, FunctionArm, Request, Suite } from '../harness/suite.ts';
import type { DeviceKind } from '../kernels/kernel.ts';
import { costOf } from './cost.ts';
import { chainIn } from './graph/chain.ts';
import { RECURRENCE, recurrenceIn } from './graph/recurrence.ts';
import { biasedNet, rewrittenNet } from './graph/rewritten.ts';
import { listOf } from './options.ts';

/** Nodes of the chains: the slope between them is what one more costs. */
const NODES = [10, 100];
const SIZE = [64, 1000, 100] as const;

const PARTS = ['nodes', 'loop', 'rewrites'] as const;

/** Arms on each device that was asked for, with the most threads. */
function armsOf(
  { devices, threads }: Request,
  names: readonly string[],
  make: (name: string, device: DeviceKind, threads: number) => FunctionArm['make'],
) {
  const count = Math.max(...threads);
  return devices.flatMap((device) =>
    names.map((name): FunctionArm => {
      const place = device === 'cpu' ? `cpu/${count}` : device;
      return { name: `${name}@${place}`, device, threads: device === 'cpu' ? count : undefined, make: make(name, device, count) };
    }),
  );
}

function cases(request: Request): Case[] {
  const parts = listOf(request, 'part', PARTS, PARTS);
  const chains = NODES.map(
    (nodes): Case => ({
      name: `graph/nodes/${nodes}x10`,
      arms: armsOf(request, ['apart', 'fused', 'eager'], (name, device, threads) => () => chainIn(name, nodes, device, threads)),
      dtype: 'f32',
      extra: { nodes },
    }),
  );
  const { steps, batch, inputs, size } = RECURRENCE;
  const loop: Case = {
    name: `graph/loop/${steps}x${batch}x${inputs}x${size}`,
    arms: armsOf(
      request,
      ['loop', 'unrolled', 'eager'],
      (name, device, threads) => () => recurrenceIn(name, device, threads, request.seed),
    ),
    dtype: 'f32',
  };
  const training = biasedNet(...SIZE);
  const off = ['all', 'none', ...graph.REWRITES.map((rewrite) => `all but ${rewrite}`)];
  const rewrites: Case = {
    name: `graph/rewrites/${SIZE.join('x')}`,
    arms: armsOf(request, off, (name, device, threads) => () => rewrittenNet(name, training, device, threads, request.seed)),
    dtype: 'f32',
    cost: costOf(training),
  };
  return [
    ...(parts.includes('nodes') ? chains : []),
    ...(parts.includes('loop') ? [loop] : []),
    ...(parts.includes('rewrites') ? [rewrites] : []),
  ];
}

const suite: Suite = {
  name: 'graph',
  question: 'What does a node of a static graph cost, what does each rewrite save, and a loop against its steps written out?',
  options: [{ flags: '--part <list>', description: PARTS.join(', ') }],
  cases,
};

export default suite;
