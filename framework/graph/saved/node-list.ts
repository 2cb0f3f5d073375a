// A list of nodes as it is read: what comes later refers by number to what has been read before.

import { FormatError } from '../../formats/array.ts';
import { type Control, outputsOf } from '../control.ts';
import { GraphNode } from '../node.ts';
import { type Json, shown } from './json.ts';

export class NodeList {
  readonly nodes: (GraphNode | Control)[] = [];
  readonly #who: string;

  constructor(who: string) {
    this.#who = who;
  }

  /** Who the next node is. */
  get next(): string {
    return `${this.#who}: node ${this.nodes.length}`;
  }

  add(node: GraphNode | Control): void {
    this.nodes.push(node);
  }

  #at(who: string, place: unknown): GraphNode | Control {
    const found = Number.isSafeInteger(place) ? this.nodes[place as number] : undefined;
    if (!found)
      throw new FormatError(`${who}: refers to node ${shown(place)}, expected a number below its own: nodes cannot go in circles`);
    return found;
  }

  node(who: string, place: unknown): GraphNode {
    const found = this.#at(who, place);
    if (!(found instanceof GraphNode))
      throw new FormatError(`${who}: refers to node ${place}, a ${found.kind}; expected one of its outputs`);
    return found;
  }

  output(who: string, { of, index }: Json): GraphNode {
    const control = this.#at(who, of);
    if (control instanceof GraphNode) throw new FormatError(`${who}: is an output of ${control}, expected a cond, while or unwind`);
    const outputs = outputsOf(control);
    const found = Number.isSafeInteger(index) ? outputs[index as number] : undefined;
    if (!found) throw new FormatError(`${who}: index is ${shown(index)}, expected a whole number below ${outputs.length}`);
    return found;
  }
}
