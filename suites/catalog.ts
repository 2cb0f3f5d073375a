// The suites, by name. Each is loaded only when it is asked for.

import type { Suite } from '../harness/suite.ts';

export interface SuiteListing {
  readonly name: string;
  /** The question that the suite puts, in a line. */
  readonly question: string;
  load(): Promise<Suite>;
}

export const suites: readonly SuiteListing[] = [
  {
    name: 'matmul',
    question: 'How fast is C = op(A) op(B), and how close to what the machine can do?',
    load: async () => (await import('./matmul.ts')).default,
  },
  {
    name: 'conv',
    question: 'How fast is a convolution or one of its gradients, by which algorithm, and how exact?',
    load: async () => (await import('./conv.ts')).default,
  },
  {
    name: 'relu',
    question: 'What does ReLU cost from the caches to memory, in place or not, fused or by itself, against a copy?',
    load: async () => (await import('./relu.ts')).default,
  },
  {
    name: 'cnn',
    question: 'How fast are whole nets, forward and backward, and where does their time go?',
    load: async () => (await import('./cnn.ts')).default,
  },
  {
    name: 'lecture',
    question: 'What does each form of one training program cost, and what does it move?',
    load: async () => (await import('./lecture.ts')).default,
  },
  {
    name: 'copy',
    question: 'What does it cost to get bytes to the device and back, within it, and to a worker, by every path there is?',
    load: async () => (await import('./copy.ts')).default,
  },
  {
    name: 'feed',
    question: 'From how many parameters on does it hurt to feed and fetch weights in every step, and how much of a step is copying?',
    load: async () => (await import('./feed.ts')).default,
  },
  {
    name: 'dataload',
    question: 'Where does the time of a training step go when its batches are loaded: fetch, decode, copy or compute, and what would help?',
    load: async () => (await import('./dataload.ts')).default,
  },
  {
    name: 'train',
    question: 'How long does a training step take, in both styles, against the libraries that can train; and a training on MNIST?',
    load: async () => (await import('./train.ts')).default,
  },
  {
    name: 'graph',
    question:
      'What does an op cost eagerly and in a static graph, what does each rewrite save, and a loop or branch against the host language?',
    load: async () => (await import('./graph.ts')).default,
  },
  {
    name: 'gate',
    question: 'Has a change made something slower? A little of everything, for bench ci',
    load: async () => (await import('./gate.ts')).default,
  },
];
