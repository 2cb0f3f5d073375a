// SVG as text: elements with escaped attributes, and a document whose colours follow the reader's light or dark setting.
//
// Colours are classes, so that a chart looks right alone in a file and inside of a page; the page and the file carry the same style.

import { xml } from '../xml.ts';

export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Coordinates to a tenth of a unit: a pixel of a dense screen. */
const written = (value: string | number): string => (typeof value === 'number' ? String(Number(value.toFixed(2))) : xml(value));

/** An element; children are markup already. */
export function el(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const given = Object.entries(attributes).filter(([, value]) => value !== undefined);
  const text = given.map(([key, value]) => ` ${key}="${written(value!)}"`).join('');
  return children.length > 0 ? `<${name}${text}>${children.join('')}</${name}>` : `<${name}${text}/>`;
}

export const text = (x: number, y: number, words: string, attributes: Attributes = {}): string =>
  el('text', { x, y, ...attributes }, xml(words));

/** A label of at most so many characters; what is cut is cut from its middle, where names say least. */
export function shortened(words: string, letters: number): string {
  if (words.length <= letters) return words;
  const tail = Math.floor((letters - 1) / 2);
  return `${words.slice(0, letters - 1 - tail)}…${words.slice(words.length - tail)}`;
}

/** What is shown where the pointer rests. */
export const hint = (words: string): string => el('title', {}, xml(words));

/** Colours of the page and of series, by class; after Okabe and Ito, who chose them to be told apart by everybody. */
export const STYLE = `
:root { --paper: #ffffff; --ink: #1b1f24; --muted: #5c6672; --line: #d7dce1; --heat: #085377;
  --good: #00794f; --bad: #b3261e;
  --series0: #0072b2; --series1: #d55e00; --series2: #009e73; --series3: #cc79a7; --series4: #8a6d00; --series5: #56707f; }
@media screen and (prefers-color-scheme: dark) {
  :root { --paper: #14181d; --ink: #e6eaee; --muted: #9aa5b1; --line: #333b44; --heat: #5cc3f0;
    --good: #3ccf9f; --bad: #ff8a80;
    --series0: #4db2f0; --series1: #ff8a4c; --series2: #3ccf9f; --series3: #f0a3cc; --series4: #e0c04a; --series5: #9fb6c4; }
}
.chart { font: 12px system-ui, sans-serif; }
.chart text { fill: var(--ink); }
.chart .muted { fill: var(--muted); }
.chart .on-heat { fill: var(--paper); }
.chart .grid { stroke: var(--line); stroke-width: 1; fill: none; }
.chart .axis { stroke: var(--muted); stroke-width: 1; fill: none; }
.chart .heat { fill: var(--heat); }
.chart .band { fill: var(--muted); fill-opacity: 0.12; }
.chart .quiet { fill: var(--muted); fill-opacity: 0.25; }
.chart .box { fill: none; stroke: var(--ink); stroke-width: 1; }
.chart .good { fill: var(--good); stroke: var(--good); } .chart .bad { fill: var(--bad); stroke: var(--bad); } .chart .plain { fill: var(--muted); stroke: var(--muted); }
.chart text.good, .chart text.bad, .chart text.plain { stroke: none; }
.chart text.good { fill: var(--good); } .chart text.bad { fill: var(--bad); } .chart text.plain { fill: var(--muted); }
.chart text.halo { paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; }
.chart .dots { fill: none; stroke-linecap: round; stroke-width: 4.5; stroke-opacity: 0.3; }
.chart .empty { fill: none; stroke: var(--line); stroke-dasharray: 2 2; }
${[0, 1, 2, 3, 4, 5].map((i) => `.chart .fill${i} { fill: var(--series${i}); } .chart .stroke${i} { stroke: var(--series${i}); fill: none; }`).join('\n')}
`;

export const SERIES = 6;

/** A chart of a fixed shape that is drawn as wide as there is room. */
export interface Chart {
  readonly title: string;
  readonly width: number;
  readonly height: number;
  readonly body: string;
}

/** The chart as an element of a page that carries STYLE; `description` is for those who do not see it. */
export const inline = ({ title, width, height, body }: Chart, description = ''): string =>
  el(
    'svg',
    { class: 'chart', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': title },
    hint(title),
    description === '' ? '' : el('desc', {}, xml(description)),
    body,
  );

/** The chart as a file of its own. */
export function svgFile({ title, width, height, body }: Chart): string {
  const paper = el('rect', { width, height, style: 'fill: var(--paper)' });
  const attributes = { xmlns: 'http://www.w3.org/2000/svg', class: 'chart', viewBox: `0 0 ${width} ${height}`, width, height };
  return `${el('svg', attributes, hint(title), el('style', {}, STYLE), paper, body)}\n`;
}
