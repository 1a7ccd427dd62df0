/**
 * What an agent waits for a person to say: a question, or consent to tool calls of one of its answers. Types and schemas,
 * and how the words of a person are read. What it does not do: keep them (`roster-questions.ts`).
 *
 * Invariant Q1: what a person writes is consent only when it is exactly `approve` (or `approve all`), and only to what
 * waits for consent.
 */
import { z } from 'zod';

/** What may need a person's consent. */
export const APPROVAL_KINDS = ['hires', 'programs', 'files'] as const;

export type ApprovalKind = (typeof APPROVAL_KINDS)[number];

export const approvalKindSchema = z.enum(APPROVAL_KINDS);

/** `question`: from `ask_human`. `approval`: calls that wait for consent. */
export const QUESTION_KINDS = ['question', 'approval'] as const;

export interface HumanQuestion {
  /** Counts the questions of a run, from 1. */
  readonly id: number;
  readonly kind: (typeof QUESTION_KINDS)[number];
  /** What is asked, or exactly what would be done; clipped. */
  readonly text: string;
  /** Of an approval: what it needs consent for. */
  readonly kinds?: readonly ApprovalKind[];
  /** The person has answered, and the agent has not read it yet. */
  readonly answered?: boolean;
}

/** A question, and who asks it. */
export interface ReportQuestion extends HumanQuestion {
  readonly agent: string;
  /** Of the plan, which is question 0: the number of it among those that were shown, from 1. */
  readonly plan?: number;
}

/**
 * How a person names a question: `#3`. A plan that is shown after others is `#0.2`, `#0.3` …, so that what was said of
 * one is never said of another.
 */
export const questionLabel = ({ id, plan = 1 }: { readonly id: number; readonly plan?: number | undefined }): string =>
  plan === 1 ? `#${id}` : `#${id}.${plan}`;

/** What a mail of a person says to questions; agents read it, models do not. */
export const humanAnswerSchema = z.object({
  questions: z.array(z.int().positive()),
  /** Of approvals. */
  verdict: z.enum(['approve', 'deny']).optional(),
  reason: z.string().optional(),
});

export type HumanAnswer = z.output<typeof humanAnswerSchema>;

/** What a person's words do to the questions that an agent has open. */
export interface ReadAnswer {
  /** Those that it answers; empty for words that answer nothing. */
  readonly questions: readonly HumanQuestion[];
  /** The words, without a number in front. */
  readonly text: string;
  readonly verdict: 'approve' | 'deny' | null;
  /** Everything of the kinds of these approvals is allowed from here on. */
  readonly all: boolean;
}

const NUMBERED = /^#(\d{1,9})(?:\s+|$)([\s\S]*)$/u;
const APPROVE = /^approve(\s+all)?$/iu;
const DENY = /^deny(?:\s+([\s\S]+))?$/iu;

/** The number that a decision is about: of `#3 approve` it is 3. Null for words that decide nothing, or name no question. */
export const decidedQuestion = (message: string): number | null => {
  const [, number = '', rest = ''] = NUMBERED.exec(message.trim()) ?? [];
  const words = rest.trim();
  return APPROVE.test(words) || DENY.test(words) ? Number(number) : null;
};

/**
 * Reads a message to an agent with these questions: `approve`, `approve all` and `deny REASON` decide on its approvals,
 * everything else answers its questions. `#N` in front means question N alone.
 */
export const readAnswer = (message: string, asked: readonly HumanQuestion[]): ReadAnswer => {
  const open = asked.filter(({ answered }) => answered !== true);
  const trimmed = message.trim();
  const numbered = NUMBERED.exec(trimmed);
  const one = open.filter(({ id }) => id === Number(numbered?.[1]));
  const meant = one.length === 0 ? open : one;
  const text = one.length === 0 ? trimmed : (numbered?.[2] ?? '').trim();
  const approvals = meant.filter(({ kind }) => kind === 'approval');
  const approve = APPROVE.exec(text);
  const deny = DENY.exec(text);
  if (approvals.length > 0 && approve !== null) {
    return { questions: approvals, text, verdict: 'approve', all: approve[1] !== undefined };
  }
  if (approvals.length > 0 && deny !== null) {
    return { questions: approvals, text: deny[1]?.trim() ?? '', verdict: 'deny', all: false };
  }
  const questions = meant.filter(({ kind }) => kind === 'question');
  if (questions.length === 0) return { questions, text: message, verdict: null, all: false };
  return { questions, text: one.length === 0 ? message : text, verdict: null, all: false };
};
