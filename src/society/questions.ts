/**
 * What an agent waits for a person to say: a question, or consent to tool calls of one of its answers. Types and schemas,
 * and how the words of a person are read. What it does not do: keep them (`roster-questions.ts`).
 *
 * Invariants: Q1 what a person writes is consent only when it is exactly `approve` (or `approve all`), and only to what
 * waits for consent. Q2 A number in front is of one question: words that have one never answer another.
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

/** `#3`, or the label of a plan, `#0.2`; a colon may follow. `#12abc`, `#tag` and `# Heading` name nothing. */
const NUMBERED = /^#(\d{1,9}|0\.[1-9]\d{0,8}):?(?:\s+|$)([\s\S]*)$/u;
const APPROVE = /^approve(\s+all)?$/iu;
const DENY = /^deny(?:\s+([\s\S]+))?$/iu;

/** What a person's words are, whatever is asked. */
export interface HumanWords {
  /** The number in front, without its sign; null when there is none. */
  readonly number: string | null;
  /** What is left of them, trimmed. */
  readonly text: string;
  /** Of `approve`, `approve all`, `deny` and `deny REASON`; null for everything else. */
  readonly verdict: 'approve' | 'deny' | null;
  readonly all: boolean;
  /** Of `deny`. */
  readonly reason: string;
}

export const wordsOf = (message: string): HumanWords => {
  const trimmed = message.trim();
  const numbered = NUMBERED.exec(trimmed);
  const text = (numbered === null ? trimmed : (numbered[2] ?? '')).trim();
  const approve = APPROVE.exec(text);
  const deny = DENY.exec(text);
  return {
    number: numbered?.[1] ?? null,
    text,
    verdict: approve !== null ? 'approve' : deny !== null ? 'deny' : null,
    all: approve?.[1] !== undefined,
    reason: deny?.[1]?.trim() ?? '',
  };
};

/**
 * Reads a message to an agent with these questions: `approve`, `approve all` and `deny REASON` decide on its approvals,
 * everything else answers its questions. `#N` in front means question N alone, and with it every word answers a question.
 */
export const readAnswer = (message: string, asked: readonly HumanQuestion[]): ReadAnswer => {
  const { number, text, verdict, all, reason } = wordsOf(message);
  const open = asked.filter(({ answered }) => answered !== true);
  const meant = number === null ? open : open.filter(({ id }) => id === Number(number));
  const approvals = meant.filter(({ kind }) => kind === 'approval');
  if (verdict !== null && approvals.length > 0)
    return { questions: approvals, text: verdict === 'deny' ? reason : text, verdict, all };
  const answers = number !== null || verdict === null;
  const questions = answers ? meant.filter(({ kind }) => kind === 'question') : [];
  return { questions, text: number === null || questions.length === 0 ? message : text, verdict: null, all: false };
};
