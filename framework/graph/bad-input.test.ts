import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openDevice } from '../../kernels/index.ts';
import { tensor } from '../create.ts';
import { devicesForTests, leavesNothing } from '../each-device.ts';
import { conv2d } from '../ops/conv.ts';
import { matmul } from '../ops/matmul.ts';
import { maxPool2d } from '../ops/pool.ts';
import { argmax, sum } from '../ops/reduce.ts';
import { refuses, rejection } from '../refuses.ts';
import { cond, whileLoop } from './flow.ts';
import { gradients } from './gradients.ts';
import { assign, constant, type GraphNode, group, placeholder, variable } from './node.ts';
import { GradientDescent } from './optimizer.ts';
import { Session } from './session.ts';

// What a user gets wrong in the static style: each error names the op, the node, the shapes and the remedy.

test('shapes and dtypes that do not fit are refused where they are written', () => {
  const [x, w, v] = [placeholder([2, 3], 'f32', 'x'), variable([[1, 2]], 'w'), variable([1, 2], 'v')];
  refuses(() => matmul(x, w), 'matmul: f32[2,3] by f32[1,2]: rows have 3 elements, columns 1; expected [.., M, K] by [.., K, N]');
  refuses(() => x.add(v), 'add: shapes [2,3] and [2] do not broadcast: axis 1 has 3 and 2');
  refuses(
    () => conv2d(placeholder([1, 3, 32, 32]), placeholder([8, 4, 3, 3])),
    'conv2d: input has 3 channels but the filter expects 4 (input [1,3,32,32], filter [8,4,3,3]); check NCHW order.',
  );
  refuses(() => x.add(x.cast('i32')), 'add: operands are f32 and i32, expected one dtype; cast one of them');
  refuses(() => placeholder([2], 'f64' as never), 'placeholder: dtype is f64, expected one of f32, f16, i32, u8, bool');
  refuses(() => placeholder([2, 0]), 'placeholder: shape [2,0] has the size 0, expected whole numbers from 1');
  refuses(() => variable([[1, 2], [3]]), 'variable: list 0 has the shape [2] but list 1 has [1]; expected equal lengths');
  refuses(() => variable([1, 2, 3], 'v', { shape: [2] }), 'variable: 3 elements do not fill the shape [2], which has 2');
});

test('assignments that cannot be are refused where they are written', () => {
  const [x, v] = [placeholder([2, 3], 'f32', 'x'), variable([1, 2], 'v')];
  refuses(() => assign(x, v), 'assign: x f32[2,3] is no variable; only what variable(..) made can be assigned');
  refuses(() => assign(v, x), 'assign: cannot put x f32[2,3] into v f32[2]; expected the same shape and dtype');
  const next = sum(assign(v, v.sub(1)));
  refuses(() => gradients(next, [v]), /gradients: assign_\d+ f32\[2\] is not differentiable; wrap it in stopGradient/);
});

test('gradients that are not there are refused where they are asked for', () => {
  const x = placeholder([1, 1, 4, 4], 'f32', 'x');
  const [slope] = gradients(sum(maxPool2d(x, 2)), [x]);
  refuses(
    () => gradients(sum(slope), [x]),
    /gradients: maxPool2dGrad_\d+ f32\[1,1,4,4\] is not differentiable; wrap it in stopGradient\(..\), or use another op/,
  );
  refuses(
    () => gradients(sum(argmax(x, 1)), [x]),
    /gradients: sum_\d+ i32\[\] does not depend on x f32\[1,1,4,4\] by ops that have a gradient/,
  );
  refuses(() => gradients(x, [x]), 'gradients: x f32[1,1,4,4] has 16 elements, expected one; take its sum or mean first');
  refuses(
    () => new GradientDescent({ rate: 1 }).minimize(sum(x)),
    /minimize: sum_\d+ f32\[\] depends on no f32 variable; make its weights with variable/,
  );
});

const devices = await devicesForTests();
for (const device of devices) {
  test.after(() => device.close());
  const on = device.kind;

  test(`${on}: feeds missing, wrong or for something else`, () =>
    leavesNothing(device, async () => {
      await using session = new Session({ device });
      const [x, v] = [placeholder([2, 3], 'f32', 'x'), variable([1], 'v')];
      const y = x.add(v);
      const fed = (...feeds: (readonly [GraphNode, unknown])[]) => rejection(session.run(y, feeds as never));
      assert.is(
        await fed(),
        `TypeError: run: placeholder x f32[2,3] is needed by ${y.name} but was not fed; add [node, f32[2,3]] to the feeds`,
      );
      assert.is(await fed([x, [[1, 2]]]), 'RangeError: run: placeholder x f32[2,3] was fed lists of shape [1,2], expected its own');
      assert.is(
        await fed([x, new Float32Array(5)]),
        'RangeError: run: placeholder x f32[2,3]: 5 elements do not fill the shape [2,3], which has 6',
      );
      assert.is(
        await fed([x, 'text']),
        'TypeError: run: placeholder x f32[2,3]: cannot take string, expected numbers, lists of them, or a typed array',
      );
      assert.is(await fed([v, [1]]), 'TypeError: run: cannot feed v f32[1]: it is a variable; only what placeholder(..) made is fed');
      assert.match(
        await fed([y, 1]),
        /^TypeError: run: cannot feed add_\d+ f32\[2,3\]: it is computed; only what placeholder\(..\) made is fed/,
      );
      assert.is(await fed(['x' as never, 1]), 'TypeError: run: a feed is for x, expected a placeholder');
      await session.run(y, [[x, new Float32Array(6)]]);
    }));

  test(`${on}: a variable that two fetches assign`, () =>
    leavesNothing(device, async () => {
      await using session = new Session({ device });
      const v = variable([1], 'v');
      const twice = [assign(v, constant([1])), assign(v, constant([2]))];
      assert.match(
        await rejection(session.run(twice)),
        /^TypeError: run: assign_\d+ f32\[1\] and assign_\d+ f32\[1\] both assign v f32\[1\]; fetch one of them a run/,
      );
    }));

  test(`${on}: fetches that are no nodes, or exist only inside of a loop or branch`, () =>
    leavesNothing(device, async () => {
      await using session = new Session({ device });
      const inside: GraphNode[] = [];
      const kept = (node: GraphNode) => {
        inside.push(node);
        return node;
      };
      whileLoop(
        (y) => y.lt(3),
        (y) => kept(y.add(1)),
        constant(0),
      );
      assert.match(
        await rejection(session.run(inside[0])),
        /^TypeError: run: parameter_\d+ f32\[\] exists only inside of a loop or branch; fetch a result of the cond\(..\) or whileLoop\(..\) instead/,
      );
      assert.is(
        await rejection(session.run({} as GraphNode)),
        'TypeError: run: fetch 0 is [object Object], expected a node of a graph or a group of them',
      );
      assert.is(
        await rejection(session.run([constant(1), undefined as never])),
        'TypeError: run: fetch 1 is undefined, expected a node of a graph or a group of them',
      );
      refuses(
        () =>
          cond(
            constant(1),
            () => constant(1),
            () => constant(2),
          ),
        /cond: the predicate is constant_\d+ f32\[\], expected one bool/,
      );
    }));

  test(`${on}: tensors among nodes, disposed of, or of another device`, () =>
    leavesNothing(device, async () => {
      await using session = new Session({ device });
      const [gone, view] = [
        tensor([1, 2], { device }),
        tensor(
          [
            [1, 2],
            [3, 4],
          ],
          { device },
        ).transpose(),
      ];
      const held = constant(gone, 'gone').mul(2);
      gone.dispose();
      assert.is(
        await rejection(session.run(held)),
        'ReferenceError: session: gone f32[2] is a tensor that was disposed; dispose of it when no session needs it any more',
      );
      refuses(() => variable(view), 'variable: f32[2,2] is a view; give the tensor itself, or a clone()');
      refuses(
        () => placeholder([2]).add(view as never),
        'add: f32[2,2] is a tensor, but the other operands are nodes of a graph; read it into a constant, or feed it',
      );
      const other = await openDevice('cpu', { threads: 1 });
      const far = tensor([1], { device: other });
      assert.is(
        await rejection(session.run(variable(far, 'far'))),
        `DeviceError: session: far f32[1] is a tensor on cpu, the session runs on ${on}; move it with to(..)`,
      );
      far.dispose();
      await other.close();
    }));

  test(`${on}: a session that is closed`, () =>
    leavesNothing(device, async () => {
      const session = new Session({ device });
      const v = variable([1], 'v');
      refuses(() => session.report(), 'report: the session has run nothing yet; call it after run(..)');
      await session.run(v);
      await session.close();
      await session.close();
      for (const use of [session.run(v), session.prepare(v)])
        assert.is(await rejection(use), 'Error: session: it was closed, and its variables are gone; make another one');
    }));

  test(`${on}: a NaN is traced to the node that made it, when asked for`, () =>
    leavesNothing(device, async () => {
      const x = placeholder([3], 'f32', 'x');
      const root = x.sqrt();
      const loss = sum(root.mul(2));
      await using plain = new Session({ device });
      assert.ok(Number.isNaN(await plain.run(loss, [[x, [4, 1, -1]]])));
      await using session = new Session({ device, detectAnomaly: true });
      assert.is(await session.run(loss, [[x, [4, 1, 0]]]), 6);
      assert.match(
        await rejection(session.run(loss, [[x, [4, 1, -1]]])),
        /^RangeError: detectAnomaly: sqrt_\d+ f32\[3\], sqrt\(x f32\[3\]\), has a NaN at element 2; look for a logarithm or root/,
      );
      assert.match(
        await rejection(session.run(group(loss), [[x, [Number.NaN, 1, 1]]])),
        /detectAnomaly: x f32\[3\], a placeholder, has a NaN at element 0/,
      );
      const loop = whileLoop(
        (y) => y.lt(3),
        (y) => y.div(y).sub(1),
        constant(0),
      );
      assert.match(await rejection(session.run(loop)), /detectAnomaly: while_\d+ f32\[\], result 0 of a while, has a NaN at element 0/);
    }));
}

test.run();
