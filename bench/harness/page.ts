/**
 * A result as a page of HTML: one file without scripts, fonts or anything else from a network, light or dark as the
 * reader's system. Pure; the numbers are those of the JSON line, and bars are drawn to them.
 *
 * 1. Rows stand in groups: those before the same `: ` in their names that have the same unit share a plot and its scale.
 * 2. Text of a result is never markup.
 */
import type { BenchResult, Row } from './result.ts';

const escape = (text: string): string =>
  text.replace(/[&<>"']/gu, (character) => `&#${character.codePointAt(0) ?? 0};`);

const STYLE = `
:root { color-scheme: light dark; --bar: #4c78a8; --floor: #9aa5b1; --line: #d0d7de; --soft: #57606a; --good: #1a7f37; --bad: #cf222e; }
@media (prefers-color-scheme: dark) {
  :root { --bar: #6ea8dc; --floor: #6b7684; --line: #3d444d; --soft: #9198a1; --good: #3fb950; --bad: #f85149; }
}
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: .2rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .4rem; }
p, dl, .soft { color: var(--soft); margin: .2rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; } dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .2rem .5rem; text-align: left; } .number { text-align: right; }
svg { display: block; font-size: 12px; height: auto; margin-bottom: .4rem; max-width: 100%; width: 52rem; } text { fill: currentColor; }
.bar { fill: var(--bar); } .bar.floor { fill: var(--floor); } .whisker { stroke: currentColor; } .axis { stroke: var(--line); }
.target { stroke: var(--bad); stroke-width: 2.5; } .target.met { stroke: var(--good); } .halo { stroke: Canvas; stroke-width: 6; }
.met { color: var(--good); } .missed { color: var(--bad); font-weight: 600; }
`;

const number = (value: number, digits = 4): string =>
  value.toLocaleString('en-US', { maximumSignificantDigits: digits });

interface Measured extends Row {
  readonly value: number;
  readonly min: number;
  readonly max: number;
}

const isMeasured = (row: Row): row is Measured => row.value !== null && row.min !== null && row.max !== null;

interface Group {
  readonly title: string;
  readonly unit: string;
  readonly rows: readonly Row[];
}

const titleOf = (name: string): string => (name.includes(': ') ? (name.split(': ', 1)[0] ?? '') : '');
const labelOf = (name: string, title: string): string => (title === '' ? name : name.slice(title.length + 2));

/** In the order of the rows. */
export const groupsOf = (rows: readonly Row[]): Group[] => {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = `${titleOf(row.name)}\n${row.unit}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return [...groups].map(([key, members]) => {
    const [title = '', unit = ''] = key.split('\n');
    return { title, unit, rows: members };
  });
};

/** What a row's value must reach, in the unit of the value; null without a target or without what it refers to. */
const targetValue = (row: Row, byName: ReadonlyMap<string, Row>): number | null => {
  if (row.target === null) return null;
  if (row.targetIs === 'value') return row.target;
  const floor = row.baseline === null ? null : (byName.get(row.baseline)?.value ?? null);
  return floor === null ? null : floor * row.target;
};

const WIDTH = 832;
const LABELS = 250;
const FIGURES = 150;
/** Longer names would leave the drawing; the table has them. */
const LABEL_CHARACTERS_MAX = 38;
const ROW_HEIGHT = 24;
const PLOT = WIDTH - LABELS - FIGURES;

const targetMark = (x: string, at: number, met: boolean): string => {
  const line = (kind: string): string =>
    `<line class="${kind}" x1="${x}" x2="${x}" y1="${at + 1}" y2="${at + ROW_HEIGHT - 1}"/>`;
  return line('halo') + line(met ? 'target met' : 'target');
};

const barOf = (
  row: Measured,
  at: number,
  title: string,
  scale: (value: number) => number,
  target: number | null,
): string => {
  const middle = at + ROW_HEIGHT / 2;
  const [start, low, high, end] = [LABELS, scale(row.min), scale(row.max), scale(row.value)].map((x) => x.toFixed(1));
  const floor = row.baseline === null ? ' floor' : '';
  const whisker = `M${low} ${middle - 4}v8M${low} ${middle}H${high}M${high} ${middle - 4}v8`;
  const ratio = row.ratio === null ? '' : ` (${number(row.ratio, 3)}×)`;
  const mark = target === null ? '' : targetMark(scale(target).toFixed(1), at, row.met === true);
  const label = labelOf(row.name, title);
  const shown = label.length > LABEL_CHARACTERS_MAX ? `${label.slice(0, LABEL_CHARACTERS_MAX - 1)}…` : label;
  return (
    `<g><title>${escape(row.name)}: ${number(row.min)} to ${number(row.max)}</title>` +
    `<text x="${LABELS - 8}" y="${middle + 4}" text-anchor="end">${escape(shown)}</text>` +
    `<rect class="bar${floor}" x="${start}" y="${at + 5}" width="${Math.max(0, Number(end) - LABELS).toFixed(1)}" height="${ROW_HEIGHT - 10}"/>` +
    `<path class="whisker" d="${whisker}"/>${mark}` +
    `<text x="${WIDTH - FIGURES + 8}" y="${middle + 4}">${number(row.value)}${ratio}</text></g>`
  );
};

const plotOf = ({ title, rows, unit }: Group, byName: ReadonlyMap<string, Row>): string => {
  const measured = rows.filter(isMeasured);
  if (measured.length === 0) return '';
  const targets = measured.map((row) => targetValue(row, byName));
  const top = Math.max(...measured.map(({ max }) => max), ...targets.map((target) => target ?? 0), 0) || 1;
  const scale = (value: number): number => LABELS + (Math.max(0, value) / top) * PLOT;
  const height = measured.length * ROW_HEIGHT + 4;
  const bars = measured.map((row, index) => barOf(row, index * ROW_HEIGHT, title, scale, targets[index] ?? null));
  return (
    `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escape(`${title} in ${unit}`)}">` +
    `<line class="axis" x1="${LABELS}" x2="${LABELS}" y1="0" y2="${height}"/>${bars.join('')}</svg>`
  );
};

const targetCell = ({ target, targetIs, met, higherIsBetter }: Row): string => {
  if (target === null) return '';
  const wanted = `${targetIs === 'ratio' ? 'ratio ' : ''}${higherIsBetter ? '≥' : '≤'} ${number(target)}`;
  if (met === null) return wanted;
  return `${wanted}: <span class="${met ? 'met' : 'missed'}">${met ? 'met' : 'missed'}</span>`;
};

const HEAD =
  '<tr><th>row</th><th class="number">median</th><th class="number">min</th><th class="number">max</th><th>unit</th>' +
  '<th class="number">ratio</th><th>to</th><th>target</th></tr>';

const tableRow = (row: Row, title: string): string => {
  const own = (name: string): string => escape(titleOf(name) === title ? labelOf(name, title) : name);
  if (row.skipped !== null) {
    return `<tr class="soft"><td>${own(row.name)}</td><td colspan="7">not measured: ${escape(row.skipped)}</td></tr>`;
  }
  const figure = (value: number | null): string => `<td class="number">${value === null ? '' : number(value)}</td>`;
  const ratio = row.ratio === null ? '' : `${number(row.ratio)}×`;
  return (
    `<tr><td>${own(row.name)}</td>${figure(row.value)}${figure(row.min)}${figure(row.max)}<td>${escape(row.unit)}</td>` +
    `<td class="number">${ratio}</td><td>${own(row.baseline ?? '')}</td><td>${targetCell(row)}</td></tr>`
  );
};

const groupHtml = (group: Group, byName: ReadonlyMap<string, Row>): string => {
  const { title, unit, rows } = group;
  const better = rows[0]?.higherIsBetter === true ? 'more is better' : 'less is better';
  return (
    `<section><h2>${escape(title === '' ? unit : title)}</h2><p>${escape(unit)}; ${better}</p>${plotOf(group, byName)}` +
    `<div class="scroll"><table>${HEAD}${rows.map((row) => tableRow(row, title)).join('')}</table></div></section>`
  );
};

const listOf = (entries: readonly (readonly [string, unknown])[]): string => {
  const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
  return `<dl>${entries.map(([name, value]) => `<dt>${escape(name)}</dt><dd>${escape(text(value))}</dd>`).join('')}</dl>`;
};

const targetsLine = (rows: readonly Row[]): string => {
  const judged = rows.filter((row) => row.met !== null);
  if (judged.length === 0) return '';
  const missed = judged.filter((row) => row.met === false);
  const words = `${judged.length - missed.length} of ${judged.length} targets met`;
  return `<p class="${missed.length === 0 ? 'met' : 'missed'}">${words}${missed.length === 0 ? '' : `; missed: ${escape(missed.map(({ name }) => name).join(', '))}`}</p>`;
};

export const pageOf = (result: BenchResult): string => {
  const { bench, machine, runs, settings, rows } = result;
  const byName = new Map(rows.map((row) => [row.name, row]));
  const title = `bench ${bench}`;
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escape(title)}</title><style>${STYLE}</style></head><body>`,
    `<h1>${escape(title)}</h1>`,
    `<p>${escape(machine.cpu)}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${escape(machine.node)}; ${runs === 1 ? '1 run' : `median of ${runs} runs`}</p>`,
    targetsLine(rows),
    '<p>Bars are medians, whiskers the smallest and the largest repetition, upright lines targets; grey bars have no baseline. ' +
      'Compare ratios, not figures, between machines.</p>',
    ...groupsOf(rows).map((group) => groupHtml(group, byName)),
    `<section><h2>settings</h2>${listOf(Object.entries(settings))}</section>`,
    '</body></html>',
    '',
  ].join('\n');
};
