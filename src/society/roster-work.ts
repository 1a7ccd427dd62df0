/**
 * Work: addresses, checklists, review, remedies. Commands over a draft of the roster. What it does not do: take in what is
 * handed in (`roster-hand-in.ts`), or texts that end a turn (`roster-texts.ts`).
 *
 * Invariants: W1 an agent is finished only after an accepted review, or with reviews off. W2 The rounds of a member are
 * bounded.
 */
import type { BudgetHold } from './agent-state.ts';
import { checklistIssue, countItems, droppedItems, openItems, type ChecklistItem } from './checklist.ts';
import { resolveReceivers } from './chat.ts';
import { BOSS } from './names.ts';
import { close, countRemedy, failed } from './roster-leave.ts';
import {
  isClosed,
  leaderOf,
  memberOf,
  othersAtWork,
  recipientOf,
  type Draft,
  type Notice,
  type Recipient,
  type RosterAgent,
  type RosterStatus,
} from './roster-state.ts';
import { onMemberReopened } from './roster-team.ts';
import { passOn, route, wake, type HandbackResult } from './roster-texts.ts';
import { noteReassigned } from './system-review.ts';
import { fail, type ToolFailure, type ToolSuccess } from './tool-result.ts';

export interface ResolveArgs {
  readonly sender: string;
  readonly to: readonly string[];
}

export interface Addressee extends Recipient {
  /** The sender is below it, and so are others who are at work. */
  readonly more: boolean;
}

export type ResolveResult =
  | ToolSuccess<{
      readonly receivers: readonly (readonly Addressee[])[];
      /** Earlier texts of the sender that go to its supervisor as well. */
      readonly notices?: readonly Notice[];
    }>
  | ToolFailure;

/** Addresses for `talk`, all or nothing. Whoever is addressed counts as woken. */
export const resolve = (draft: Draft, args: ResolveArgs): ResolveResult => {
  const sender = draft.get(args.sender);
  const lookup = (name: string) => {
    const agent = draft.find(name);
    return agent === undefined ? undefined : memberOf(agent);
  };
  const resolved = resolveReceivers(memberOf(sender), args.to, lookup);
  if (!resolved.ok) return resolved;
  for (const name of new Set(resolved.receivers.flat())) {
    const agent = draft.get(name);
    if (!agent.woken) draft.edit(name).woken = true;
    wake(draft, name);
    // After the final review the Boss reassigns by writing to somebody by name.
    const byName = args.to.includes(name);
    const reassigned = byName && sender.name === BOSS && draft.meta.finalReview === 'asked';
    if (reassigned && agent.status === 'finished' && agent.round < draft.meta.limits.reviewRoundsMax) {
      reopen(draft, name);
      noteReassigned(draft, name);
    }
  }
  const goesUp = resolved.receivers.some((names) => names.includes(sender.supervisor ?? ''));
  const notices = goesUp ? passOn(draft, sender.name, true) : [];
  return {
    ok: true,
    ...(notices.length === 0 ? {} : { notices }),
    receivers: resolved.receivers.map((names) =>
      names.map((name) => {
        const agent = draft.get(name);
        return { ...recipientOf(agent), more: name === sender.supervisor && othersAtWork(draft, agent, sender.name) };
      }),
    ),
  };
};

const reopen = (draft: Draft, name: string): void => {
  const agent = draft.edit(name);
  agent.status = 'working';
  agent.verdict = null;
  agent.rests = false;
  onMemberReopened(draft, agent);
  // Those above are unfinished again as well, or nobody would review the work.
  let above = agent.supervisor;
  while (above !== null && above !== BOSS) {
    const admin = draft.edit(above);
    if (admin.status === 'finished' || admin.status === 'review') admin.status = 'working';
    above = admin.supervisor;
  }
};

export interface ChecklistArgs {
  readonly agent: string;
  readonly items: readonly ChecklistItem[];
}

export type ChecklistResult =
  | ToolSuccess<{
      readonly open: number;
      readonly closed: number;
      /** Items that this list leaves out and that were not done: its reviewer is told. */
      readonly dropped?: readonly string[];
    }>
  | ToolFailure;

/** Of those that an agent is told it has left out. */
const DROPPED_TOLD_MAX = 10;

/** Nothing that is left out is refused: a model that writes its list anew would never get through with it (X7). */
export const checklist = (draft: Draft, args: ChecklistArgs): ChecklistResult => {
  const issue = checklistIssue(args.items, draft.meta.limits.checklistItemsMax);
  if (issue !== null) return fail('INVALID_ARGUMENTS', `${issue}.`, 'Send the whole list again.');
  const agent = draft.edit(args.agent);
  const ids = openItems(agent.checklist).map(({ id }) => id);
  const dropped = droppedItems(agent, args.items, plannedIds(draft, args.agent));
  if (dropped.length > 0 || agent.dropped !== undefined) agent.dropped = dropped;
  agent.checklist = [...args.items];
  const told = dropped.filter(({ id }) => ids.includes(id)).map(({ id, text }) => `${id}: ${text}`);
  const named = told.length === 0 ? {} : { dropped: told.slice(0, DROPPED_TOLD_MAX) };
  return { ok: true, ...countItems(args.items), ...named };
};

/** The items that the plan gives to `agent`. */
const plannedIds = (draft: Draft, agent: string): ReadonlySet<string> =>
  new Set((draft.meta.plan?.items ?? []).flatMap(({ id, owner }) => (owner === agent ? [id] : [])));

export interface ReviewArgs {
  readonly reviewer: string;
  readonly agent: string;
  readonly verdict: 'accept' | 'revise';
}

export type ReviewResult =
  | ToolSuccess<{
      readonly agent: string;
      readonly status: RosterStatus;
      readonly round: number;
      /** Set when the member is to be told to go on. */
      readonly member: Recipient | null;
      readonly note: string | null;
      readonly notices: readonly Notice[];
    }>
  | ToolFailure;

const mayReview = (draft: Draft, reviewer: string, agent: Readonly<RosterAgent>): boolean =>
  leaderOf(draft, agent)?.name === reviewer || (reviewer === BOSS && agent.name !== BOSS);

const reviewRefusal = (draft: Draft, args: ReviewArgs): ToolFailure | null => {
  const agent = draft.find(args.agent);
  const own = draft.get(args.reviewer).subordinates.slice(0, 12).join(', ');
  if (agent === undefined) {
    return fail('NOT_FOUND', `There is no agent called "${args.agent.slice(0, 80)}".`, `Your subordinates: ${own}.`);
  }
  if (agent.name === args.reviewer) {
    return fail('NOT_ALLOWED', 'You cannot review your own work.', 'Call terminate when your task is done.');
  }
  if (!mayReview(draft, args.reviewer, agent)) {
    const leader = leaderOf(draft, agent)?.name ?? BOSS;
    return fail('NOT_ALLOWED', `${agent.name} is not your subordinate.`, `${leader} reviews its work.`);
  }
  if (agent.status === 'working') {
    return fail(
      'NOT_ALLOWED',
      `${agent.name} has not said that it is finished.`,
      `Write to ${agent.name} with talk, or wait for its [review].`,
    );
  }
  if (agent.status === 'failed' || agent.status === 'retired') {
    return fail('NOT_ALLOWED', `${agent.name} no longer works here.`, 'Give its work to somebody else.');
  }
  return null;
};

export const review = (draft: Draft, args: ReviewArgs): ReviewResult => {
  const refusal = reviewRefusal(draft, args);
  if (refusal !== null) return refusal;
  const agent = draft.edit(args.agent);
  const meta = draft.editMeta();
  const answer = (member: Recipient | null, note: string | null): ReviewResult => ({
    ok: true,
    agent: agent.name,
    status: agent.status,
    round: agent.round,
    member,
    note,
    notices: draft.takeNotices(),
  });
  if (args.verdict === 'accept') {
    if (agent.status === 'finished') return answer(null, 'It was accepted before.');
    agent.verdict = 'accepted';
    close(draft, agent.name, 'finished');
    meta.reviewsAccepted += 1;
    return answer(null, null);
  }
  if (agent.round >= meta.limits.reviewRoundsMax) {
    agent.verdict = 'reservation';
    if (agent.status === 'review') close(draft, agent.name, 'finished');
    return answer(null, `That was round ${agent.round}, the last one: its work is kept, with your reservation.`);
  }
  meta.reviewsRevised += 1;
  reopen(draft, agent.name);
  if (args.reviewer === BOSS) noteReassigned(draft, agent.name);
  return answer(recipientOf(agent), null);
};

export interface RemedyArgs {
  readonly agent: string;
  readonly why: 'unfinished' | 'repetition' | 'format' | 'refusal' | 'silence';
  /** What was noticed, for the report. */
  readonly detail?: string;
}

export interface RemedyResult extends Omit<HandbackResult, 'kept'> {
  /** Its supervisor was told often enough: the agent does not act any more. */
  readonly letGo?: boolean;
  readonly notices?: readonly Notice[];
}

/** Counts a remedy and says who decides. */
export const remedy = (draft: Draft, args: RemedyArgs): RemedyResult => {
  const { agent: name, why, detail = '' } = args;
  countRemedy(draft, why, name, detail);
  const isStuck = why === 'format' || why === 'repetition';
  if (!isStuck) return route(draft, name);
  const agent = draft.edit(name);
  agent.stuckReports = (agent.stuckReports ?? 0) + 1;
  const isLast = agent.stuckReports > draft.meta.limits.stuckReportsPerAgentMax;
  // Nobody is above the Boss, whose turns and final reviews are limited.
  if (!isLast || agent.supervisor === null || isClosed(agent)) return route(draft, name);
  const { leader, notices } = failed(draft, { agent: name, why: 'given-up', detail });
  const above = leader === null ? undefined : draft.find(leader.name);
  return { to: above === undefined || isClosed(above) ? null : leader, more: false, letGo: true, notices };
};

export interface HoldArgs {
  readonly agent: string;
  readonly hold: BudgetHold;
}

/** An agent waits for more of a budget; quiet moments leave it alone. */
export const hold = (draft: Draft, args: HoldArgs): Record<string, never> => {
  draft.edit(args.agent).held = args.hold;
  return {};
};

export interface UnholdArgs {
  readonly agents: readonly string[];
}

/** These were told to go on, or go on by themselves. Changes nothing of those that do not wait. */
export const unhold = (draft: Draft, args: UnholdArgs): Record<string, never> => {
  for (const name of args.agents) if ((draft.find(name)?.held ?? null) !== null) draft.edit(name).held = null;
  return {};
};

export interface WokenArgs {
  readonly names: readonly string[];
}

/** Mail went to these agents by another way than `talk`. */
export const woken = (draft: Draft, args: WokenArgs): { readonly known: readonly Recipient[] } => {
  const known: Recipient[] = [];
  for (const name of args.names) {
    const agent = draft.find(name);
    if (agent === undefined) continue;
    if (!agent.woken) draft.edit(name).woken = true;
    wake(draft, name);
    known.push(recipientOf(agent));
  }
  return { known };
};
