// A slowdown of known size: of every so many calls one is made twice, while the time is told as if it had not been.

import type { Subject } from '../subject.ts';

/** The subject with `share` more calls: 0.05 makes 1 extra in 20. Batches shorter than that take turns, so that the mean is exact over many. */
export function withExtraCalls(subject: Subject, share: number): Subject {
  let owed = 0;
  return {
    prepared: subject.prepared,
    asynchronous: subject.asynchronous,
    onlyNs: subject.onlyNs,
    leastIterations: subject.leastIterations,
    figures: subject.figures && ((iterations) => subject.figures!(iterations)),
    batch(iterations) {
      owed += iterations * share;
      const extra = Math.floor(owed + 1e-9);
      owed -= extra;
      const told = (perCall: number) => (perCall * (iterations + extra)) / iterations;
      const perCall = subject.batch(iterations + extra);
      return typeof perCall === 'number' ? told(perCall) : perCall.then(told);
    },
    close: () => subject.close(),
  };
}
