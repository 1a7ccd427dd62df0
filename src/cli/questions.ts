/** What agents ask the person, as lines on a terminal: each with the command that answers it. Pure. */
import type { EventRecord } from '../protocol/event.ts';
import type { RunSummary } from '../run/types.ts';
import { questionLabel } from '../society/questions.ts';
import { shellPath } from './render.ts';
import { plainText } from '../society/plain-text.ts';

const TEXT_CHARS_MAX = 300;
/** Of a run that has paused; `inspect` has all. */
const LINES_MAX = 20;

export interface Asked {
  readonly agent: string;
  readonly id: number;
  readonly kind: 'question' | 'approval';
  readonly text: string;
  /** Of question 0: the number of the plan, from 1. */
  readonly plan?: number | undefined;
}

/** The question that an event tells of; null for every other event. */
export const askedIn = (event: EventRecord): Asked | null => {
  const { type, agent, status, kind, question, text, plan } = event;
  if (type !== 'human' || status !== 'asked' || typeof question !== 'number' || typeof agent !== 'string') return null;
  return {
    agent,
    id: question,
    kind: kind === 'approval' ? 'approval' : 'question',
    text: typeof text === 'string' ? text : '',
    ...(typeof plan === 'number' ? { plan } : {}),
  };
};

const oneLine = (text: string): string => {
  const points = Array.from(plainText(text.replace(/[\s\u0085\u2028\u2029]+/gu, ' ').trim()));
  return points.length > TEXT_CHARS_MAX ? `${points.slice(0, TEXT_CHARS_MAX - 1).join('')}…` : points.join('');
};

const verbs = { question: 'asks', approval: 'waits for consent' } as const;

/** Consent has its number, so that a line that is used again does not allow what came after it. */
const answers = {
  question: () => '"…"',
  approval: (label: string) => `"${label} approve", or "${label} deny REASON"`,
} as const;

/** `Boss asks (#1): Which town? Answer: …` @param runDir null when it is not known */
export const askedLine = (asked: Asked, program: string, runDir: string | null): string => {
  const { agent, kind, text } = asked;
  const label = questionLabel(asked);
  const how = `${program} tell ${runDir ?? 'RUN_DIR'} ${agent} ${answers[kind](label)}`;
  return `${agent} ${verbs[kind]} (${label}): ${oneLine(text)} Answer: ${how}`;
};

const goneWords: Readonly<Record<string, string>> = {
  failed: 'it has failed',
  retired: 'it was retired',
  'handed-in': 'it has handed in its task',
};

/** `Writer asks #3 no more: it was retired.` Null for an event that tells of no such thing. */
export const withdrawnLine = ({ type, agent, status, question, why }: EventRecord): string | null => {
  if (type !== 'human' || status !== 'withdrawn' || typeof question !== 'number' || typeof agent !== 'string')
    return null;
  const reason = typeof why === 'string' ? goneWords[why] : undefined;
  return `${plainText(agent)} asks #${question} no more${reason === undefined ? '' : `: ${reason}`}.`;
};

/** The questions that a run has ended with, a line each; none when there are none. */
export const openQuestionLines = (summary: RunSummary, program: string, cwd: string): readonly string[] => {
  const open = (summary.questions ?? []).filter(({ answered }) => answered !== true);
  if (open.length === 0 || summary.status !== 'paused') return [];
  const runDir = shellPath(summary.runDir, cwd);
  const more = open.length - LINES_MAX;
  return [
    'Questions to you:',
    ...open.slice(0, LINES_MAX).map((question) => `  ${askedLine(question, program, runDir)}`),
    ...(more > 0 ? [`  … and ${more} more: ${program} inspect ${runDir}`] : []),
  ];
};
