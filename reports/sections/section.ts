// A section of the page: a heading, what it says, and figures. One file a kind of section beside this one; results-page.ts puts them in order.

import { type Figure, figureMarkup } from '../page.ts';
import { xml } from '../xml.ts';

export interface Section {
  /** Names it in links. */
  readonly id: string;
  readonly title: string;
  /** Markup before the figures. */
  readonly lead?: string;
  readonly figures?: readonly Figure[];
  /** Figures go one below the other, each as wide as the page. */
  readonly wide?: boolean;
}

/** Figures of a section at most: a page with hundreds of charts is read by nobody. */
export const MOST_FIGURES = 60;

/** So many of a list, and a sentence about the others. */
export function firstOf<T>(all: readonly T[], what: string, file: string): { shown: readonly T[]; lead?: string } {
  if (all.length <= MOST_FIGURES) return { shown: all };
  const lead = `<p class="note">The first ${MOST_FIGURES} of ${all.length} ${what}; all of them are in ${xml(file)}.</p>`;
  return { shown: all.slice(0, MOST_FIGURES), lead };
}

export function sectionMarkup({ id, title, lead = '', figures = [], wide = false }: Section): string {
  const drawn = figures.length > 0 ? `<div class="${wide ? 'stack' : 'charts'}">\n${figures.map(figureMarkup).join('\n')}\n</div>` : '';
  return `<section id="${xml(id)}"><h2>${xml(title)}</h2>\n${lead}${drawn}</section>`;
}
