/** What others read from the roster: the group of an agent, the summary of a run. Nothing here changes it. */
import type { AgentCounters, BudgetHold } from './agent-state.ts';
import { countItems, type ChecklistCount, type DroppedItem } from './checklist.ts';
import { noChecks, type CheckCounts, type Finding } from './checks.ts';
import { unprovenPaths } from './evidence.ts';
import { groupVerdict } from './final-review.ts';
import type { HumanQuestion } from './questions.ts';
import { questionsOf, tallyOf, type HumanTally } from './roster-questions.ts';
import { activeOf } from './roster-hire.ts';
import type { LookedFile } from './look.ts';
import {
  isClosed,
  leaderOf,
  levelOf,
  type Draft,
  type RemedyExample,
  type RosterAgent,
  type RosterEnd,
  type RosterStatus,
} from './roster-state.ts';
import type { SystemReview } from './system-review.ts';

export interface MemberView {
  readonly name: string;
  readonly level: 'boss' | 'admin' | 'ordinary';
  readonly status: RosterStatus;
  readonly checklist: ChecklistCount;
  readonly description: string;
  /** The budget that it waits for more of. */
  readonly held: BudgetHold | null;
  /** Questions to the person that it waits for. */
  readonly asks: number;
}

export interface GroupView {
  /** Null for the Boss, whose supervisor is the user. */
  readonly supervisor: string | null;
  /** Agents that it and those below it may still hire, drawn-back slots not included. */
  readonly slots: number;
  /** Those of them that it may hire itself: a group has a size. */
  readonly room: number;
  readonly peers: readonly string[];
  readonly subordinates: readonly MemberView[];
}

const memberView = (agent: Readonly<RosterAgent>): MemberView => ({
  name: agent.name,
  level: levelOf(agent),
  status: agent.status,
  checklist: countItems(agent.checklist),
  description: agent.description,
  held: isClosed(agent) ? null : (agent.held ?? null),
  asks: questionsOf(agent).length,
});

export const groupView = (draft: Draft, name: string): GroupView => {
  const agent = draft.get(name);
  const peers = agent.supervisor === null ? [] : draft.get(agent.supervisor).subordinates;
  return {
    supervisor: leaderOf(draft, agent)?.name ?? null,
    slots: agent.slots,
    room: Math.max(0, Math.min(agent.slots, draft.meta.limits.fanOutMax - activeOf(draft, agent))),
    peers: peers.filter((peer) => peer !== name),
    subordinates: agent.subordinates.map((member) => memberView(draft.get(member))),
  };
};

export interface Wanted {
  /** By the plan. */
  readonly planned: readonly string[];
  /** By the evidence of closed items, own files left out. */
  readonly evidence: readonly string[];
  readonly findings: readonly Finding[];
}

export interface RosterRow extends MemberView {
  readonly id: number;
  readonly shard: number;
  readonly depth: number;
  readonly supervisor: string | null;
  readonly woken: boolean;
  readonly verdict: ReturnType<typeof groupVerdict>;
  readonly round: number;
  readonly nudges: number;
  readonly summary: string | null;
  /** Items of its checklist that it left out without closing them. */
  readonly dropped: readonly DroppedItem[];
  readonly questions: readonly HumanQuestion[];
  /** The versions of its files when it handed in last; null when nobody looked. */
  readonly looked: readonly LookedFile[] | null;
  /** Files that somebody counts on, and what the checks found when it handed in last. */
  readonly wanted: Wanted;
  /** Why it was given up; null where that is not known, or it was not. */
  readonly failure: string | null;
  /** Of an agent whose actor is gone; null for one that can be asked itself. */
  readonly counters: AgentCounters | null;
}

export interface RosterSummary {
  readonly agents: number;
  readonly agentsByLevel: { readonly boss: number; readonly admin: number; readonly ordinary: number };
  readonly neverWoken: number;
  readonly nudges: number;
  readonly reviews: { readonly accept: number; readonly revise: number };
  readonly remedies: Readonly<Record<string, number>>;
  /** The first case of each kind of remedy. */
  readonly examples: Readonly<Record<string, RemedyExample>>;
  readonly human: HumanTally;
  readonly quietRounds: number;
  readonly finalReview: 'none' | 'asked' | 'approved';
  readonly systemReviews: readonly SystemReview[];
  /** Null: nothing is checked. */
  readonly checks: CheckCounts | null;
  readonly end: RosterEnd | null;
  readonly goal: string;
  readonly rows: readonly RosterRow[];
}

const emptySummary: RosterSummary = {
  agents: 0,
  agentsByLevel: { boss: 0, admin: 0, ordinary: 0 },
  neverWoken: 0,
  nudges: 0,
  reviews: { accept: 0, revise: 0 },
  remedies: {},
  examples: {},
  human: tallyOf({}),
  quietRounds: 0,
  finalReview: 'none',
  systemReviews: [],
  checks: null,
  end: null,
  goal: '',
  rows: [],
};

/** The Boss's work is judged in the final review: by the Boss itself, which hands in to nobody. */
const verdictOf = ({ meta }: Draft, agent: Readonly<RosterAgent>): RosterRow['verdict'] => {
  if (agent.supervisor !== null || agent.status !== 'finished') return groupVerdict(agent);
  return meta.finalReview === 'approved' ? 'accepted' : 'none';
};

export const summarize = (draft: Draft): RosterSummary => {
  if (!draft.founded) return emptySummary;
  const agents = [...draft.all()];
  const byLevel = { boss: 0, admin: 0, ordinary: 0 };
  for (const agent of agents) byLevel[levelOf(agent)] += 1;
  const { meta } = draft;
  const planned = new Map(meta.plan?.agents.map(({ name, files }) => [name, files]));
  return {
    agents: agents.length,
    agentsByLevel: byLevel,
    neverWoken: agents.filter(({ woken, status }) => !woken && status !== 'retired').length,
    nudges: meta.nudges,
    reviews: { accept: meta.reviewsAccepted, revise: meta.reviewsRevised },
    remedies: meta.remedies,
    examples: meta.examples ?? {},
    human: tallyOf(meta),
    quietRounds: meta.quietRounds,
    finalReview: meta.finalReview,
    systemReviews: meta.systemReviews ?? [],
    checks: meta.checks ?? (meta.checked === true ? noChecks() : null),
    end: meta.end,
    goal: meta.goal,
    rows: agents.map((agent) => ({
      ...memberView(agent),
      id: agent.id,
      shard: agent.shard,
      depth: agent.depth,
      supervisor: agent.supervisor,
      woken: agent.woken,
      verdict: verdictOf(draft, agent),
      round: agent.round,
      nudges: agent.nudges,
      summary: agent.summary,
      dropped: agent.dropped ?? [],
      questions: questionsOf(agent),
      looked: agent.looked ?? null,
      wanted: {
        planned: planned.get(agent.name) ?? [],
        evidence: unprovenPaths(agent.checklist, agent.files),
        findings: agent.checks?.findings ?? [],
      },
      failure: agent.failure ?? null,
      counters: agent.counters ?? null,
    })),
  };
};
