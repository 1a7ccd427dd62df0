/**
 * Leaving: how agents close, fail and are retired, and who gets what they had. Commands over a draft of the roster.
 *
 * Invariants: L1 Slots that a closed agent did not use return to its hirer. L2 Nobody is left under an agent that does not
 * act any more: its subordinates go to the next Admin up. L3 A retired agent changes nothing any more.
 */
import type { AgentCounters } from './agent-state.ts';
import { filesOf, sharedFiles, type SharedFile } from './agent-files.ts';
import { openItems } from './checklist.ts';
import { oneLine, systemMail } from './mail.ts';
import { BOSS } from './names.ts';
import { nearNames } from './near-names.ts';
import {
  isClosed,
  isReachable,
  leaderOf,
  recipientOf,
  type Draft,
  type Notice,
  type Recipient,
  type RosterAgent,
  type RosterEnd,
} from './roster-state.ts';
import { withdrawQuestions } from './roster-questions.ts';
import { onMemberClosed } from './roster-team.ts';
import { passOn, wake } from './roster-texts.ts';
import { fail, type ToolFailure, type ToolSuccess } from './tool-result.ts';

const NAMES_SHOWN_MAX = 12;
const REASON_CHARS_MAX = 500;
const EXAMPLE_CHARS_MAX = 300;

export const endRun = (draft: Draft, end: RosterEnd): void => {
  if (draft.meta.end === null) draft.editMeta().end = end;
};

/** Counts a remedy; the first of each kind is kept as an example of it. */
export const countRemedy = (draft: Draft, why: string, agent: string, what: string): void => {
  const meta = draft.editMeta();
  meta.remedies[why] = (meta.remedies[why] ?? 0) + 1;
  draft.noteRemedy({ why, agent });
  noteExample(draft, why, agent, what);
};

const noteExample = (draft: Draft, why: string, agent: string, what: string): void => {
  if (draft.meta.examples?.[why] !== undefined) return;
  const meta = draft.editMeta();
  meta.examples = { ...meta.examples, [why]: { agent, what: oneLine(what, EXAMPLE_CHARS_MAX) } };
};

/** Of an agent whose actor is gone, and that nobody can ask any more. */
const keepOf = (
  draft: Draft,
  name: string,
  { counters, repaired }: Pick<CrashedArgs, 'counters' | 'repaired'>,
): void => {
  if (counters !== undefined) draft.edit(name).counters = counters;
  if (repaired !== undefined) noteExample(draft, 'format', name, repaired);
};

/** Closes an agent; what it may no longer hire, its hirer may. */
export const close = (draft: Draft, name: string, status: 'finished' | 'failed' | 'retired'): void => {
  const agent = draft.edit(name);
  agent.status = status;
  withdrawQuestions(draft, name);
  if (agent.supervisor !== null && agent.slots > 0) {
    draft.edit(agent.supervisor).slots += agent.slots;
    agent.slots = 0;
  }
  onMemberClosed(draft, agent);
};

/** Puts those under `agent` under `leader`, also those who have finished: they may be asked. Returns their names. */
const handOver = (draft: Draft, agent: Readonly<RosterAgent>, leader: Readonly<RosterAgent>): readonly string[] => {
  const moved = agent.subordinates.filter((name) => isReachable(draft.get(name)));
  if (moved.length === 0) return moved;
  for (const name of moved) draft.edit(name).supervisor = leader.name;
  draft.edit(leader.name).subordinates.push(...moved);
  const left = draft.edit(agent.name);
  left.led = true;
  left.subordinates = left.subordinates.filter((name) => !moved.includes(name));
  return moved;
};

export interface FailedArgs {
  readonly agent: string;
  /** `crash`, `limit-turns`, … */
  readonly why: string;
  /** What happened, for the report. */
  readonly detail?: string;
  /** Of an agent whose actor is gone. */
  readonly counters?: AgentCounters;
  /** The first answer of it that could not be used. */
  readonly repaired?: string | undefined;
}

export interface FailedResult {
  /** False of one that had closed, or was counted, before. */
  readonly counted: boolean;
  readonly leader: Recipient | null;
  /** Subordinates that have a new supervisor now. */
  readonly moved: readonly string[];
  readonly notices: readonly Notice[];
}

/** An agent that will not act any more. */
export const failed = (draft: Draft, args: FailedArgs): FailedResult => {
  const agent = draft.get(args.agent);
  const leader = leaderOf(draft, agent);
  keepOf(draft, args.agent, { counters: args.counters, repaired: args.repaired });
  if (isClosed(agent)) {
    return { counted: false, leader: leader === null ? null : recipientOf(leader), moved: [], notices: [] };
  }
  const { why, detail = '' } = args;
  const counted = why !== 'crash' || args.counters !== undefined || agent.counters === undefined;
  if (counted) countRemedy(draft, why, args.agent, detail);
  draft.edit(args.agent).failure = oneLine(detail === '' ? why : `${why}: ${detail}`, EXAMPLE_CHARS_MAX);
  if (agent.supervisor === null || leader === null) {
    const limit = args.why.startsWith('limit-');
    draft.edit(agent.name).status = 'failed';
    withdrawQuestions(draft, agent.name);
    endRun(
      draft,
      limit
        ? { status: 'stopped', reason: args.why as `limit-${string}` }
        : { status: 'failed', reason: 'boss-failed' },
    );
    return { counted, leader: null, moved: [], notices: [] };
  }
  wake(draft, leader.name);
  for (const notice of passOn(draft, agent.name, true)) draft.notify(notice);
  close(draft, agent.name, 'failed');
  draft.edit(agent.name).reported = true;
  const moved = handOver(draft, agent, leader);
  return { counted, leader: recipientOf(leader), moved, notices: draft.takeNotices() };
};

export interface CrashedArgs {
  readonly agent: string;
  readonly detail: string;
  /** What it had done; undefined when that cannot be told. */
  readonly counters: AgentCounters | undefined;
  /** The first answer of it that could not be used. */
  readonly repaired?: string | undefined;
}

/**
 * The Boss's actor is gone, and nobody above it hears of that: its crash is counted, and what it had done is kept. The others
 * go on with what they are at; that nobody leads any more is found out when all is quiet.
 */
export const crashed = (
  draft: Draft,
  { agent: name, detail, counters, repaired }: CrashedArgs,
): Record<string, never> => {
  const agent = draft.get(name);
  if (agent.counters !== undefined) return {};
  if (!isClosed(agent)) countRemedy(draft, 'crash', name, detail);
  keepOf(draft, name, { counters, repaired });
  return {};
};

export interface RetireArgs {
  readonly by: string;
  readonly agent: string;
  readonly reason: string;
  /** The shared files as they are; null or absent: nobody could tell. */
  readonly shared?: readonly SharedFile[] | null;
}

export type RetireResult =
  | ToolSuccess<{
      /** Null when it had left before. */
      readonly retired: Recipient | null;
      /** Open items of its checklist. */
      readonly open: readonly string[];
      /** That it wrote, and of its plan those that others wrote. */
      readonly files: readonly string[];
      /** Files of its plan that are not there, or of which nobody knows; absent from what earlier versions have recorded. */
      readonly notWritten?: readonly string[];
      /** Its subordinates, who have a new supervisor now, and that one's name. */
      readonly moved: readonly string[];
      readonly supervisor: string;
      readonly notices: readonly Notice[];
    }>
  | ToolFailure;

const retireRefusal = (draft: Draft, { by, agent: name }: RetireArgs): ToolFailure | null => {
  const agent = draft.find(name);
  const own = draft.get(by).subordinates.filter((member) => isReachable(draft.get(member)));
  const shown = `Your subordinates: ${own.length === 0 ? 'none' : own.slice(0, NAMES_SHOWN_MAX).join(', ')}.`;
  if (agent === undefined) {
    const near = nearNames(name, own);
    const hint = near.length === 0 ? shown : `Did you mean ${near.join(' or ')}?`;
    return fail('NOT_FOUND', `There is no agent called "${name.slice(0, 80)}".`, hint);
  }
  if (name === by) {
    return fail('NOT_ALLOWED', 'You cannot retire yourself.', 'Call terminate when your task is done.');
  }
  if (agent.supervisor === null) return fail('NOT_ALLOWED', 'Nobody retires the Boss.', shown);
  const leader = leaderOf(draft, agent)?.name ?? BOSS;
  if (by !== BOSS && leader !== by) {
    const hint = `Write to ${leader} and say why ${name} should go.`;
    return fail('NOT_ALLOWED', `${name} is not your subordinate.`, hint);
  }
  return null;
};

/** What the next Admin up is told when somebody else has retired an agent of its. */
const goneText = (args: RetireArgs, agent: Readonly<RosterAgent>, moved: readonly string[]): string =>
  [
    `${args.by} has retired it: ${oneLine(args.reason, REASON_CHARS_MAX)}. Its files stay. Give its work to somebody else, or do without.`,
    ...openLines(agent),
    ...(moved.length === 0 ? [] : [`Its subordinates are yours now: ${moved.join(', ')}`]),
  ].join('\n');

const openLines = (agent: Readonly<RosterAgent>): readonly string[] => {
  const open = openItems(agent.checklist);
  return open.length === 0 ? [] : ['It left open:', ...open.slice(0, 20).map(({ id, text }) => `- ${id}: ${text}`)];
};

/** Lets an agent go. Its files stay, its subordinates go to the next Admin up, its unused slots to its hirer. */
export const retire = (draft: Draft, args: RetireArgs): RetireResult => {
  const refusal = retireRefusal(draft, args);
  if (refusal !== null) return refusal;
  const agent = draft.get(args.agent);
  const leader = leaderOf(draft, agent) ?? draft.get(BOSS);
  const open = openItems(agent.checklist).map((item) => `${item.id}: ${item.text}`);
  const { own, byOthers, missing, unknown } = filesOf(agent, sharedFiles(args.shared));
  const files = [...own, ...byOthers.map(({ path }) => path)];
  const answer = { ok: true as const, open, files, notWritten: [...missing, ...unknown], supervisor: leader.name };
  if (!isReachable(agent)) return { ...answer, retired: null, moved: [], notices: [] };
  for (const notice of passOn(draft, agent.name, false)) draft.notify(notice);
  close(draft, agent.name, 'retired');
  const moved = handOver(draft, agent, leader);
  if (leader.name !== args.by && !isClosed(leader)) {
    const mail = systemMail('child-failed', goneText(args, agent, moved), { agent: agent.name });
    draft.notify({ to: recipientOf(leader), mail });
  }
  return { ...answer, retired: recipientOf(agent), moved, notices: draft.takeNotices() };
};
