// An expression says what happens to each element: an immutable tree over inputs, run-time scalars and constants, that becomes one generated kernel.
//
// A tree may share branches. `stepsOf` lists every distinct branch once, operands first: what generators, the reference and the variant key go by.

/** What arithmetic is done in. f16 is loaded as f32, u8 as i32; a bool is true or false. */
export type ValueType = 'f32' | 'i32' | 'bool';

const same = (a: ValueType, b: ValueType) => a === b;
const number = (type: ValueType) => type !== 'bool';
const likeFirst = ([a, b = a]: ValueType[]) => (same(a, b) && number(a) ? a : undefined);
const float = (types: ValueType[]) => (types.every((type) => type === 'f32') ? 'f32' : undefined);
const logical = (types: ValueType[]) => (types.every((type) => type === 'bool') ? 'bool' : undefined);
const equality = ([a, b]: ValueType[]) => (same(a, b) ? 'bool' : undefined);
const order = ([a, b]: ValueType[]) => (same(a, b) && number(a) ? 'bool' : undefined);

/** Operations by name: operand count, result type (undefined where the operand types do not fit), and what they take. */
const OPERATIONS = {
  neg: [1, likeFirst, 'a number'],
  abs: [1, likeFirst, 'a number'],
  exp: [1, float, 'f32'],
  log: [1, float, 'f32'],
  sqrt: [1, float, 'f32'],
  floor: [1, float, 'f32'],
  tanh: [1, float, 'f32'],
  erf: [1, float, 'f32'],
  not: [1, logical, 'bool'],
  f32: [1, () => 'f32', 'anything'],
  i32: [1, () => 'i32', 'anything'],
  bool: [1, () => 'bool', 'anything'],
  add: [2, likeFirst, 'two numbers of one type'],
  sub: [2, likeFirst, 'two numbers of one type'],
  mul: [2, likeFirst, 'two numbers of one type'],
  div: [2, float, 'two f32'],
  pow: [2, float, 'two f32'],
  min: [2, likeFirst, 'two numbers of one type'],
  max: [2, likeFirst, 'two numbers of one type'],
  eq: [2, equality, 'two values of one type'],
  ne: [2, equality, 'two values of one type'],
  lt: [2, order, 'two numbers of one type'],
  le: [2, order, 'two numbers of one type'],
  gt: [2, order, 'two numbers of one type'],
  ge: [2, order, 'two numbers of one type'],
  and: [2, logical, 'two bool'],
  or: [2, logical, 'two bool'],
  where: [3, ([c, a, b]) => (c === 'bool' && same(a, b) ? a : undefined), 'a bool and two values of one type'],
} as const satisfies Record<string, readonly [number, (types: ValueType[]) => ValueType | undefined, string]>;

export type Operation = keyof typeof OPERATIONS;
export type Leaf = 'input' | 'scalar' | 'constant';

export interface Expression {
  readonly kind: Leaf | Operation;
  readonly type: ValueType;
  readonly operands: readonly Expression[];
  /** A constant's value (1 and 0 for true and false), or the number of an input or scalar. */
  readonly value: number;
}

const leaf = (kind: Leaf, type: ValueType, value: number): Expression => ({ kind, type, operands: [], value });

/** Element of input number `index`. */
export const input = (index: number, type: ValueType = 'f32'): Expression => leaf('input', type, index);
/** Run-time f32 number `index`, the same for all elements: what changes from call to call, such as a learning rate. */
export const scalar = (index: number): Expression => leaf('scalar', 'f32', index);
/** A value that is part of the code: f32 is rounded to f32, i32 to 32 bits. */
export function constant(value: number | boolean, type: ValueType = typeof value === 'boolean' ? 'bool' : 'f32'): Expression {
  const stored = type === 'f32' ? Math.fround(Number(value)) : type === 'i32' ? Number(value) | 0 : Number(Boolean(value));
  return leaf('constant', type, stored);
}

/** `operation` of `operands`; plain numbers are constants of the first operand's type. Throws a TypeError where types do not fit. */
export function apply(operation: Operation, ...operands: (Expression | number)[]): Expression {
  const [count, result, expected] = OPERATIONS[operation];
  const type = operands.find((operand) => typeof operand !== 'number' && operand.type !== 'bool') as Expression | undefined;
  const all = operands.map((operand) => (typeof operand === 'number' ? constant(operand, type?.type ?? 'f32') : operand));
  const types = all.map((operand) => operand.type);
  const found = all.length === count ? result(types) : undefined;
  if (!found) throw new TypeError(`expression: ${operation} of (${types.join(', ')}), expected ${expected}; cast by f32, i32 or bool`);
  return { kind: operation, type: found, operands: all, value: 0 };
}

/** max(x, 0); NaN stays NaN. */
export const relu = (x: Expression): Expression => apply('max', x, 0);
/** x where x > 0, else slope · x. */
export const leakyRelu = (x: Expression, slope: number): Expression => apply('where', apply('gt', x, 0), x, apply('mul', x, slope));
/** x between `low` and `high`. */
export const clip = (x: Expression, low: number, high: number): Expression => apply('min', apply('max', x, low), high);
export const square = (x: Expression): Expression => apply('mul', x, x);
export const reciprocal = (x: Expression): Expression => apply('div', 1, x);
/** 1 / (1 + exp(-x)). */
export const sigmoid = (x: Expression): Expression => reciprocal(apply('add', apply('exp', apply('neg', x)), 1));
/** x / 2 · (1 + erf(x / √2)): the exact form (Hendrycks and Gimpel 2016), PyTorch's default. */
export const gelu = (x: Expression): Expression =>
  apply('mul', apply('mul', x, 0.5), apply('add', apply('erf', apply('mul', x, Math.SQRT1_2)), 1));

/** One distinct branch of an expression; operands are numbers of earlier steps. */
export interface Step {
  readonly kind: Leaf | Operation;
  readonly type: ValueType;
  readonly operands: readonly number[];
  readonly operandTypes: readonly ValueType[];
  readonly value: number;
}

const known = new WeakMap<Expression, readonly Step[]>();

/** The distinct branches of an expression in an order to compute them in; the last is the result. */
export function stepsOf(expression: Expression): readonly Step[] {
  const found = known.get(expression);
  if (found) return found;
  const steps: Step[] = [];
  const byText = new Map<string, number>();
  const visited = new Map<Expression, number>();
  const visit = (branch: Expression): number => {
    let number = visited.get(branch);
    if (number !== undefined) return number;
    const operands = branch.operands.map(visit);
    const step = { kind: branch.kind, type: branch.type, operands, operandTypes: operands.map((i) => steps[i].type), value: branch.value };
    const text = textOfStep(step);
    number = byText.get(text) ?? steps.push(step) - 1;
    byText.set(text, number);
    visited.set(branch, number);
    return number;
  };
  visit(expression);
  known.set(expression, steps);
  return steps;
}

const valueText = (value: number): string => (Object.is(value, -0) ? '-0' : `${value}`);
const textOfStep = ({ kind, type, operands, value }: Step): string =>
  kind === 'constant'
    ? `${valueText(value)}:${type}`
    : kind === 'input' || kind === 'scalar'
      ? `${kind}${value}:${type}`
      : `${kind}(${operands.map((i) => `#${i}`).join()})`;

/** The canonical text of an expression: equal for equal code, linear in its distinct branches. */
export const textOf = (expression: Expression): string => stepsOf(expression).map(textOfStep).join(' ');

/** The inputs (or scalars) that an expression names: how many there must be. */
export const countOf = (expression: Expression, kind: 'input' | 'scalar'): number =>
  stepsOf(expression).reduce((count, step) => (step.kind === kind ? Math.max(count, step.value + 1) : count), 0);

/** What an operation is worth in additions, as vector code does it. */
const EXECUTED: Partial<Record<Operation, number>> = { exp: 20, log: 24, tanh: 36, erf: 44, pow: 90, div: 4, sqrt: 4 };

/** Operations per element: each step counted once, and as they are executed. */
export function flopsOf(expression: Expression): { readonly direct: number; readonly executed: number } {
  const operations = stepsOf(expression).filter(({ kind }) => kind in OPERATIONS);
  return {
    direct: operations.length,
    executed: operations.reduce((sum, { kind }) => sum + (EXECUTED[kind as Operation] ?? 1), 0),
  };
}
