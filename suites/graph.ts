// The graph suite: eager against static; a static graph with each rewrite switched on in turn; a convolution and its ReLU in one kernel or in two; loops and
// conditionals in the graph against the host's own. Everything is checked against float64, and says what a call launches, moves and holds.

import type { Training } from '../framework/exact/training.ts';
import type { graph } from '../framework/index.ts';
import { type Case, type FunctionArm, type Request, type Suite, UsageError } from '../harness/suite.ts';
import { costOf } from './cost.ts';
import { BRANCH, BRANCH_FORMS, branchIn } from './graph/branch.ts';
import { CHAIN_FORMS, chainIn, NODES } from './graph/chain.ts';
import { avoidedBytes, type ConvolutionSizes, FUSED_FORMS, fusedCost, fusedIn, outputShapeOf, reluIn } from './graph/fused.ts';
import { convolutionalNet, denseNet } from './graph/net.ts';
import { armsAt, type Place, placeName, placesOf } from './graph/place.ts';
import { RECURRENCE, RECURRENCE_FORMS, recurrenceIn } from './graph/recurrence.ts';
import { formsOf, trainedIn } from './graph/rewritten.ts';
import { ITERATIONS, UNTIL, UNTIL_FORMS, untilIn } from './graph/until.ts';
import { type BlockSizes, usedIn } from './graph/used.ts';
import { verdict } from './graph/verdict.ts';
import { listOf } from './options.ts';

const PARTS = ['nodes', 'rewrites', 'conv-relu', 'loop', 'cond'] as const;

/** A program that is rewritten, and the rewrites that find something in it. */
interface Rewritten {
  readonly name: string;
  readonly found: readonly graph.Rewrite[];
  readonly cost?: Case['cost'];
  make(form: string, place: Place, seed: number): FunctionArm['make'];
}

const trained = (name: string, training: Training, found: readonly graph.Rewrite[]): Rewritten => ({
  name,
  found,
  cost: costOf(training),
  make: (form, place, seed) => () => trainedIn(form, training, place, seed),
});

const BLOCK: BlockSizes = { batch: 8, channels: 32, side: 28 };
const CNN = convolutionalNet(32, 3, 28, [16, 32]);

/** Whole programs: a step of training the lecture's net, a step of training a small convolutional one, a residual block in use. */
export const PROGRAMS: readonly Rewritten[] = [
  trained('two-layer-64x1000x100', denseNet(64, 1000, 100), [
    'matmulEpilogue',
    'constantFolding',
    'pointwiseChains',
    'inPlaceUpdates',
    'productUpdates',
    'inPlaceResults',
  ]),
  trained('cnn-32x3x28x28', CNN, [
    'commonSubexpressions',
    'matmulEpilogue',
    'convolutionEpilogue',
    'constantFolding',
    'pointwiseChains',
    'inPlaceUpdates',
    'productUpdates',
    'inPlaceResults',
  ]),
  {
    name: `block-${BLOCK.batch}x${BLOCK.channels}x${BLOCK.side}x${BLOCK.side}`,
    found: ['convolutionScale', 'convolutionEpilogue', 'constantFolding', 'pointwiseChains', 'inPlaceResults'],
    make: (form, place, seed) => () => usedIn(form, BLOCK, place, seed),
  },
];

/** Many products an output, and few. */
const CONVOLUTIONS: Readonly<Record<string, ConvolutionSizes>> = {
  '3x3-16x32x28x28': { input: [16, 32, 28, 28], filter: [32, 32, 3, 3], padding: 1 },
  '1x1-16x32x28x28': { input: [16, 32, 28, 28], filter: [64, 32, 1, 1], padding: 0 },
};

/** What the ReLUs of a net with padded 3 x 3 convolutions are applied to. */
const rectifiedIn = ({ layers, batch, example: [, height, width] }: Training) => {
  let [rows, columns] = [height, width];
  return layers.flatMap((layer) => {
    if (layer.kind === 'maxPool2d') [rows, columns] = [rows, columns].map((size) => Math.floor(size / layer.window));
    return layer.kind === 'conv2d' ? [[batch, layer.outputs, rows, columns]] : [];
  });
};

function nodeCases(place: Place): Case[] {
  return NODES.map((nodes) => ({
    name: `graph/nodes/${nodes}x10/${placeName(place)}`,
    arms: armsAt(place, CHAIN_FORMS, (form) => () => chainIn(form, nodes, place)),
    dtype: 'f32',
    extra: { nodes },
  }));
}

function rewriteCases(place: Place, request: Request): Case[] {
  const { seed, quick } = request;
  const names = PROGRAMS.map(({ name }) => name);
  const wanted = listOf(request, 'program', names, names.slice(0, quick ? 1 : undefined));
  return PROGRAMS.filter(({ name }) => wanted.includes(name)).map(({ name, found, cost, make }) => ({
    name: `graph/rewrites/${name}/${placeName(place)}`,
    arms: armsAt(place, quick ? ['eager', 'none', 'all'] : formsOf(found), (form) => make(form, place, seed)),
    dtype: 'f32',
    cost,
  }));
}

function fusingCases(place: Place, { seed, quick }: Request): Case[] {
  const name = (of: string) => `graph/conv-relu/${of}/${placeName(place)}`;
  const forward = Object.entries(CONVOLUTIONS).map(([of, sizes]): Case => {
    const shapes = [outputShapeOf(sizes)];
    const make = (form: string) => () => (form === 'relu' ? reluIn(shapes, place, seed) : fusedIn(form, sizes, place, seed));
    return {
      name: name(of),
      arms: armsAt(place, FUSED_FORMS, make),
      dtype: 'f32',
      cost: fusedCost(sizes),
      extra: { avoidable_bytes: avoidedBytes(shapes) },
    };
  });
  const shapes = rectifiedIn(CNN);
  const forms = { apart: 'all but convolutionEpilogue', fused: 'all' };
  const step: Case = {
    name: name(`step-${CNN.batch}x${CNN.example.join('x')}`),
    arms: armsAt(
      place,
      FUSED_FORMS,
      (form) => () => (form === 'relu' ? reluIn(shapes, place, seed) : trainedIn(forms[form as keyof typeof forms], CNN, place, seed)),
    ),
    dtype: 'f32',
    cost: costOf(CNN),
    extra: { avoidable_bytes: avoidedBytes(shapes) },
  };
  return quick ? forward.slice(1) : [...forward, step];
}

function loopCases(place: Place, { seed, quick }: Request): Case[] {
  const until = ITERATIONS.map(
    (iterations): Case => ({
      name: `graph/until/${iterations}x${UNTIL.rows}x${UNTIL.size}/${placeName(place)}`,
      arms: armsAt(place, quick ? ['loop', 'host'] : UNTIL_FORMS, (form) => () => untilIn(form, iterations, place, seed)),
      dtype: 'f32',
      extra: { iterations },
    }),
  );
  const { steps, batch, inputs, size } = RECURRENCE;
  const recurrence: Case = {
    name: `graph/recurrence/${steps}x${batch}x${inputs}x${size}/${placeName(place)}`,
    arms: armsAt(place, RECURRENCE_FORMS, (form) => () => recurrenceIn(form, place, seed)),
    dtype: 'f32',
    extra: { iterations: steps },
  };
  return quick ? until : [...until, recurrence];
}

function branchCases(place: Place, { seed, quick }: Request): Case[] {
  const arms = armsAt(place, quick ? ['cond', 'host'] : BRANCH_FORMS, (form) => () => branchIn(form, place, seed));
  return [{ name: `graph/cond/${BRANCH.rows}x${BRANCH.size}/${placeName(place)}`, arms, dtype: 'f32' }];
}

const CASES: Readonly<Record<(typeof PARTS)[number], (place: Place, request: Request) => Case[]>> = {
  nodes: nodeCases,
  rewrites: rewriteCases,
  'conv-relu': fusingCases,
  loop: loopCases,
  cond: branchCases,
};

function cases(request: Request): Case[] {
  if (request.shapes !== undefined)
    throw new UsageError('--shapes: the programs of graph have their sizes; choose among them by --part and --program');
  const parts = listOf(request, 'part', PARTS, PARTS);
  return parts.flatMap((part) => placesOf(request).flatMap((place) => CASES[part](place, request)));
}

const suite: Suite = {
  name: 'graph',
  question:
    'What does an op cost eagerly and in a static graph, what does each rewrite save, and a loop or branch against the host language?',
  options: [
    { flags: '--part <list>', description: PARTS.join(', ') },
    { flags: '--program <list>', description: `those of the part rewrites: ${PROGRAMS.map(({ name }) => name).join(', ')}` },
  ],
  cases,
  verdict,
};

export default suite;
