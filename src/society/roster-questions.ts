/**
 * Questions to the person: who has asked what, and what became of it. Commands over a draft of the roster.
 *
 * Invariants: H1 A question is in the roster from the commit of the call that asked it until its agent has read an answer,
 * or does not wait for one any more. H2 The questions of an agent and of the run are bounded.
 */
import { clip, systemMail, type AgentMail } from './mail.ts';
import type { ApprovalKind, HumanQuestion } from './questions.ts';
import { recipientOf, type Draft, type Recipient, type RosterAgent, type RosterMeta } from './roster-state.ts';
import { fail, type ToolFailure, type ToolSuccess } from './tool-result.ts';

/** Of the whole run, for its report. */
export interface HumanTally {
  /** Questions so far, of both kinds: the number of the last one. */
  readonly count: number;
  readonly open: number;
  readonly answered: number;
  readonly approved: number;
  readonly denied: number;
  /** Closed without an answer: their agents had handed in, or would not act any more. */
  readonly withdrawn: number;
  /** What needs no consent any more. */
  readonly granted: readonly ApprovalKind[];
}

const NONE: HumanTally = { count: 0, open: 0, answered: 0, approved: 0, denied: 0, withdrawn: 0, granted: [] };

export const tallyOf = ({ human }: Pick<RosterMeta, 'human'>): HumanTally => ({ ...NONE, ...human });

const tally = (draft: Draft, change: Partial<HumanTally>): HumanTally => {
  const next = { ...tallyOf(draft.meta), ...change };
  draft.editMeta().human = next;
  return next;
};

/** Those that wait for a person, and those whose answer is on its way. */
export const questionsOf = ({ questions }: Pick<RosterAgent, 'questions'>): readonly HumanQuestion[] => questions ?? [];

/** Waits for a person: nothing that it is told by the runtime leads to anything. */
export const isAsking = (agent: Readonly<RosterAgent>): boolean => questionsOf(agent).length > 0;

const open = (draft: Draft, agent: string, question: Omit<HumanQuestion, 'id'>): number => {
  const { count, open: before } = tallyOf(draft.meta);
  const { count: id } = tally(draft, { count: count + 1, open: before + 1 });
  const asking = draft.edit(agent);
  asking.questions = [...questionsOf(asking), { id, ...question }];
  return id;
};

/** Takes these off the list; all that the agent has when none are named. */
const close = (draft: Draft, agent: string, ids?: readonly number[]): readonly HumanQuestion[] => {
  const before = questionsOf(draft.get(agent));
  const closed = before.filter(({ id }) => ids === undefined || ids.includes(id));
  if (closed.length === 0) return closed;
  draft.edit(agent).questions = before.filter((question) => !closed.includes(question));
  tally(draft, { open: tallyOf(draft.meta).open - closed.length });
  return closed;
};

/** An agent that has handed in, or will not act any more, asks nothing any more. */
export const withdrawQuestions = (draft: Draft, agent: string): void => {
  const closed = close(draft, agent);
  if (closed.length > 0) tally(draft, { withdrawn: tallyOf(draft.meta).withdrawn + closed.length });
};

/** A question that was closed without an answer. */
export interface Withdrawn {
  readonly agent: string;
  readonly question: HumanQuestion;
  readonly why: 'handed-in' | 'failed' | 'retired';
}

/** What a command has withdrawn: its agents as they were, and as they are. Answers that are read withdraw nothing. */
export const withdrawnFrom = (
  before: ReadonlyMap<string, Readonly<RosterAgent>>,
  changed: readonly Readonly<RosterAgent>[],
): readonly Withdrawn[] =>
  changed.flatMap((after) => {
    const { name: agent, status } = after;
    const asked = before.get(agent);
    const left = new Set(questionsOf(after).map(({ id }) => id));
    const why = status === 'failed' || status === 'retired' ? status : 'handed-in';
    return (asked === undefined ? [] : questionsOf(asked)).flatMap((question) =>
      left.has(question.id) ? [] : [{ agent, question, why }],
    );
  });

export interface AskArgs {
  readonly agent: string;
  readonly question: string;
}

/** `again`: it was open already. */
export type AskResult =
  ToolSuccess<{ readonly pending: true; readonly question: number; readonly again?: true }> | ToolFailure;

/** `ask_human`. The same question is not asked again while it is open. */
export const ask = (draft: Draft, args: AskArgs): AskResult => {
  const { questionCharsMax, questionsPerAgentMax, questionsMax } = draft.meta.limits;
  const text = clip(args.question.trim(), questionCharsMax);
  const asked = questionsOf(draft.get(args.agent)).filter(({ kind }) => kind === 'question');
  const same = asked.find((question) => question.text === text);
  if (same !== undefined) return { ok: true, pending: true, question: same.id, again: true };
  if (asked.length >= questionsPerAgentMax) {
    const hint = 'Wait for the answers: they come as mail. Go on with what does not need them.';
    return fail('LIMIT', `You have ${asked.length} questions open already.`, hint);
  }
  if (tallyOf(draft.meta).open >= questionsMax) {
    const hint = 'Decide yourself, and write down what you assumed.';
    return fail('LIMIT', `The person has ${questionsMax} questions to answer already.`, hint);
  }
  return { ok: true, pending: true, question: open(draft, args.agent, { kind: 'question', text }) };
};

export interface ConsentArgs {
  readonly agent: string;
  readonly kinds: readonly ApprovalKind[];
  /** What would be done. */
  readonly text: string;
}

export interface ConsentResult {
  /** The number of the approval to wait for; null when consent is there. */
  readonly question: number | null;
}

/** Asks for consent to calls, unless all that they need is allowed. An agent waits for one consent at a time. */
export const consent = (draft: Draft, args: ConsentArgs): ConsentResult => {
  const { granted } = tallyOf(draft.meta);
  const kinds = args.kinds.filter((kind) => !granted.includes(kind));
  if (kinds.length === 0) return { question: null };
  return { question: open(draft, args.agent, { kind: 'approval', text: args.text, kinds }) };
};

export interface AnsweredArgs {
  readonly agent: string;
  readonly questions: readonly number[];
  /** Allowed from here on. */
  readonly grant?: readonly ApprovalKind[];
}

/** An agent whose approvals need nobody's consent any more. */
export interface Released extends Recipient {
  readonly questions: readonly number[];
}

export interface AnsweredResult {
  /** Those to be told that what they wait for is allowed. */
  readonly released: readonly Released[];
}

/** Approvals that wait although all that they need is allowed. */
export const releasable = (draft: Draft): readonly Released[] => {
  const { granted } = tallyOf(draft.meta);
  if (granted.length === 0) return [];
  const released: Released[] = [];
  for (const agent of draft.all()) {
    const covered = questionsOf(agent).filter(
      ({ kind, kinds = [], answered: told }) =>
        kind === 'approval' && told !== true && kinds.every((needed) => granted.includes(needed)),
    );
    if (covered.length > 0) released.push({ ...recipientOf(agent), questions: covered.map(({ id }) => id) });
  }
  return released;
};

/** The mail of a consent that was given once and for all. */
export const consentMail = (questions: readonly number[]): AgentMail => ({
  ...systemMail('human', 'Allowed.'),
  human: { questions: [...questions], verdict: 'approve' },
});

/**
 * The answer to these is in the agent's mailbox, as a person can see from here on; and what is granted needs no consent
 * any more.
 */
export const answered = (draft: Draft, args: AnsweredArgs): AnsweredResult => {
  const { granted } = tallyOf(draft.meta);
  const more = (args.grant ?? []).filter((kind) => !granted.includes(kind));
  if (more.length > 0) tally(draft, { granted: [...granted, ...more] });
  const agent = draft.find(args.agent);
  if (agent !== undefined && questionsOf(agent).some(({ id }) => args.questions.includes(id))) {
    draft.edit(args.agent).questions = questionsOf(agent).map((question) =>
      args.questions.includes(question.id) ? { ...question, answered: true } : question,
    );
  }
  return { released: args.grant === undefined ? [] : releasable(draft) };
};

export interface HeardArgs {
  readonly agent: string;
  readonly questions: readonly number[];
  /** Of approvals. */
  readonly verdict?: 'approve' | 'deny' | undefined;
}

export interface HeardResult {
  /** Those that were open until now. */
  readonly closed: readonly HumanQuestion[];
}

/** The agent has read the answer to these. */
export const heard = (draft: Draft, args: HeardArgs): HeardResult => {
  if (draft.find(args.agent) === undefined) return { closed: [] };
  const closed = close(draft, args.agent, args.questions);
  if (closed.length === 0) return { closed };
  const sums = tallyOf(draft.meta);
  if (args.verdict === 'approve') tally(draft, { approved: sums.approved + closed.length });
  else if (args.verdict === 'deny') tally(draft, { denied: sums.denied + closed.length });
  else tally(draft, { answered: sums.answered + closed.length });
  return { closed };
};
