// A descent is an optimizer's formula, written once for both styles: as expressions it becomes the fused kernels of the eager optimizers, as nodes part of
// a graph.
//
//   slots s (state of a parameter, 0 at first):  s' = next(s, p, g)        p' = step(p, g, slots', rate, corrections)
//
// A correction is 1 / (1 - β^t) at step t, counted from 1: what a running mean that began at 0 with share β lacks (Kingma and Ba 2015).

/** What formulas are written in; plain numbers are constants. */
export interface Arithmetic<T> {
  add(a: T | number, b: T | number): T;
  sub(a: T | number, b: T | number): T;
  mul(a: T | number, b: T | number): T;
  div(a: T | number, b: T | number): T;
  sqrt(a: T): T;
}

export interface Descent {
  /** Tells it from every other one, its constants included. */
  readonly name: string;
  /** Slots by name: the next value from the old one, the parameter and its gradient. */
  readonly slots: Readonly<Record<string, <T>(math: Arithmetic<T>, old: T, parameter: T, gradient: T) => T>>;
  /** The β of each correction. */
  readonly corrected: readonly number[];
  /** The next parameter; `slots` are the next ones, in their order. */
  readonly step: <T>(math: Arithmetic<T>, parameter: T, gradient: T, slots: readonly T[], rate: T | number, corrections: readonly T[]) => T;
}

/** Throws a RangeError unless `value` is a number from `low` up to (not including) `high`. */
export function checkSetting(who: string, name: string, value: number, low = 0, high = Number.POSITIVE_INFINITY): void {
  if (!(value >= low && value < high)) throw new RangeError(`${who}: ${name} is ${value}, expected a number from ${low} to below ${high}`);
}

/** The gradient with weight decay: g + decay · p. */
const decayed = <T>({ add, mul }: Arithmetic<T>, gradient: T, parameter: T, weightDecay: number): T =>
  weightDecay ? add(gradient, mul(parameter, weightDecay)) : gradient;

export interface SgdSettings {
  /** Share of the velocity that stays from step to step; 0 if absent. */
  readonly momentum?: number;
  /** Looks ahead along the velocity (Nesterov 1983); false if absent. */
  readonly nesterov?: boolean;
  /** Pulls parameters towards 0: this share of each is added to its gradient; 0 if absent. */
  readonly weightDecay?: number;
}

/** v = momentum · v + g, then p -= rate · v, or rate · (g + momentum · v) with Nesterov's look ahead: as PyTorch has it (Sutskever et al. 2013). */
export function sgd({ momentum = 0, nesterov = false, weightDecay = 0 }: SgdSettings): Descent {
  checkSetting('sgd', 'momentum', momentum, 0, 1);
  checkSetting('sgd', 'weightDecay', weightDecay);
  return {
    name: `sgd ${momentum} ${nesterov} ${weightDecay}`,
    slots: momentum > 0 ? { velocity: (math, v, p, g) => math.add(math.mul(v, momentum), decayed(math, g, p, weightDecay)) } : {},
    corrected: [],
    step(math, p, g, [v], rate) {
      const slope = v && !nesterov ? v : decayed(math, g, p, weightDecay);
      const direction = v && nesterov ? math.add(slope, math.mul(v, momentum)) : slope;
      return math.sub(p, math.mul(direction, rate));
    },
  };
}

export interface AdamSettings {
  /** β1 and β2: shares of the running means that stay from step to step; 0.9 and 0.999 if absent. */
  readonly betas?: readonly [number, number];
  /** Keeps the quotient finite; 1e-8 if absent. */
  readonly epsilon?: number;
  /** 0 if absent; 0.01 in AdamW. */
  readonly weightDecay?: number;
}

/**
 * m and v are running means of g and g²; p -= rate · m / (1 - β1^t) / (√(v / (1 - β2^t)) + ε) (Kingma and Ba 2015). Decoupled weight decay acts on the
 * parameter and not through the gradient (Loshchilov and Hutter 2019).
 */
export function adam({ betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0 }: AdamSettings, isDecoupled = false): Descent {
  betas.forEach((beta, i) => checkSetting('adam', `betas[${i}]`, beta, 0, 1));
  checkSetting('adam', 'epsilon', epsilon);
  checkSetting('adam', 'weightDecay', weightDecay);
  const through = isDecoupled ? 0 : weightDecay;
  return {
    name: `adam ${betas} ${epsilon} ${weightDecay} ${isDecoupled}`,
    slots: {
      mean: (math, m, p, g) => math.add(math.mul(m, betas[0]), math.mul(decayed(math, g, p, through), 1 - betas[0])),
      square(math, v, p, g) {
        const slope = decayed(math, g, p, through);
        return math.add(math.mul(v, betas[1]), math.mul(math.mul(slope, slope), 1 - betas[1]));
      },
    },
    corrected: betas,
    step(math, p, _g, [m, v], rate, [ofMean, ofSquare]) {
      const { add, sub, mul, div, sqrt } = math;
      const change = div(mul(mul(ofMean, rate), m), add(sqrt(mul(v, ofSquare)), epsilon));
      return sub(weightDecay && isDecoupled ? sub(p, mul(mul(p, rate), weightDecay)) : p, change);
    },
  };
}

export interface ScaledSettings {
  /** Keeps the quotient finite. */
  readonly epsilon?: number;
  /** As of sgd. */
  readonly weightDecay?: number;
}

/** p -= rate · g / (√s + ε), where `next` makes s from its old value and g². */
function scaled(name: string, epsilon: number, weightDecay: number, next: <T>(math: Arithmetic<T>, s: T, square: T) => T): Descent {
  checkSetting(name, 'epsilon', epsilon);
  checkSetting(name, 'weightDecay', weightDecay);
  return {
    name: `${name} ${epsilon} ${weightDecay}`,
    slots: {
      scale(math, s, p, g) {
        const slope = decayed(math, g, p, weightDecay);
        return next(math, s, math.mul(slope, slope));
      },
    },
    corrected: [],
    step: (math, p, g, [s], rate) =>
      math.sub(p, math.div(math.mul(decayed(math, g, p, weightDecay), rate), math.add(math.sqrt(s), epsilon))),
  };
}

/** Divides by the root of the sum of past squares (Duchi et al. 2011); ε is 1e-10 if absent. */
export const adagrad = ({ epsilon = 1e-10, weightDecay = 0 }: ScaledSettings): Descent =>
  scaled('adagrad', epsilon, weightDecay, (math, s, square) => math.add(s, square));

export interface RmsPropSettings extends ScaledSettings {
  /** Share of the running mean that stays from step to step; 0.99 if absent. */
  readonly alpha?: number;
}

/** Divides by the root of the running mean of squares (Tieleman and Hinton 2012); ε is 1e-8 if absent. */
export function rmsProp({ epsilon = 1e-8, weightDecay = 0, alpha = 0.99 }: RmsPropSettings): Descent {
  checkSetting('rmsProp', 'alpha', alpha, 0, 1);
  return scaled(`rmsProp ${alpha}`, epsilon, weightDecay, (math, s, square) => math.add(math.mul(s, alpha), math.mul(square, 1 - alpha)));
}
