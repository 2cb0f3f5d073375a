// Graphs at random: whatever is built of views, products, sums, updates, branches and loops, rewritten and plain sessions must agree on it, run after run.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Values } from '../../kernels/index.ts';
import { devicesForTests, differs, leavesNothing, sampleValues } from '../each-device.ts';
import * as ops from '../ops/index.ts';
import { cond, whileLoop } from './flow.ts';
import { gradients } from './gradients.ts';
import { assign, constant, type GraphNode, group, placeholder, variable } from './node.ts';
import { REWRITES } from './rewrite.ts';
import { load } from './saved/load.ts';
import { save } from './saved/save.ts';
import { Session } from './session.ts';

const SHAPES = [[4, 4], [3, 4], [4], [1, 4], [4, 1], []];
const BOUND = 1e-4;

/** Whole numbers below a limit, the same for the same seed (a linear congruential generator; Knuth's constants for 32 bits). */
function numbersFrom(seed: number): (limit: number) => number {
  let state = seed * 2654435761;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

interface Graph {
  readonly fetches: readonly GraphNode[];
  readonly updates: readonly GraphNode[];
  readonly x: GraphNode;
  readonly variables: readonly GraphNode[];
}

class Builder {
  readonly #next: (limit: number) => number;
  readonly x = placeholder([4, 4], 'f32', 'x');
  readonly variables: GraphNode[];
  #pool: GraphNode[];

  constructor(seed: number) {
    this.#next = numbersFrom(seed);
    this.variables = SHAPES.slice(0, 3).map((shape, i) =>
      variable(
        sampleValues(
          shape.reduce((a, b) => a * b),
          seed + i,
          -1,
          1,
        ),
        `v${i}`,
        { shape },
      ),
    );
    this.#pool = [this.x, ...this.variables, constant(sampleValues(4, seed), 'c'), constant(0.5, 'half')];
  }

  #any(fits: (node: GraphNode) => boolean = () => true): GraphNode {
    const able = this.#pool.filter(fits);
    return able[this.#next(able.length)];
  }

  /** An op on nodes of the pool; results stay within [-1, 1] or so, that errors do not grow. */
  #op(): GraphNode {
    const square = (node: GraphNode) => `${node.shape}` === '4,4';
    const matrix = (node: GraphNode) => node.shape.length === 2;
    const spread = ({ shape }: GraphNode) => shape.length <= 2 && shape.every((size) => size === 1 || size === 4);
    switch (this.#next(12)) {
      case 0:
        return ops.tanh(this.#any(spread).add(this.#any(square)));
      case 1:
        return this.#any().mul(0.5);
      case 2:
        return ops.sigmoid(
          ops.matmul(
            this.#any((node) => matrix(node) && node.shape[1] === 4),
            this.#any(square),
          ),
        );
      case 3:
        return ops.transpose(this.#any(matrix));
      case 4:
        return ops.mean(this.#any(matrix), this.#next(2), { keepDims: this.#next(2) === 0 });
      case 5:
        return ops.relu(ops.matmul(this.#any(square), this.#any(square)).add(this.#any(({ shape }) => `${shape}` === '4'))).mul(0.2);
      case 6:
        return ops
          .slice(
            this.#any(({ shape }) => shape[0] > 1),
            [0, 3],
          )
          .mean(0);
      case 7:
        return this.#any(square).sub(this.#any(spread)).mul(0.5);
      case 8:
        return ops.where<GraphNode>(this.#any(square).gt(0), this.#any(square), 0.25);
      case 9:
        return this.#branch();
      case 10:
        return this.#loop();
      default:
        return ops.reshape(ops.concat([this.#any(square), this.#any(square)], 0), [2, 4, 4]).mean(0);
    }
  }

  #branch(): GraphNode {
    const [value, other] = [this.#any(({ shape }) => `${shape}` === '4,4'), this.#any(({ shape }) => `${shape}` === '4,4')];
    const factor = (this.#next(10) + 1) / 10;
    return cond(
      ops.mean(value).gt(0.1),
      () => value.mul(factor).add(other).tanh(),
      () => (this.#next(2) ? other : ops.matmul(other, value).mul(0.25)),
    );
  }

  #loop(): GraphNode {
    const square = ({ shape }: GraphNode) => `${shape}` === '4,4';
    const [start, weight, bias] = [this.#any(square), this.#any(square), this.#any(({ shape }) => `${shape}` === '4')];
    return whileLoop(
      (i, y) => i.lt(this.#next(4)).and(ops.mean(y).lt(0.9)),
      (i, y, z) => [i.add(1), ops.tanh(ops.matmul(y, weight).add(bias)), y.add(z).mul(0.5)],
      [constant(0), start, start],
    )[1 + this.#next(2)];
  }

  graph(nodes: number): Graph {
    for (let i = 0; i < nodes; i++) this.#pool.push(this.#op());
    const fetches = [this.#any(), this.#any(), this.#any(), this.#pool[this.#pool.length - 1]];
    const loss = ops.sum(ops.square(fetches[3])).add(ops.sum(this.variables[0].mul(this.x)));
    const [slope] = gradients(loss, [this.variables[0]]);
    const same = (node: GraphNode, at: number) => `${node.shape}` === `${this.variables[at].shape}`;
    const [square, wide] = [0, 1].map((at) => this.variables[at]);
    const updates = [
      this.#next(2)
        ? assign(square, square.sub(slope.mul(0.05)).tanh())
        : assign(
            square,
            square.sub(
              ops
                .matmul(
                  this.#any((node) => same(node, 0)),
                  this.#any((node) => same(node, 0)),
                )
                .mul(0.05),
            ),
          ),
      this.#next(2)
        ? assign(
            wide,
            this.#any((node) => same(node, 1)),
          )
        : assign(
            wide,
            wide.add(
              ops.matmul(
                this.#any((node) => same(node, 1)),
                this.#any((node) => same(node, 0)),
              ),
            ),
          ),
      assign(this.variables[2], this.#any((node) => same(node, 2)).mul(0.5)),
    ];
    return { fetches: [loss, slope, ...fetches], updates: updates.slice(0, 1 + this.#next(3)), x: this.x, variables: this.variables };
  }
}

const list = (value: unknown): ArrayLike<number> => (typeof value === 'number' ? [value] : (value as Values));

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  const seeds = Array.from({ length: device.kind === 'cpu' ? 60 : 4 }, (_, i) => i + 1);
  test(`${device.kind}: rewritten, plain and loaded graphs agree`, async () => {
    let productUpdates = 0;
    for (const seed of seeds) {
      const { fetches, updates, x, variables } = new Builder(seed).graph(24);
      const all = [...fetches, ...variables, group(...updates)];
      const loaded = load(await save(Object.fromEntries([...all, x].map((each, i) => [`${i}`, each]))));
      const inFiles = [...loaded.fetches.values()].slice(0, -1);
      const off = REWRITES[seed % REWRITES.length];
      await leavesNothing(device, async () => {
        await using plain = new Session({ device, rewrites: Object.fromEntries(REWRITES.map((name) => [name, false])) });
        await using rewritten = new Session({ device });
        await using partly = new Session({ device, rewrites: { [off]: false } });
        await using restored = new Session({ device });
        for (let run = 0; run < 3; run++) {
          const values = sampleValues(16, 10 * seed + run, -1, 1);
          const expected = await plain.run(all, [[x, values]]);
          const results = {
            all: await rewritten.run(all, [[x, values]]),
            [`all but ${off}`]: await partly.run(all, [[x, values]]),
            loaded: await restored.run(inFiles, [[loaded.placeholders.get('x')!, values]]),
          };
          for (const [name, found] of Object.entries(results))
            fetches.concat(variables).forEach((_, i) => {
              assert.is(differs(list(found[i]), list(expected[i]), BOUND), undefined, `seed ${seed}, run ${run}, ${name}, fetch ${i}`);
            });
        }
        productUpdates += rewritten.report().rewrites.productUpdates;
      });
    }
    assert.ok(productUpdates > 0, 'no graph has an update by a product');
  });
}

test.run();
