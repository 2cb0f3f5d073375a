// A training as the harness calls it: one call trains to the end. Then the trained net is checked: its logits by a graph without rewrites and kernels of plain loops.

import { constant, REWRITES, Session } from '../../framework/graph/index.ts';
import { log, nn, scope, tensor, zoo } from '../../framework/index.ts';
import type { Facts, Work } from '../../harness/suite.ts';
import { type DeviceKind, type DeviceOptions, openDevice } from '../../kernels/index.ts';
import { hostBatch, openImages } from './images.ts';
import { learners, normalized, type Style } from './learner.ts';
import { type Recipe, SIDE, type TrainedModel } from './recipes.ts';
import { type Outcome, PHASES, train } from './training.ts';

export interface TrainedOptions {
  readonly model: TrainedModel;
  readonly recipe: Recipe;
  readonly seed: number;
  readonly until?: number;
  readonly style: Style;
  readonly kind: DeviceKind;
  readonly device: DeviceOptions;
  /** Where curves go; nowhere if absent. */
  readonly curves?: { readonly folder: string; readonly run: string };
}

/** Test images whose logits are checked. */
const CHECKED = 100;
/** What gives the expected logits: the graph as it is written, by kernels of plain loops. */
const PLAIN = { rewrites: Object.fromEntries(REWRITES.map((name) => [name, false])), kernels: ['naive'] };

export async function trainedWork(options: TrainedOptions): Promise<Work & { outcome(): Outcome | undefined }> {
  const { model, recipe, seed, until, style, kind, curves } = options;
  const device = await openDevice(kind, options.device);
  const images = await openImages(recipe, seed);
  const net = model.net(device, seed);
  const learner = await learners[style]({ net, device, recipe, steps: images.train.length * recipe.epochs, testBatch: images.testBatch });
  const writer = curves && (await log.open(curves.folder, { run: curves.run }));
  if (learner.graph) writer?.graph(...learner.graph);
  const weights = async () => {
    const state = Object.entries(net.stateDict());
    return new Map(await Promise.all(state.map(async ([path, held]) => [path, (await held.read()) as Float32Array] as const)));
  };
  let outcome: Outcome | undefined;
  let error = 0;
  return {
    outcome: () => outcome,
    async run() {
      outcome = await train({ learner, images, recipe, until, log: writer, weights: writer && weights });
    },
    async verify() {
      const first = (await images.test.read(0)[Symbol.asyncIterator]().next()).value!;
      const { images: pixels } = hostBatch(first);
      const count = Math.min(CHECKED, first.size);
      const shape = [count, 1, SIDE, SIDE];
      const bytes = pixels.slice(0, count * SIDE * SIDE);
      const logits = await scope(async () => (await net.forward(normalized(tensor(bytes, { device, shape }))).read()) as Float32Array);
      await using session = new Session({ device, ...PLAIN });
      const nodes = await nn.inGraph(net);
      const plain = nodes.forward(normalized(constant(bytes, 'images', { shape })) as never);
      const found = zoo.checked(logits, (await session.run(plain as never)) as Float32Array, false);
      error = found.error;
      return found.complaint && `of the trained net, ${found.complaint}`;
    },
    facts: () => factsOf(outcome!, recipe, images.testCount, device.memory().peakBytes, error),
    async close() {
      writer?.close();
      await learner.close();
      await Promise.all([images.train.close(), images.test.close()]);
      net.dispose();
      await device.close();
    },
  };
}

function factsOf(outcome: Outcome, { batch }: Recipe, testImages: number, peakBytes: number, maxRelErr: number): Facts {
  const { losses, accuracies, testLosses, loss, seconds, totalSeconds, targetSeconds } = outcome;
  const trained = seconds.load + seconds.copy + seconds.step;
  return {
    peakBytes: peakBytes || undefined,
    maxRelErr,
    extra: {
      accuracy: accuracies.at(-1)!,
      final_loss: loss,
      test_loss: testLosses.at(-1)!,
      test_images: testImages,
      epochs: accuracies.length,
      images_per_s: (losses.length * batch) / trained,
      ...(targetSeconds !== undefined && { to_target_s: targetSeconds }),
      ...Object.fromEntries(PHASES.map((phase) => [`${phase}_s`, seconds[phase]])),
      rest_s: totalSeconds - PHASES.reduce((sum, phase) => sum + seconds[phase], 0),
    },
  };
}
