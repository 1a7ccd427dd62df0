/** The upper part of the view: what is being run, and its totals. From the model to lines of any width. Pure. */
import { count } from '../render.ts';
import { LEVELS, STATES, type AgentPhase, type Level, type Tally } from './agents.ts';
import type { SocietyModel } from './model.ts';
import { span, type Line, type Signs, type Span } from './style.ts';
import { clockTime, fit, pad, short, widthOf } from './text.ts';

/** The states that a table has a column for; rare ones only when there are any. */
export const STATE_NAMES: Readonly<Record<AgentPhase, string>> = {
  finished: 'finished',
  review: 'in review',
  working: 'working',
  waiting: 'waiting',
  new: 'new',
  failed: 'failed',
  retired: 'retired',
};
const RARE: readonly AgentPhase[] = ['failed', 'retired'];
const LEVEL_NAMES: Readonly<Record<Level, string>> = { boss: 'Boss', admin: 'Admins', ordinary: 'Ordinary' };
const GAP = 3;

const sum = (tally: Tally): number => tally.reduce((total, value) => total + value, 0);

/** Time left as a person would say it. */
export const timeLeft = (seconds: number): string => {
  // The last few take as long as they take, however fast the many before them were.
  if (seconds < 10) return 'nearly done';
  if (seconds < 60) return `about ${Math.round(seconds / 10) * 10} s left`;
  if (seconds < 5_400) return `about ${Math.round(seconds / 60)} min left`;
  return `about ${Math.round(seconds / 3_600)} h left`;
};

export const titleLines = (model: SocietyModel, pausing: boolean, columns: number, signs: Signs): Line[] => {
  const { head, progress } = model;
  const phase = pausing && progress?.phase !== 'done' ? 'pausing' : (progress?.phase ?? 'starting');
  const left = model.secondsLeft;
  const times = clockTime(progress?.wallSeconds ?? 0) + (left === null || pausing ? '' : `, ${timeLeft(left)}`);
  const start = ' Megactor ';
  const goalColumns = columns - start.length - phase.length - widthOf(times) - 4;
  const first: Line = [
    span(start, 'title'),
    span(phase, pausing ? 'warning' : 'bold'),
    span('  '),
    span(pad(head.goal, goalColumns, signs.cut)),
    span(' '),
    span(times, 'bold'),
  ];
  // First, so that no width cuts it off.
  const made = head.model.startsWith('playbook:') ? 'scripted' : 'synthetic';
  const facts: Span[] =
    head.synthetic === true ? [span(' '), span(`all text is ${made}`, 'warning'), span(` ${signs.dot}`, 'dim')] : [];
  if (head.unprotected)
    facts.push(span(' '), span('programs run unprotected', 'warning'), span(` ${signs.dot}`, 'dim'));
  facts.push(span(` run ${head.runId === '' ? signs.cut : head.runId}`, 'dim'));
  if (head.model !== '') facts.push(span(` ${signs.dot} model ${head.model}`, 'dim'));
  if (head.resumed) facts.push(span(` ${signs.dot} resumed`, 'dim'));
  return [first, facts];
};

interface Item {
  readonly label: string;
  readonly value: string;
  readonly warn: boolean;
}

const costOf = (model: SocietyModel): string => {
  const known = model.progress?.costUsd;
  if (typeof known === 'number') return `$${known.toFixed(known < 1 ? 4 : 2)}`;
  return model.head.synthetic === true ? '$0' : 'not known';
};

const rate = (perSecond: number): string => (perSecond < 9.95 ? perSecond.toFixed(1) : short(perSecond));

const itemsOf = (model: SocietyModel): Item[] => {
  const { progress, counted, reviews } = model;
  const tokens = progress?.tokens ?? counted;
  const item = (label: string, value: string, warn = false): Item => ({ label, value, warn });
  return [
    item('model calls', `${count(progress?.modelCalls ?? 0)}, ${count(progress?.callsInFlight ?? 0)} in flight`),
    item('turns', `${count(progress?.turns ?? 0)} (${rate(model.turnsPerSecond)}/s)`),
    item('messages', `${count(progress?.messages ?? 0)} (${rate(model.messagesPerSecond)}/s)`),
    item('tokens', `${short(tokens.input)} in (${short(tokens.cachedInput)} cached), ${short(tokens.output)} out`),
    item('cost', costOf(model)),
    item('files', count(progress?.files ?? 0)),
    item('commits', count(progress?.commits ?? counted.commits)),
    item('reviews', `${count(reviews.accept)} accepted, ${count(reviews.revise)} sent back`),
    item('remedies', count(model.remedies), model.remedies > 0),
    ...(model.restarts > 0 ? [item('restarts', count(model.restarts), true)] : []),
  ];
};

/** Totals, as many on a line as fit. @param lines at most so many; what comes last goes first */
export const totalLines = (model: SocietyModel, columns: number, lines: number): Line[] => {
  const flowed: Span[][] = [];
  let used = Number.POSITIVE_INFINITY;
  for (const { label, value, warn } of itemsOf(model)) {
    const width = label.length + 1 + value.length;
    if (used + GAP + width > columns) {
      if (flowed.length >= lines) break;
      flowed.push([span(' ')]);
      used = 1;
    } else {
      flowed.at(-1)?.push(span(' '.repeat(GAP)));
      used += GAP;
    }
    flowed.at(-1)?.push(span(`${label} `, 'dim'), span(value, warn ? 'warning' : 'plain'));
    used += width;
  }
  return flowed;
};

/** Agents by level and state as a table of four lines. */
export const stateTable = (model: SocietyModel, columns: number, signs: Signs): Line[] => {
  const states = STATES.filter((state) => !RARE.includes(state) || model.count(state) > 0);
  const rowHead = 11;
  const cell = Math.min(14, Math.floor((columns - rowHead - 8) / states.length));
  const header: Span[] = [span(pad(' Agents', rowHead), 'bold'), span('     all', 'dim')];
  for (const state of states) {
    // Narrow cells lose the end of the word, not the sign.
    const name = fit(STATE_NAMES[state], cell - 3, signs.cut);
    header.push(
      span(' '.repeat(Math.max(1, cell - widthOf(name) - 2))),
      span(signs.states[state], state),
      span(` ${name}`, 'dim'),
    );
  }
  const row = (name: string, tally: Tally, style: 'plain' | 'bold'): Line => [
    span(pad(` ${name}`, rowHead), style),
    span(count(sum(tally)).padStart(8), style),
    ...states.map((state) => {
      const value = tally[STATES.indexOf(state)] ?? 0;
      return span(count(value).padStart(cell), value === 0 ? 'dim' : state);
    }),
  ];
  return [header, ...LEVELS.map((level) => row(LEVEL_NAMES[level], model.byLevel[level], 'plain'))];
};

/** The same on one line, for low terminals. */
export const stateLine = (model: SocietyModel, signs: Signs): Line => {
  const line: Span[] = [span(` ${count(model.agents.size)} agents `, 'bold')];
  for (const state of STATES) {
    const value = model.count(state);
    if (value === 0) continue;
    line.push(span(` ${signs.states[state]} ${count(value)}`, state), span(` ${STATE_NAMES[state]}`, 'dim'));
  }
  return line;
};
