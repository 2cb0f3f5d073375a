// What users get wrong in the eager style: each ends in a typed error that names the op, the shapes and the remedy.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { detectAnomaly } from './anomaly.ts';
import { grad } from './autograd.ts';
import { full, tensor, zeros } from './create.ts';
import { devicesForTests, leavesNothing, sampleValues } from './each-device.ts';
import { BatchNorm2d, Linear, LstmCell, relu, Sequential } from './nn/index.ts';
import { concat, stack } from './ops/assemble.ts';
import { batchNorm, layerNorm } from './ops/norm.ts';
import { add, where } from './ops/pointwise.ts';
import { crossEntropy, mseLoss } from './ops/softmax.ts';
import { Sgd } from './optim/index.ts';
import { scope } from './scope.ts';
import { sizeOf } from './shape.ts';
import type { Tensor } from './tensor.ts';
import { assign } from './update.ts';

/** The error that work ends in, as `TypeError: what it says`. */
async function errorOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  return 'nothing was thrown';
}

const says = async (work: () => unknown, expected: string | RegExp) => {
  const said = await errorOf(work);
  if (typeof expected === 'string') assert.is(said, expected);
  else assert.match(said, expected);
};

const devices = await devicesForTests();
for (const device of devices) {
  test.after(() => device.close());
  const on = device.kind;
  const make = (...shape: number[]) => tensor(sampleValues(sizeOf(shape), 1), { device, shape });

  test(`${on}: shapes that do not fit are named with their op`, () =>
    leavesNothing(device, async () => {
      const cases: [work: () => unknown, expected: string | RegExp][] = [
        [() => make(2, 3).add(make(2)), 'RangeError: add: shapes [2,3] and [2] do not broadcast: axis 1 has 3 and 2'],
        [() => where(make(2).gt(0), make(3), 0), 'RangeError: where: shapes [2] and [3] do not broadcast: axis 0 has 2 and 3'],
        [() => make(2, 3).matmul(make(2, 3)), /^RangeError: matmul: f32\[2,3\] by f32\[2,3\]: rows have 3 elements, columns 2; expected/],
        [() => make(2).matmul(tensor(1, { device })), /^RangeError: matmul: f32\[2\] by f32\[\]: a number has no rows; .* or use mul/],
        [
          () => make(1, 3, 32, 32).conv2d(make(8, 4, 3, 3)),
          'RangeError: conv2d: input has 3 channels but the filter expects 4 (input [1,3,32,32], filter [8,4,3,3]); check NCHW order.',
        ],
        [() => make(1, 1, 2, 2).maxPool2d(3), /^RangeError: .*pool.*window.* 3.*2/i],
        [() => make(2, 3).reshape(4, 2), /^RangeError: reshape: f32\[2,3\] has 6 elements, but \[4,2\] has 8; use -1/],
        [() => make(2, 3).sum(2), 'RangeError: sum: axis is 2, expected a whole number from -2 to 1'],
        [() => concat([make(2, 3), make(2, 2)]), /^RangeError: concat: f32\[2,3\] and f32\[2,2\] do not fit along axis 0; expected/],
        [() => stack([make(2), make(3)]), /^RangeError: concat: f32\[1,2\] and f32\[1,3\] do not fit/],
        [() => layerNorm(make(2, 3), [2]), 'RangeError: layerNorm: f32[2,3] does not end in [2], over which it is normalised'],
        [() => batchNorm(make(1, 2, 2), make(3), make(2)), /^RangeError: /],
        [() => mseLoss(make(2, 3), make(3)), 'RangeError: mseLoss: predictions are f32[2,3] but targets f32[3]; expected equal shapes'],
        [() => crossEntropy(make(2, 3), make(3).cast('i32')), /^RangeError: crossEntropy: .*f32\[2,3\].*f32\[3,3\]; expected equal shapes/],
        [() => make(2, 3).broadcastTo(3), 'RangeError: broadcastTo: f32[2,3] does not broadcast to [3], which has fewer elements'],
        [() => make(2).gather(make(1)), 'TypeError: gather: indices are f32[1], expected i32; cast them'],
        [() => make(2).cast('i32').sqrt(), /^TypeError: sqrt: cannot take \(i32\[2\]\)/],
        [() => make(2).add(make(2).cast('i32')), 'TypeError: add: operands are f32 and i32, expected one dtype; cast one of them'],
        [() => assign(make(2), make(2, 1)), 'RangeError: assign: f32[2] cannot take f32[2,1]; expected the same shape and dtype'],
      ];
      for (const [work, expected] of cases) await says(work, expected);
    }));

  test(`${on}: what was disposed is not used, and says where it went`, () =>
    leavesNothing(device, async () => {
      const gone = (shape: string) =>
        `was disposed, or its scope has ended; return it from the scope, or dispose it later`.replace(/^/, `${shape}, `);
      const [x, y] = [make(2, 2), make(2, 2)];
      y.dispose();
      await says(() => x.add(y), `ReferenceError: add: operand 1, ${gone('f32[2,2]')}`);
      await says(() => x.matmul(y), `ReferenceError: matmul: operand 1, ${gone('f32[2,2]')}`);
      await says(() => y.transpose(), `ReferenceError: transpose: operand 0, ${gone('f32[2,2]')}`);
      await says(() => assign(y, x.add(1)), `ReferenceError: update assign: operand 0, ${gone('f32[2,2]')}`);
      await says(() => y.read(), /^ReferenceError: tensor f32\[2,2\] was disposed/);
      await says(() => y.item(), /^RangeError: item: f32\[2,2\] has 4 elements/);
      await says(() => y.to(device), /^ReferenceError: tensor f32\[2,2\] was disposed/);
      let kept: Tensor | undefined;
      scope(() => {
        kept = x.add(1);
      });
      await says(() => kept!.mul(2), `ReferenceError: mul: operand 0, ${gone('f32[2,2]')}`);
      const net = new Sequential(new Linear(2, 2, { device }), relu());
      net.dispose();
      await says(() => net.forward(x), /^ReferenceError: .*f32\[2,2\], was disposed/);
    }));

  test(`${on}: a gradient through what has none is refused, with the op and its operands`, () =>
    leavesNothing(device, async () => {
      const x = tensor([[0.5, 2]], { device, requiresGrad: true });
      const nothing = 'depends on nothing with requiresGrad';
      await says(
        () => x.gt(1).backward(),
        `TypeError: backward: bool[1,2] ${nothing}, since gradients flow through f32 and f16 only, not through bool`,
      );
      await says(
        () => x.argmax().backward(),
        `TypeError: backward: i32[] ${nothing}, since gradients flow through f32 and f16 only, not through i32`,
      );
      await says(() => x.detach().sum().backward(), `TypeError: backward: f32[] ${nothing}, or was made under noGrad`);
      await says(() => x.cast('i32').cast('f32').sum().backward(), `TypeError: backward: f32[] ${nothing}, or was made under noGrad`);
      await says(
        () => tensor([1, 2], { device, dtype: 'i32', requiresGrad: true }),
        /^TypeError: tensor: requiresGrad needs f32 or f16, got i32/,
      );
      const image = tensor(sampleValues(16, 2), { device, shape: [1, 1, 4, 4], requiresGrad: true });
      await says(() => {
        const [slope] = grad(image.square().maxPool2d(2).sum(), [image], { createGraph: true });
        slope.square().sum().backward();
      }, 'TypeError: backward: maxPool2dGrad(f32[1,1,4,4], f32[1,1,2,2]) is not differentiable; detach() its operands, or use another op');
    }));

  test(`${on}: dtypes that there are not are refused`, () =>
    leavesNothing(device, async () => {
      const list = 'expected one of f32, f16, i32, u8, bool';
      const wrong = 'f64' as 'f32';
      await says(() => tensor([1], { device, dtype: wrong }), `TypeError: tensor: dtype is f64, ${list}`);
      await says(() => zeros([1], { device, dtype: wrong }), `TypeError: full: dtype is f64, ${list}`);
      await says(() => make(1).cast(wrong), `TypeError: cast: dtype is f64, ${list}`);
    }));

  test(`${on}: casts among all dtypes keep what the new one can hold`, () =>
    leavesNothing(device, async () => {
      const values = { f32: [0, 1.75, 200], i32: [0, 1, 200], u8: [0, 1, 200], bool: [0, 1, 1] };
      for (const from of ['f32', 'i32', 'u8', 'bool'] as const)
        for (const to of ['f32', 'i32', 'u8', 'bool'] as const) {
          const result = tensor(values[from], { device, dtype: from }).cast(to);
          const expected = values[from].map((value) => (to === 'bool' ? Number(value !== 0) : to === 'f32' ? value : Math.trunc(value)));
          assert.equal([result.dtype, [...(await result.read())]], [to, expected], `${from} to ${to}`);
        }
    }));
}

const [cpu, webgpu] = devices;

/** NumPy's rule, written as its manual has it: from the last axis on, sizes must be equal, or one of them 1. */
function numpyShape(a: readonly number[], b: readonly number[]): number[] | undefined {
  const shape: number[] = [];
  for (let back = 1; back <= Math.max(a.length, b.length); back++) {
    const [m, n] = [a.at(-back) ?? 1, b.at(-back) ?? 1];
    if (m !== n && m !== 1 && n !== 1) return undefined;
    shape.unshift(Math.max(m, n));
  }
  return shape;
}

test('nothing broadcasts that NumPy would refuse, and all that it would not', () =>
  leavesNothing(cpu, async () => {
    const shapes: number[][] = [[]];
    for (const rank of [1, 2, 3])
      for (let code = 0; code < 3 ** rank; code++)
        shapes.push(Array.from({ length: rank }, (_, axis) => 1 + (Math.floor(code / 3 ** axis) % 3)));
    for (const a of shapes)
      for (const b of shapes) {
        const expected = numpyShape(a, b);
        const outcome = await scope(async () => {
          let sum: Tensor | undefined;
          const said = await errorOf(() => {
            sum = add<Tensor>(full(a, 1, { device: cpu }), full(b, 2, { device: cpu }));
          });
          return sum ? sum.shape : said;
        });
        if (expected) assert.equal(outcome, expected, `[${a}] and [${b}]`);
        else assert.match(`${outcome}`, `RangeError: add: shapes [${a}] and [${b}] do not broadcast`);
      }
  }));

test('NaN in training is found where it arises, and the op named', () =>
  leavesNothing(cpu, async () => {
    using net = new Linear(2, 1, { device: cpu, bias: false });
    using optimizer = new Sgd(net.parameters(), { lr: 1e38 });
    const x = tensor([[1, -2]], { device: cpu });
    const train = () =>
      detectAnomaly(() =>
        scope(() => {
          for (let step = 0; step < 4; step++) {
            optimizer.zeroGrad();
            net.forward(x).square().log().mean().backward();
            optimizer.step();
          }
        }),
      );
    await says(train, /^RangeError: detectAnomaly: op \d+, \w+\(.*\) -> f32\[.*\], made a NaN at element 0; look for .* a rate too high$/);
  }));

if (webgpu)
  test('operands on two devices are named with the way to move them', () =>
    leavesNothing(cpu, () =>
      leavesNothing(webgpu, async () => {
        const [x, y] = [tensor([[1, 2]], { device: cpu, requiresGrad: true }), tensor([[3, 4]], { device: webgpu })];
        const mixed = "operands live on cpu and webgpu, expected one device; move one with await x.to('cpu')";
        await says(() => x.add(y), `DeviceError: add: ${mixed}`);
        await says(() => concat([x, y]), `DeviceError: concat: ${mixed}`);
        await says(() => assign(x, y), `DeviceError: update assign: ${mixed}`);
        await says(() => x.mul(2).backward(y), /^DeviceError: backward: upstream lives on webgpu, the output on cpu/);
        using net = new BatchNorm2d(1, { device: webgpu });
        await says(() => net.forward(x.reshape(1, 1, 1, 2)), /^DeviceError: \w+: operands live on cpu and webgpu/);
        using here = new Linear(2, 1, { device: cpu });
        using there = new Linear(2, 1, { device: webgpu });
        await says(() => here.loadStateDict(there.stateDict()), /^DeviceError: .* live on cpu and webgpu/);
        using cell = new LstmCell(2, 1, { device: cpu });
        await says(() => cell.forward(x, { hidden: y, cell: y }), /^DeviceError: matmul: operands live on webgpu and cpu/);
      }),
    ));

test.run();
