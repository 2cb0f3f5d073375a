// The train suite: how long a training step takes, beside the libraries that can train; and, with --model, what a whole training on MNIST comes to.

import { type Case, type Request, type Suite, UsageError } from '../harness/suite.ts';
import { MODELS, trainedCases } from './train/campaign.ts';
import { NETS, STYLES, timedCases } from './train/timed.ts';
import { verdict } from './train/verdict.ts';

/** Options that only trainings have, and those that only timed steps have. */
const OF_TRAININGS = ['seeds', 'epochs', 'until'];

function cases(request: Request): readonly Case[] {
  const { options, shapes } = request;
  if (options.model === undefined) {
    const odd = OF_TRAININGS.find((name) => options[name] !== undefined);
    if (odd !== undefined) throw new UsageError(`--${odd} is for trainings: add --model ${Object.keys(MODELS).join(' or ')}`);
    return timedCases(request);
  }
  if (options.net !== undefined) throw new UsageError('--net times single steps, --model trains to the end; give one of them');
  if (shapes !== undefined) throw new UsageError('--shapes is for timed steps; what is trained on is MNIST, in the shape it has');
  return trainedCases(request);
}

const suite: Suite = {
  name: 'train',
  question: 'How long does a training step take, in both styles, against the libraries that can train; and a training on MNIST?',
  options: [
    { flags: '--net <list>', description: `time steps of: ${NETS.join(', ')} (default: all)` },
    { flags: '--style <list>', description: `${STYLES.join(', ')} (default: both; of trainings: static)` },
    { flags: '--model <list>', description: `train on MNIST to the end of a fixed recipe: ${Object.keys(MODELS).join(', ')}` },
    { flags: '--seeds <list>', description: 'a training for each seed of weights, order and shifts (default: --seed)' },
    { flags: '--epochs <count>', description: "passes over the training images, in place of the recipe's" },
    { flags: '--until <share>', description: 'end a training after the first epoch with this accuracy, such as 0.99' },
  ],
  cases,
  verdict,
};

export default suite;
