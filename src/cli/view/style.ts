/**
 * How things look: the styles that the renderer names, the signs of the states, and turning lines into text for a
 * terminal. The renderer itself knows no colour.
 *
 * Invariant Y1: without colours no escape code is written, and every state still has a sign of its own.
 */
import { styleText } from 'node:util';
import type { AgentPhase } from './agents.ts';

export type Style = AgentPhase | 'plain' | 'dim' | 'bold' | 'title' | 'warning' | 'selected';

export interface Span {
  readonly text: string;
  readonly style: Style;
}

export type Line = readonly Span[];

type Format = Parameters<typeof styleText>[0];

const FORMATS: Readonly<Record<Exclude<Style, 'plain'>, Format>> = {
  finished: 'green',
  review: 'cyan',
  working: 'yellow',
  waiting: 'blue',
  new: 'gray',
  failed: 'red',
  retired: 'gray',
  dim: 'dim',
  bold: 'bold',
  title: ['bold', 'cyan'],
  warning: ['bold', 'yellow'],
  selected: ['bold', 'inverse'],
};

export interface Signs {
  readonly states: Readonly<Record<AgentPhase, string>>;
  readonly rule: string;
  readonly marker: string;
  readonly dot: string;
  readonly cut: string;
  readonly up: string;
  readonly down: string;
  readonly out: string;
  readonly in: string;
}

/** Each sign is one column wide. */
export const UNICODE_SIGNS: Signs = {
  states: { finished: '█', review: '▓', working: '▒', waiting: '░', new: '·', failed: '✗', retired: '-' },
  rule: '─',
  marker: '›',
  dot: '·',
  cut: '…',
  up: '↑',
  down: '↓',
  out: '→',
  in: '←',
};

/** For terminals that are not set to UTF-8. */
export const ASCII_SIGNS: Signs = {
  states: { finished: '#', review: '%', working: '*', waiting: ':', new: '.', failed: 'x', retired: '-' },
  rule: '-',
  marker: '>',
  dot: '-',
  cut: '~',
  up: '^',
  down: 'v',
  out: '>',
  in: '<',
};

/** What opens and closes each style, found once: asking for every span would cost more than all the rest. */
const codes = Object.entries(FORMATS).map(([style, format]) => {
  const [open = '', close = ''] = styleText(format, '\n', { validateStream: false }).split('\n');
  return [style, { open, close }] as const;
});
const CODES = new Map<Style, { readonly open: string; readonly close: string }>(
  codes.map(([style, code]) => [style as Style, code]),
);

/** A line as text. */
export const paint = (line: Line, colours: boolean): string => {
  let text = '';
  for (const span of line) {
    const code = colours ? CODES.get(span.style) : undefined;
    text += code === undefined || span.text === '' ? span.text : `${code.open}${span.text}${code.close}`;
  }
  return text;
};

export const span = (text: string, style: Style = 'plain'): Span => ({ text, style });
