/**
 * The view as lines: model, place of the user and size in, lines out. It knows neither colours nor a terminal.
 *
 * Invariant W1: exactly as many lines as the terminal has rows, none wider than its columns, at any size from 1×1.
 */
import { count, plural } from '../render.ts';
import { stateLine, stateTable, STATE_NAMES, titleLines, totalLines } from './header.ts';
import type { Extent } from './asking.ts';
import { askingPage } from './asking-page.ts';
import { STATES, type Step, type Tally, type ViewAgent } from './agents.ts';
import type { SocietyModel } from './model.ts';
import type { Navigation } from './navigation.ts';
import { span, type Line, type Signs, type Span, type Style } from './style.ts';
import { fit, pad, short, widthOf } from './text.ts';
import { windowOf, type TreeRow, type TreeRows } from './tree.ts';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface Scene {
  readonly model: SocietyModel;
  readonly tree: TreeRows;
  readonly navigation: Navigation;
  readonly size: Size;
  readonly signs: Signs;
}

const LEVEL_WORDS = { boss: 'boss', admin: 'admin', ordinary: 'ordinary' } as const;
/** From so many columns on the members and the steps of an agent stand side by side. */
const WIDE_COLUMNS = 120;
const NAME_MIN = 8;
const NAME_MAX = 34;
const BAR_MIN = 6;
const BAR_MAX = 40;

/** Cuts a line to the width, whatever it is made of. */
const fitLine = (line: Line, columns: number, signs: Signs): Line => {
  const kept: Span[] = [];
  let left = columns;
  for (const part of line) {
    if (left <= 0) break;
    const width = widthOf(part.text);
    if (width > left) {
      kept.push(span(fit(part.text, left, signs.cut), part.style));
      break;
    }
    kept.push(part);
    left -= width;
  }
  return kept;
};

/** A group's states as signs: one for each agent when there is room, else in proportion. */
export const bar = (tally: Tally, columns: number, signs: Signs): Span[] => {
  const total = tally.reduce((sum, value) => sum + value, 0);
  if (total === 0 || columns <= 0) return [span(' '.repeat(Math.max(0, columns)))];
  const cells = total <= columns ? [...tally] : proportions(tally, total, columns);
  const spans = STATES.flatMap((state, index) => {
    const length = cells[index] ?? 0;
    return length === 0 ? [] : [span(signs.states[state].repeat(length), state)];
  });
  const used = cells.reduce((sum, value) => sum + value, 0);
  return [...spans, span(' '.repeat(Math.max(0, columns - used)))];
};

/** Rounded shares that add up to `columns`; whatever exists gets a sign while there are enough. */
const proportions = (tally: Tally, total: number, columns: number): number[] => {
  const cells = tally.map((value) => (value === 0 ? 0 : Math.max(1, Math.floor((value * columns) / total))));
  let used = cells.reduce((sum, value) => sum + value, 0);
  // At most one round for each state, upwards or downwards.
  while (used !== columns) {
    const step = used < columns ? 1 : -1;
    const index = widestGap(tally, cells, total / columns, step);
    if (index < 0) break;
    cells[index] = (cells[index] as number) + step;
    used += step;
  }
  return cells;
};

const widestGap = (tally: Tally, cells: readonly number[], perCell: number, step: number): number => {
  let found = -1;
  let widest = Number.NEGATIVE_INFINITY;
  for (const [index, value] of tally.entries()) {
    const cell = cells[index] ?? 0;
    if (value === 0 || (step < 0 && cell === 0)) continue;
    const gap = step * (value / perCell - cell);
    if (gap > widest) {
      widest = gap;
      found = index;
    }
  }
  return found;
};

const closedOf = (tally: Tally): number =>
  STATES.reduce(
    (sum, state, index) =>
      sum + (state === 'finished' || state === 'failed' || state === 'retired' ? (tally[index] ?? 0) : 0),
    0,
  );

const sizeOf = (tally: Tally): number => tally.reduce((sum, value) => sum + value, 0);

interface Entry {
  readonly agent: ViewAgent;
  readonly depth: number;
  readonly folded: number;
}

/** Columns of a list of agents, from what it shows. */
const listColumns = (entries: readonly Entry[], columns: number): { name: number; bar: number; rest: number } => {
  const longest = entries.reduce((most, { agent, depth, folded }) => {
    const width = depth * 2 + widthOf(agent.name) + (folded === 0 ? 0 : 3 + String(folded).length);
    return Math.max(most, width);
  }, NAME_MIN);
  const name = Math.min(longest, NAME_MAX, Math.max(NAME_MIN, Math.floor(columns / 3)));
  const grouped = entries.some(({ agent }) => agent.members.length > 0);
  // Marker, name, sign and word of the state, closed/all.
  const fixed = 2 + name + 1 + 12 + (grouped ? 12 : 0);
  const room = columns - fixed;
  const barColumns = grouped ? Math.max(0, Math.min(BAR_MAX, columns >= WIDE_COLUMNS ? room : room - 1)) : 0;
  const used = barColumns < BAR_MIN ? 0 : barColumns;
  return { name, bar: used, rest: Math.max(0, room - used - 1) };
};

const lastStep = (agent: ViewAgent): string => {
  const step = agent.steps.at(-1);
  return step === undefined
    ? ''
    : `${step.kind === 'tool' || step.kind === 'model' ? `${step.kind} ` : ''}${step.text}`;
};

const agentLine = (
  { agent, depth, folded }: Entry,
  selected: boolean,
  widths: ReturnType<typeof listColumns>,
  signs: Signs,
): Line => {
  const more = folded === 0 ? '' : ` +${folded}`;
  const indent = '  '.repeat(depth);
  const name = `${indent}${fit(agent.name, widths.name - indent.length - more.length, signs.cut)}${more}`;
  const line: Span[] = [
    span(selected ? `${signs.marker} ` : '  ', selected ? 'warning' : 'plain'),
    span(pad(name, widths.name, signs.cut), selected ? 'selected' : agent.level === 'ordinary' ? 'plain' : 'bold'),
    span(` ${signs.states[agent.state]} `, agent.state),
    span(pad(STATE_NAMES[agent.state], 10), agent.state),
  ];
  if (widths.bar > 0) {
    const share = `${short(closedOf(agent.below))}/${short(sizeOf(agent.below))}`;
    line.push(...bar(agent.below, widths.bar, signs));
    line.push(span((agent.members.length === 0 ? '' : share).padStart(11)), span(' '));
  }
  if (widths.rest > 12) line.push(span(' '), span(fit(lastStep(agent), widths.rest - 1, signs.cut), 'dim'));
  return line;
};

/** A list of agents with one of them selected, in a given height. */
const agentList = (
  entries: readonly Entry[],
  selected: number,
  size: Size,
  signs: Signs,
): { lines: Line[]; from: number } => {
  const part = windowOf(entries.length, selected, size.rows);
  const visible = entries.slice(part.from, part.to);
  const widths = listColumns(visible, size.columns);
  const lines = visible.map((entry, index) => agentLine(entry, part.from + index === selected, widths, signs));
  if (part.above > 0) lines.unshift([span(`  ${signs.up} ${count(part.above)} more`, 'dim')]);
  if (part.below > 0) lines.push([span(`  ${signs.down} ${count(part.below)} more`, 'dim')]);
  return { lines, from: part.from };
};

const entryOf = (agent: ViewAgent): Entry => ({ agent, depth: 0, folded: 0 });

const STEP_STYLES: Readonly<Record<Step['kind'], Style>> = {
  model: 'working',
  tool: 'plain',
  sent: 'review',
  got: 'waiting',
  review: 'finished',
  other: 'dim',
};

const stepLine = (step: Step, signs: Signs): Line => {
  const word = {
    model: 'model',
    tool: 'tool',
    sent: `${signs.out} mail`,
    got: `${signs.in} mail`,
    review: 'review',
    other: '',
  };
  return [
    span(`  ${step.time}  `, 'dim'),
    span(pad(word[step.kind], 7), STEP_STYLES[step.kind]),
    span(step.text, step.bad ? 'failed' : 'plain'),
  ];
};

const stepList = (agent: ViewAgent, back: number, rows: number, signs: Signs): Line[] => {
  const to = Math.max(Math.min(rows, agent.steps.length), agent.steps.length - back);
  const lines = agent.steps.slice(Math.max(0, to - rows), to).map((step) => stepLine(step, signs));
  return lines.length === 0 && rows > 0 ? [[span('  nothing yet', 'dim')]] : lines;
};

const rule = (title: string, columns: number, signs: Signs): Line => {
  const label = ` ${title} `;
  return [
    span(signs.rule.repeat(2), 'dim'),
    span(label, 'bold'),
    span(signs.rule.repeat(Math.max(0, columns - 2 - widthOf(label))), 'dim'),
  ];
};

const fill = (lines: readonly Line[], rows: number): Line[] => {
  const kept = lines.slice(0, Math.max(0, rows));
  while (kept.length < rows) kept.push([]);
  return kept;
};

const sideBySide = (
  left: readonly Line[],
  right: readonly Line[],
  leftColumns: number,
  size: Size,
  signs: Signs,
): Line[] =>
  Array.from({ length: size.rows }, (_, index) => {
    const cut = fitLine(left[index] ?? [], leftColumns, signs);
    const used = cut.reduce((sum, part) => sum + widthOf(part.text), 0);
    return [...cut, span(' '.repeat(Math.max(0, leftColumns - used))), ...(right[index] ?? [])];
  });

const agentPage = (scene: Scene, agent: ViewAgent, size: Size): Line[] => {
  const { navigation, signs } = scene;
  const under = agent.supervisor === null ? '' : ` of ${agent.supervisor.name}`;
  const facts: Line = [
    span(` ${signs.states[agent.state]} ${STATE_NAMES[agent.state]}`, agent.state),
    span(
      `  ${plural(agent.turns, 'turn')}, ${plural(agent.calls, 'call')}, ${short(agent.inputTokens)} tokens in, ` +
        `${short(agent.outputTokens)} out, ${plural(agent.tools, 'tool')}, ${count(agent.sent)} sent`,
      'dim',
    ),
  ];
  const title = rule(`${agent.name}, ${LEVEL_WORDS[agent.level]}${under}`, size.columns, signs);
  const room = size.rows - 2;
  if (room <= 0) return fill([title, facts], size.rows);
  if (agent.members.length === 0) {
    return fill([title, facts, ...stepList(agent, navigation.back, room, signs)], size.rows);
  }
  const entries = agent.members.map(entryOf);
  if (size.columns >= WIDE_COLUMNS) {
    const leftColumns = Math.floor(size.columns * 0.45);
    const members = agentList(entries, navigation.selectedMember, { rows: room, columns: leftColumns - 2 }, signs);
    const steps = stepList(agent, 0, room, signs);
    return fill(
      [title, facts, ...sideBySide(members.lines, steps, leftColumns, { ...size, rows: room }, signs)],
      size.rows,
    );
  }
  const memberRows = Math.min(entries.length, Math.max(1, Math.floor((room - 1) / 2)));
  const members = agentList(entries, navigation.selectedMember, { rows: memberRows, columns: size.columns }, signs);
  const steps = stepList(agent, 0, Math.max(0, room - memberRows - 1), signs);
  return fill([title, facts, ...members.lines, rule('last steps', size.columns, signs), ...steps], size.rows);
};

const treePage = (scene: Scene, size: Size): Line[] => {
  const { tree, navigation, signs } = scene;
  if (size.rows <= 0) return [];
  const rows: readonly TreeRow[] = tree.at(size.rows - 1);
  const title = rule('groups', size.columns, signs);
  if (rows.length === 0) return fill([title, [span('  nobody is hired yet', 'dim')]], size.rows);
  const { lines } = agentList(rows, navigation.selectedRow(size.rows - 1), { ...size, rows: size.rows - 1 }, signs);
  return fill([title, ...lines], size.rows);
};

const helpOf = (kept: boolean): readonly (readonly [string, string])[] => [
  ['arrows, j k', 'select (page up, page down, home, end: further)'],
  ['enter, right', 'open the agent: its group and its last steps'],
  ['left, esc', 'back'],
  ['a', 'answer a question, or decide on what waits for your consent'],
  ['p', `pause the run${kept ? '; it can be resumed' : ''} (as Ctrl-C does)`],
  ['q', 'the same: quitting pauses'],
  ['Ctrl-C twice', `end at once${kept ? '; the run can be resumed as well' : ''}`],
  ['Ctrl-Z', 'put the view aside; the run stops until `fg`'],
];

const helpPage = (scene: Scene, size: Size): Line[] => {
  const { model, signs } = scene;
  const states: Span[] = [span('  ')];
  for (const state of STATES) states.push(span(`${signs.states[state]} `, state), span(`${STATE_NAMES[state]}  `));
  const lines: Line[] = [
    rule('keys', size.columns, signs),
    ...helpOf(model.head.kept).map(([key, what]): Line => [span(`  ${pad(key, 14)}`, 'bold'), span(what)]),
    rule('states', size.columns, signs),
    states,
    [span('  A row shows an agent, the states of everybody below it, and how many of them have finished.', 'dim')],
    [span('  +3 after a name: three groups below it are folded. Open the agent to see them.', 'dim')],
  ];
  return fill(lines, size.rows);
};

const footer = ({ model, navigation, signs }: Scene): Line => {
  if (navigation.answer !== null) return [];
  const asked = model.questions.size;
  if (!navigation.keys) return [span(' Ctrl-C', 'bold'), span(' pause', 'dim')];
  const keys: [string, string][] = navigation.help
    ? [['any key', 'back']]
    : [
        ...(asked === 0 ? [] : [['a', `answer (${asked})`] as [string, string]]),
        ['p', 'pause'],
        ['q', 'quit'],
        [`${signs.up} ${signs.down}`, 'select'],
        ['enter', 'open'],
        ...(navigation.pages.length > 0 ? [['esc', 'back'] as [string, string]] : []),
        ['?', 'help'],
      ];
  return keys.flatMap(([key, what]) => [span(` ${key}`, 'bold'), span(` ${what} `, 'dim')]);
};

export interface Picture {
  readonly lines: readonly Line[];
  /** Rows that the tree has, or would have, at this size. */
  readonly treeHeight: number;
  /** Of the question that is shown. */
  readonly asked: Extent | null;
}

/** What the terminal shows. */
export const render = (scene: Scene): Picture => {
  const { model, navigation, size, signs } = scene;
  const { columns, rows } = size;
  const head: Line[] = titleLines(model, navigation.pausing, columns, signs);
  const roomy: Line[] = rows >= 30 ? [[]] : [];
  if (rows >= 20) head.push([], ...stateTable(model, columns, signs), ...roomy);
  else if (rows >= 8) head.push(stateLine(model, signs));
  if (rows >= 10) head.push(...totalLines(model, columns, rows >= 20 ? 4 : 2), ...roomy);
  const foot: Line[] = [];
  const noticesMax = rows >= 12 ? 2 : rows >= 4 ? 1 : 0;
  if (noticesMax > 0) {
    foot.push(...navigation.notices.slice(-noticesMax).map((text): Line => [span(` ${text}`, 'warning')]));
  }
  if (rows >= 6) foot.push(footer(scene));
  const shownHead = head.slice(0, Math.max(1, rows - foot.length));
  const body: Size = { columns, rows: Math.max(0, rows - shownHead.length - foot.length) };
  const { open } = navigation;
  const { answer } = navigation;
  const asking = answer === null ? null : askingPage(answer, body, signs, (text) => rule(text, columns, signs));
  const page =
    asking !== null
      ? fill(asking.lines, body.rows)
      : navigation.help
        ? helpPage(scene, body)
        : open === null
          ? treePage(scene, body)
          : agentPage(scene, open, body);
  const lines = fill([...shownHead, ...page, ...foot], rows).map((line) => fitLine(line, columns, signs));
  return { lines, treeHeight: Math.max(0, body.rows - 1), asked: asking?.extent ?? null };
};
