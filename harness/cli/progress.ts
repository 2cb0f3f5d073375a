// Progress is one line on the terminal that says what is measured now. It is written between samples only, so that drawing costs no sample.

import type { Plan, PlannedCase } from '../plan.ts';

export interface Progress {
  show(fork: number, planned: PlannedCase, what: string): void;
  /** Takes the line away, before anything else is written. */
  clear(): void;
}

/** Not more often than this: a terminal across a network is slow. */
const LEAST_MS = 100;

/** On a terminal, a line that is drawn over; elsewhere, a line for each case of each fork. */
export function progressOf(plan: Plan, stream: NodeJS.WriteStream): Progress {
  const place = (fork: number, planned: PlannedCase) =>
    `fork ${fork + 1}${Number.isFinite(plan.forks) ? `/${plan.forks}` : ''}, case ${plan.cases.indexOf(planned) + 1}/${plan.cases.length} ${planned.case.name}`;
  return stream.isTTY ? drawn(place, stream) : logged(place, stream);
}

/** The same for work that is no plan of cases: where it is, and what comes next there. */
export interface LineProgress {
  show(place: string, what: string): void;
  clear(): void;
}

export function lineProgress(stream: NodeJS.WriteStream): LineProgress {
  let last: { at: number; place: string } = { at: 0, place: '' };
  if (!stream.isTTY)
    return {
      show(place) {
        if (place !== last.place) stream.write(`${place}\n`);
        last = { at: 0, place };
      },
      clear: () => undefined,
    };
  return {
    show(place, what) {
      if (performance.now() - last.at < LEAST_MS) return;
      last = { at: performance.now(), place };
      stream.write(`\r\x1b[K${`${place}: ${what}`.slice(0, (stream.columns || 80) - 1)}`);
    },
    clear: () => void stream.write('\r\x1b[K'),
  };
}

function drawn(place: (fork: number, planned: PlannedCase) => string, stream: NodeJS.WriteStream): Progress {
  let last = 0;
  return {
    show(fork, planned, what) {
      if (performance.now() - last < LEAST_MS) return;
      last = performance.now();
      stream.write(`\r\x1b[K${`${place(fork, planned)}: ${what}`.slice(0, (stream.columns || 80) - 1)}`);
    },
    clear: () => void stream.write('\r\x1b[K'),
  };
}

function logged(place: (fork: number, planned: PlannedCase) => string, stream: NodeJS.WriteStream): Progress {
  let last = '';
  return {
    show(fork, planned) {
      const line = place(fork, planned);
      if (line !== last) stream.write(`${line}\n`);
      last = line;
    },
    clear: () => undefined,
  };
}
