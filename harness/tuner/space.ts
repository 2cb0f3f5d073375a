// A search space: the configurations of a kernel's tunables that are valid for a problem on a device, each known by its index.
//
// Configurations are kept as one number each (`enumerate.ts`), ascending, so that a space of 100,000 takes less than a megabyte, an index is a place in that
// list, and a look-up is a binary search. Strategies work on indices; whoever measures sees configurations.

import type { Scope } from '../../kernels/constraint.ts';
import type { TunableSpace, Tunables } from '../../kernels/kernel.ts';
import { type Numbering, numbering, validCodes } from './enumerate.ts';

/** One choice of a value for every tunable. */
export type Configuration = Tunables;

/** What makes a space: tunables with their values, constraints as text, and the names that are fixed: limits and facts. */
export interface SpaceSource {
  readonly tunables: TunableSpace;
  readonly constraints?: readonly string[];
  readonly constants?: Scope;
}

export class Space {
  readonly tunables: TunableSpace;
  readonly constraints: readonly string[];
  readonly constants: Scope;
  readonly names: readonly string[];
  /** The values of each tunable in ascending order: what ranks count. */
  readonly values: readonly (readonly number[])[];
  /** Combinations before constraints. */
  readonly rawSize: number;
  readonly #strides: readonly number[];
  readonly #codes: Float64Array;

  /**
   * The configurations that meet the constraints; or, where `codes` are given, exactly those. Throws a RangeError or a SyntaxError where a constraint makes
   * no sense.
   */
  constructor(source: SpaceSource, numbers: Numbering = numbering(source.tunables), codes: Float64Array = validCodesOf(source, numbers)) {
    const { tunables, constraints = [], constants = {} } = source;
    this.tunables = tunables;
    this.constraints = constraints;
    this.constants = constants;
    this.names = numbers.names;
    this.values = numbers.values;
    this.rawSize = numbers.rawSize;
    this.#strides = numbers.strides;
    this.#codes = codes;
  }

  /** Exactly the given configurations, whatever made them valid: what a recording holds. Throws a RangeError for values that the tunables lack. */
  static of(tunables: TunableSpace, configurations: Iterable<Configuration>): Space {
    const numbers = numbering(tunables);
    const codes = Float64Array.from(new Set(Array.from(configurations, (configuration) => knownCode(numbers, configuration)))).sort();
    return new Space({ tunables }, numbers, codes);
  }

  /** Valid configurations. */
  get size(): number {
    return this.#codes.length;
  }

  /** The configuration at an index in 0 .. size - 1. */
  at(index: number): Configuration {
    return Object.fromEntries(this.names.map((name, i) => [name, this.values[i][this.rank(index, i)]]));
  }

  /** Which of its ascending values tunable `i` has in the configuration at `index`. */
  rank(index: number, i: number): number {
    return Math.floor(this.#codes[index] / this.#strides[i]) % this.values[i].length;
  }

  /** The index of a configuration, or -1 where it is not valid here. Names beyond the space's own make it invalid. */
  indexOf(configuration: Configuration): number {
    if (Object.keys(configuration).length !== this.names.length) return -1;
    const code = codeOf(this, this.#strides, configuration);
    return code === undefined ? -1 : this.#find(code);
  }

  contains(configuration: Configuration): boolean {
    return this.indexOf(configuration) >= 0;
  }

  /** Indices of the configurations that differ in one tunable: by a step to the next valid value either way (`adjacent`), or to any value (`any`). */
  neighbours(index: number, reach: 'adjacent' | 'any'): number[] {
    const found: number[] = [];
    for (let i = 0; i < this.names.length; i++) {
      const [here, stride] = [this.rank(index, i), this.#strides[i]];
      const step = (direction: 1 | -1) => {
        for (let rank = here + direction; rank >= 0 && rank < this.values[i].length; rank += direction) {
          const other = this.#find(this.#codes[index] + (rank - here) * stride);
          if (other < 0) continue;
          found.push(other);
          if (reach === 'adjacent') return;
        }
      };
      step(-1);
      step(1);
    }
    return found;
  }

  /** The index with the given ranks, or -1. */
  indexOfRanks(ranks: ArrayLike<number>): number {
    let code = 0;
    for (let i = 0; i < this.names.length; i++) code += ranks[i] * this.#strides[i];
    return this.#find(code);
  }

  /** `count` different indices at random; all of them, in random order, where there are no more. */
  sample(count: number, random: () => number): number[] {
    const wanted = Math.min(count, this.size);
    // Floyd 1987: each step adds one index that was not drawn before; the order is then shuffled.
    const drawn = new Set<number>();
    for (let top = this.size - wanted; top < this.size; top++) {
      const index = Math.floor(random() * (top + 1));
      drawn.add(drawn.has(index) ? top : index);
    }
    const order = [...drawn];
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }

  *[Symbol.iterator](): Generator<Configuration> {
    for (let index = 0; index < this.size; index++) yield this.at(index);
  }

  #find(code: number): number {
    let [low, high] = [0, this.#codes.length - 1];
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (this.#codes[middle] === code) return middle;
      if (this.#codes[middle] < code) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }
}

const validCodesOf = ({ constraints = [], constants = {} }: SpaceSource, numbers: Numbering): Float64Array =>
  validCodes(numbers, constraints, constants);

function codeOf({ names, values }: Pick<Numbering, 'names' | 'values'>, strides: readonly number[], configuration: Configuration) {
  let code = 0;
  for (const [i, name] of names.entries()) {
    const rank = values[i].indexOf(configuration[name]);
    if (rank < 0) return undefined;
    code += rank * strides[i];
  }
  return code;
}

function knownCode(numbers: Numbering, configuration: Configuration): number {
  const code = codeOf(numbers, numbers.strides, configuration);
  if (code !== undefined) return code;
  const name = numbers.names.find((each, i) => !numbers.values[i].includes(configuration[each]));
  throw new RangeError(`${name} is ${configuration[name!]}, expected one of ${numbers.values[numbers.names.indexOf(name!)].join(', ')}`);
}
