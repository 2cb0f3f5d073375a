// Curves as SVG: one panel below another, each with its lines over 1, 2, 3, .. and a legend. Ordinates are logarithmic: what is drawn are ratios.

export interface Curve {
  readonly name: string;
  /** Ratios, 1 at best. */
  readonly values: readonly number[];
}

export interface Panel {
  readonly title: string;
  readonly curves: readonly Curve[];
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [640, 260, 56, 120, 28, 36];
const COLOURS = ['#1f77b4', '#d62728', '#2ca02c', '#9467bd', '#ff7f0e', '#8c564b', '#17becf'];
const TICKS = [1, 1.01, 1.03, 1.1, 1.2, 1.5, 2, 3, 5, 10];

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

export function curvesSvg(panels: readonly Panel[], labels: { readonly x: string; readonly y: string }): string {
  const height = HEIGHT * panels.length;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="11">`,
    '<rect width="100%" height="100%" fill="white"/>',
    ...panels.map((panel, i) => `<g transform="translate(0 ${i * HEIGHT})">${panelSvg(panel, labels)}</g>`),
    '</svg>',
    '',
  ].join('\n');
}

function panelSvg({ title, curves }: Panel, labels: { readonly x: string; readonly y: string }): string {
  const longest = Math.max(...curves.map(({ values }) => values.length));
  const top = Math.max(1.05, ...curves.flatMap(({ values }) => values.slice(Math.min(4, values.length - 1))));
  const x = (at: number) => LEFT + ((at - 1) / Math.max(1, longest - 1)) * (WIDTH - LEFT - RIGHT);
  const y = (ratio: number) => HEIGHT - BOTTOM - (Math.log(Math.min(ratio, top)) / Math.log(top)) * (HEIGHT - TOP - BOTTOM);
  const grid = TICKS.filter((tick) => tick <= top).map(
    (tick) =>
      `<path d="M${LEFT} ${y(tick).toFixed(1)}H${WIDTH - RIGHT}" stroke="#ddd"/><text x="${LEFT - 6}" y="${(y(tick) + 4).toFixed(1)}" text-anchor="end">${tick}</text>`,
  );
  const lines = curves.map(({ name, values }, i) => {
    const colour = COLOURS[i % COLOURS.length];
    const path = values.map((value, at) => `${x(at + 1).toFixed(1)} ${y(value).toFixed(1)}`).join('L');
    const legend = `<text x="${WIDTH - RIGHT + 8}" y="${TOP + 14 * (i + 1)}" fill="${colour}">${escaped(name)}</text>`;
    return `<path d="M${path}" fill="none" stroke="${colour}" stroke-width="1.5"/>${legend}`;
  });
  return [
    `<text x="${LEFT}" y="16" font-weight="bold">${escaped(title)}</text>`,
    ...grid,
    ...lines,
    `<text x="${WIDTH - RIGHT}" y="${HEIGHT - 8}" text-anchor="end">${escaped(labels.x)}: 1 to ${longest}</text>`,
    `<text x="14" y="${HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 14 ${HEIGHT / 2})">${escaped(labels.y)}</text>`,
  ].join('');
}
