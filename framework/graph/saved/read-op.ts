// Ops as a file states them: looked up in the op table, their operands and attributes checked, then applied as in a program.

import {
  constant as constantOf,
  type Expression,
  apply as form,
  input,
  type Operation,
  type ValueType,
} from '../../../kernels/expression.ts';
import { operandExtents, valueTypeOf } from '../../../kernels/index.ts';
import { excerpt, FormatError } from '../../formats/array.ts';
import { layoutOf } from '../../layout.ts';
import { type Attributes, apply, type Lowering, type Op, type Operand } from '../../op.ts';
import { sizeOf } from '../../shape.ts';
import { updateOp } from '../../update.ts';
import { GraphNode } from '../node.ts';
import { checked, checkedSpec, isRecord, type Json, listOf, numberIn, recordOf, shown } from './json.ts';
import type { NodeList } from './node-list.ts';
import { opTable, type Signature } from './op-table.ts';

function operandsOf(who: string, stated: Json, list: NodeList, takesNumbers: boolean): Operand<GraphNode>[] {
  return listOf(`${who}: operands`, stated.operands).map((operand) => {
    if (!isRecord(operand)) return list.node(who, operand);
    if (!takesNumbers) throw new FormatError(`${who}: has the operand ${shown(operand)}, expected the number of a node`);
    return numberIn(`${who}: number`, operand.number);
  });
}

/** Attributes with nothing in them but what the op knows. */
function attributesOf(who: string, stated: unknown, checks: Signature['attributes']): Attributes {
  const given = recordOf(`${who}: attributes`, stated);
  const odd = Object.keys(given).find((name) => !Object.hasOwn(checks, name));
  if (odd !== undefined)
    throw new FormatError(`${who}: has the attribute ${excerpt(odd)}, expected ${Object.keys(checks).join(', ') || 'none'}`);
  const entries = Object.entries(checks).filter(([name, { isOptional }]) => !(isOptional && given[name] === undefined));
  return Object.fromEntries(
    entries.map(([name, { text, isMet }]) => {
      const value = text === 'a number' ? numberIn(`${who}: ${name}`, given[name]) : given[name];
      if (!isMet(value)) throw new FormatError(`${who}: ${name} is ${shown(given[name])}, expected ${text}`);
      return [name, value];
    }),
  );
}

/** An op applied, as it would be in a program, and lowered once, so that what no kernel can be asked is found now. */
function applied(who: string, op: Op, operands: readonly Operand<GraphNode>[], attributes: Attributes): GraphNode {
  return checked(who, () => {
    const node = operands.some((operand) => typeof operand !== 'number')
      ? apply<GraphNode>(op, operands, attributes)
      : new GraphNode(op.infer([], attributes), { kind: 'op', op, operands: [], attributes });
    checkedSpec(who, node);
    const inputs = operands.map((operand) => (typeof operand === 'number' ? operand : layoutOf(operand)));
    const [first] = inputs;
    if (!(typeof first === 'object' && op.view?.(first, node, attributes))) checkReads(op.lower(inputs, node, attributes), operands);
    return node;
  });
}

/** Throws a RangeError where a kernel would read beyond the end of an operand, as that of a gradient whose stated shape is wrong. */
function checkReads({ steps }: Lowering, operands: readonly Operand<GraphNode>[]): void {
  for (const { problem, bind } of steps) {
    const extents = operandExtents(problem);
    for (const [name, index] of Object.entries(bind)) {
      const operand = operands[index];
      if (typeof operand === 'object' && extents[name].elements > sizeOf(operand.shape))
        throw new RangeError(`operand ${index} is ${operand}, but ${extents[name].elements} elements of it are read`);
    }
  }
}

/** An op of the table. */
export function opNode(who: string, stated: Json, list: NodeList): GraphNode {
  const signature = typeof stated.op === 'string' ? opTable.get(stated.op) : undefined;
  if (!signature) throw new FormatError(`${who}: there is no op ${shown(stated.op)} in this release`);
  const {
    op,
    operands: [least, most],
    takesNumbers,
    attributes,
  } = signature;
  const operands = operandsOf(who, stated, list, takesNumbers);
  if (operands.length < least || operands.length > most || (least > 0 && operands.every((operand) => typeof operand === 'number')))
    throw new FormatError(
      `${who}: has ${operands.length} operands, expected ${least === most ? least : `${least} to ${most}`}, one of them a node`,
    );
  return applied(who, op, operands, attributesOf(who, stated.attributes, attributes));
}

const TYPES: readonly unknown[] = ['f32', 'i32', 'bool'];

/** The expression of an update rule, whose steps refer to steps before them. */
function expressionOf(who: string, stated: unknown, operands: readonly GraphNode[]): Expression {
  const steps: Expression[] = [];
  for (const each of listOf(`${who}: rule`, stated)) {
    const step = recordOf(`${who}: step ${steps.length} of its rule`, each);
    steps.push(checked(`${who}: step ${steps.length} of its rule`, () => stepOf(step, steps, operands)));
  }
  const last = steps.at(-1);
  if (!last || steps.length > 1000) throw new FormatError(`${who}: its rule has ${steps.length} steps, expected 1 to 1000`);
  return last;
}

function stepOf({ kind, type, operands, value }: Json, steps: readonly Expression[], inputs: readonly GraphNode[]): Expression {
  if (kind === 'input') {
    const node = Number.isSafeInteger(value) ? inputs[value as number] : undefined;
    if (!node) throw new RangeError(`reads operand ${shown(value)}, expected one of ${inputs.length}`);
    return input(value as number, valueTypeOf(node.dtype));
  }
  if (kind === 'constant' && TYPES.includes(type)) return constantOf(numberIn('value', value), type as ValueType);
  const read = Array.isArray(operands) ? operands.map((place) => (Number.isSafeInteger(place) ? steps[place] : undefined)) : [];
  if (read.length === 0 || read.includes(undefined))
    throw new RangeError(`is ${shown(kind)} of ${shown(operands)}, expected an operation of steps before it`);
  return form(kind as Operation, ...(read as Expression[]));
}

/** An update rule. */
export function ruleNode(who: string, stated: Json, list: NodeList): GraphNode {
  const operands = operandsOf(who, stated, list, false) as GraphNode[];
  if (operands.length === 0) throw new FormatError(`${who}: has no operands, expected the variable that it gives the next value of`);
  const expression = expressionOf(who, stated.rule, operands);
  return applied(who, updateOp(JSON.stringify(stated.rule), () => expression).updated, operands, {});
}
