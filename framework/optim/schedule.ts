// Learning-rate schedules: the rate as a function of the step, counted from 0. Use: optimizer.lr = schedule(step).

export type Schedule = (step: number) => number;

/** `lr`, multiplied by `factor` after every `period` steps. */
export const stepDecay =
  (lr: number, period: number, factor = 0.1): Schedule =>
  (step) =>
    lr * factor ** Math.floor(step / period);

/** lr · factor^step. */
export const exponentialDecay =
  (lr: number, factor: number): Schedule =>
  (step) =>
    lr * factor ** step;

/** From `lr` down to `floor` along half a cosine over `steps` steps, then constant (Loshchilov and Hutter 2017). */
export const cosineDecay =
  (lr: number, steps: number, floor = 0): Schedule =>
  (step) =>
    floor + ((lr - floor) / 2) * (1 + Math.cos(Math.PI * Math.min(step / steps, 1)));

/** Rises from 0 over `steps` steps to what `schedule` begins with, then follows it. */
export const warmUp =
  (steps: number, schedule: Schedule): Schedule =>
  (step) =>
    step < steps ? (schedule(0) * (step + 1)) / steps : schedule(step - steps);
