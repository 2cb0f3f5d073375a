// Whether the operands, parameters and results of a conditional or loop fit together, as those do that a program builds.

import { sizeOf } from '../../shape.ts';
import type { Control, Subgraph } from '../control.ts';
import { checkAlike } from '../flow.ts';
import type { GraphNode } from '../node.ts';

const SUBGRAPHS = { cond: 2, while: 2, unwind: 1 };

/** Throws where operands, parameters and results of a control do not fit together. */
export function checkControl(control: Control): void {
  const { kind, operands, subgraphs } = control;
  if (subgraphs.length !== SUBGRAPHS[kind]) throw new RangeError(`has ${subgraphs.length} subgraphs, expected ${SUBGRAPHS[kind]}`);
  if (kind === 'cond') checkCond(operands, subgraphs);
  else if (kind === 'while') checkLoop(operands, subgraphs);
  else checkUnwind(operands, subgraphs[0]);
}

function checkPredicate(node: GraphNode | undefined): void {
  if (node?.dtype !== 'bool' || sizeOf(node.shape) !== 1) throw new TypeError('its predicate is not one bool');
}

function checkParameters(subgraphs: readonly Subgraph[], operands: readonly GraphNode[]): void {
  for (const { parameters } of subgraphs) checkAlike('its subgraph', parameters, operands, 'its operands are');
}

function checkCond([predicate, ...captures]: readonly GraphNode[], subgraphs: readonly Subgraph[]): void {
  checkPredicate(predicate);
  checkParameters(subgraphs, captures);
  checkAlike('its second subgraph', subgraphs[1].results, subgraphs[0].results, 'its first');
}

function checkLoop(operands: readonly GraphNode[], subgraphs: readonly Subgraph[]): void {
  const [condition, { results }] = subgraphs;
  if (condition.results.length !== 1) throw new RangeError('its condition has several results, expected one');
  checkPredicate(condition.results[0]);
  checkParameters(subgraphs, operands);
  checkAlike('its body', results, operands.slice(0, results.length), 'it begins with');
}

function checkUnwind([output, ...given]: readonly GraphNode[], { parameters, results }: Subgraph): void {
  const loop = output?.definition.kind === 'output' ? output.definition.of : undefined;
  if (loop?.kind !== 'while') throw new TypeError('its first operand is not an output of a loop');
  const states = loop.subgraphs[1].results;
  const captures = loop.operands.slice(states.length);
  checkAlike('its operands', given.slice(0, captures.length), captures, "its loop's are");
  const moving = parameters.slice(states.length + captures.length);
  checkAlike('its subgraph', parameters.slice(0, states.length + captures.length), [...states, ...captures], "its loop's are");
  checkAlike('its results', results, moving, 'its last parameters are');
  const upstream = given.slice(captures.length);
  checkAlike('its operands', upstream, moving.slice(0, upstream.length), 'its parameters are');
}
