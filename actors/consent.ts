/**
 * Consent: an answer with calls that a person has to allow is put aside, with the agent, until the person has decided.
 * Nothing of it is done before; what is decided is what was shown. What it does not do: run the calls (`tool-calls.ts`).
 *
 * Invariants: H6 Consent is bound to the very calls that were shown: they are in the agent's state, committed with the
 * step that asked, and are carried out from there; the model is not asked again. H7 A call that was not allowed does
 * nothing, and its tool result says so.
 */
import { z } from 'zod';
import type { ChatAnswer } from '../src/model/types.ts';
import {
  clip,
  fail,
  type AgentMail,
  type AgentState,
  type ApprovalKind,
  type ToolFailure,
} from '../src/society/index.ts';
import type { Turn } from './agent-types.ts';
import { consentText, type CallToShow } from './consent-text.ts';
import { WORKSPACE } from './run-services.ts';
import { callRoster, callService } from './services.ts';
import { readCall } from './tool-calls.ts';
import { SHOWN_CHARS_MAX } from './tools/ask-human.ts';

/** What each tool needs consent for. What a program writes comes back into the files. */
const KINDS: ReadonlyMap<string, readonly ApprovalKind[]> = new Map([
  ['add_agent', ['hires']],
  ['add_team', ['hires']],
  ['run_program', ['programs', 'files']],
  ['send_input', ['programs', 'files']],
  ['write_file', ['files']],
  ['edit_file', ['files']],
  ['append_file', ['files']],
]);

/** An answer that was put aside. */
export type Waiting = NonNullable<AgentState['waits']>;

export interface Decision {
  readonly verdict: 'approve' | 'deny';
  readonly reason: string;
}

const currentSchema = z.object({ ok: z.literal(true), content: z.string() });
const missingSchema = z.object({ ok: z.literal(false), error: z.object({ code: z.literal('NOT_FOUND') }) });

/** What the file has that a call would write; undefined when nobody can tell. */
const currentOf = async (turn: Turn, key: string, args: unknown): Promise<string | null | undefined> => {
  const { data } = z.object({ path: z.string() }).safeParse(args);
  if (data === undefined) return undefined;
  const read = await callService(turn, key, WORKSPACE, 'read', { ...data, author: turn.state.name });
  const found = currentSchema.safeParse(read);
  if (found.success) return found.data.content;
  return missingSchema.safeParse(read).success ? null : undefined;
};

/** Puts the answer aside when a person has to allow calls of it. Returns whether the agent waits now. */
export const waitsForConsent = async (turn: Turn, answer: ChatAnswer): Promise<boolean> => {
  const { state, ctx } = turn;
  const { approve = [], limits } = state.settings;
  if (approve.length === 0) return false;
  const kinds = new Set<ApprovalKind>();
  const asked: number[] = [];
  const shown: CallToShow[] = [];
  for (const [index, toolCall] of answer.toolCalls.slice(0, limits.toolCallsPerAnswerMax).entries()) {
    const needed = (KINDS.get(toolCall.function.name) ?? []).filter((kind) => approve.includes(kind));
    const call = readCall(toolCall, turn, answer.class === 'truncated');
    if (needed.length === 0 || !call.ok) continue;
    for (const kind of needed) kinds.add(kind);
    asked.push(index);
    const tool = call.tool.name;
    const current = tool === 'write_file' ? await currentOf(turn, `current-${index}`, call.args) : undefined;
    shown.push({ tool, args: call.args, current, program: state.program });
  }
  if (asked.length === 0) return false;
  const text = consentText(shown);
  const { question } = await callRoster(turn, 'consent', 'consent', { agent: state.name, kinds: [...kinds], text });
  if (question === null) return false;
  const { content, toolCalls } = answer;
  state.waits = { question, asked, mail: false, answer: { content, class: answer.class, toolCalls: [...toolCalls] } };
  ctx.event({
    type: 'human',
    agent: state.name,
    status: 'asked',
    kind: 'approval',
    question,
    text: clip(text, SHOWN_CHARS_MAX),
  });
  return true;
};

const isDecision = ({ human }: AgentMail): boolean => human?.verdict !== undefined;

/** Mail that the model reads: a decision shows in the results of the calls. */
export const withoutDecisions = (mails: readonly AgentMail[]): readonly AgentMail[] =>
  mails.filter((mail) => !isDecision(mail));

/** What the person has decided on what waits; null when that is not among the mail. */
export const decisionOn = ({ question }: Waiting, mails: readonly AgentMail[]): Decision | null => {
  for (const { human } of mails) {
    if (human?.verdict === undefined || !human.questions.includes(question)) continue;
    return { verdict: human.verdict, reason: human.reason ?? '' };
  }
  return null;
};

const REASON_CHARS_MAX = 2_000;

/** The results of the calls that the person did not allow, by their place in the answer. */
export const refusals = ({ asked }: Waiting, decision: Decision): ReadonlyMap<number, ToolFailure> => {
  if (decision.verdict === 'approve') return new Map();
  const why = decision.reason === '' ? '' : `: ${clip(decision.reason, REASON_CHARS_MAX)}`;
  const refused = fail('REJECTED', `The person does not allow this${why}`, 'Do without it, or find another way.');
  return new Map(asked.map((index) => [index, refused]));
};
