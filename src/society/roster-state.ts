/**
 * The roster's data: one record per agent and one for the whole, and a draft through which commands change it. What it
 * does not do: rules (`roster-*.ts`) or storage (`roster.ts`).
 *
 * Invariant R1: a draft never changes the state it was made from; its changes are whole records.
 */
import type { AgentCounters, BudgetHold } from './agent-state.ts';
import type { ChecklistItem, DroppedItem } from './checklist.ts';
import type { CheckCounts, CheckResult } from './checks.ts';
import type { Member } from './chat.ts';
import type { ProgramRun } from './evidence.ts';
import type { Limits } from './limits.ts';
import type { LookedFile } from './look.ts';
import { BOSS } from './names.ts';
import type { AgentMail } from './mail.ts';
import type { Plan } from './plan.ts';
import type { HumanQuestion } from './questions.ts';
import type { HumanTally } from './roster-questions.ts';
import type { SystemReview } from './system-review.ts';
import { fail, type ToolFailure } from './tool-result.ts';

/**
 * `working`: not yet terminated. `review`: terminated, the review is due. `finished`: accepted, or reviews are off.
 * `failed`: given up. `retired`: let go.
 */
export type RosterStatus = 'working' | 'review' | 'finished' | 'failed' | 'retired';

/** `accepted`: by its supervisor. `reservation`: the rounds ran out, or nobody reviewed it. `none`: reviews are off. */
export type Verdict = 'accepted' | 'reservation' | 'none';

export interface RosterAgent {
  name: string;
  id: number;
  shard: number;
  depth: number;
  supervisor: string | null;
  subordinates: string[];
  description: string;
  /** The task, clipped: what a review is judged against. */
  task: string;
  /** How many agents it may still hire, those below it included. */
  slots: number;
  /** Slots set by the plan are not redivided. */
  fixedSlots: boolean;
  /** Had slots when it was hired. */
  mayHire: boolean;
  status: RosterStatus;
  /** Mail was addressed to it. */
  woken: boolean;
  checklist: ChecklistItem[];
  /** Items that it left out of its list without closing them. */
  dropped?: readonly DroppedItem[];
  summary: string | null;
  /** The review round: 0 before the first `terminate`. */
  round: number;
  verdict: Verdict | null;
  nudges: number;
  /** Reminders for the review of this round. */
  reviewAsks: number;
  /** It waits for more of a budget. */
  held?: BudgetHold | null;
  /** What it has asked the person. */
  questions?: readonly HumanQuestion[];
  /** Why it was given up, clipped. */
  failure?: string;
  /** Led a group until it left. */
  led?: boolean;
  /** Programs that it ran, and files that it named as evidence, or was to write, and that are not there, when it handed in. */
  programs?: readonly ProgramRun[];
  missing?: readonly string[];
  /** The versions that its files had then, and what the checks found. */
  looked?: readonly LookedFile[];
  checks?: CheckResult;
  /** Hired with a team, for one of its items. */
  team?: TeamPlace;
  /** Teams that it hired. */
  teams?: Team[];
  /** What it had done when it crashed for good: nobody can ask it any more. */
  counters?: AgentCounters;
  /** How often its supervisor was told that it repeats itself or cannot be understood. */
  stuckReports?: number;
  /** It ended its last turn with a text, and no mail is on its way to it. */
  rests?: boolean;
  /** Texts of it that go up later (F4). */
  kept?: readonly string[];
  /** How many quiet moments had to see to that. */
  passedOn?: number;
  /** Its supervisor was told that it did not finish. */
  reported: boolean;
  /** Files that it handed in. */
  files: string[];
  /** Files that its plan gives it. */
  planned?: readonly string[];
}

/** What a member of a team has to do with it. */
export interface TeamPlace {
  /** Who hired the team, and its name. */
  readonly hirer: string;
  readonly name: string;
  /** Its item, on one line, clipped. */
  readonly item: string;
}

/** Agents of one kind, hired together, one for each item. */
export interface Team {
  readonly name: string;
  readonly members: readonly string[];
  /** Its hirer was told what all of them came to. */
  readonly collected: boolean;
}

export type EndStatus = 'completed' | 'failed' | 'stopped';

export interface RosterEnd {
  readonly status: EndStatus;
  readonly reason: 'done' | 'boss-failed' | `limit-${string}`;
}

/** One case of a remedy, for the report. */
export interface RemedyExample {
  readonly agent: string;
  /** What was noticed, clipped. */
  readonly what: string;
}

/** A remedy that was counted. */
export interface Remedied {
  readonly why: string;
  readonly agent: string;
}

export interface RosterMeta {
  shards: number;
  /** False when reviews are off. */
  reviews: boolean;
  limits: Limits;
  goal: string;
  plan: Plan | null;
  /** Ids handed out. */
  idCount: number;
  finalReview: 'none' | 'asked' | 'approved';
  finalReviews: number;
  nudges: number;
  reviewsAccepted: number;
  reviewsRevised: number;
  /** What is handed in is checked before it is reviewed. */
  checked?: boolean;
  checks?: CheckCounts;
  systemReviews?: readonly SystemReview[];
  remedies: Record<string, number>;
  /** The first case of each kind of remedy. */
  examples?: Record<string, RemedyExample>;
  /** Questions to the person. */
  human?: HumanTally;
  quietRounds: number;
  /** Mails of quiet moments so far: the number of the last one. */
  quietMails: number;
  end: RosterEnd | null;
}

/** A mail that a command causes: whoever gave the command sends it. */
export interface Notice {
  readonly to: Recipient;
  readonly mail: AgentMail;
}

export interface QuietResult {
  readonly mails: readonly Notice[];
  /** Set when the run is over; then there are no mails. */
  readonly end: RosterEnd | null;
  /** Set when nobody can go on without more of a budget: what of. Then there are no mails, and the run pauses. */
  readonly pause?: BudgetHold | undefined;
  /** Set when nobody can go on before a person has answered: how many questions are open. Then there are no mails. */
  readonly questions?: number | undefined;
  /** Counts quiet moments of the run. */
  readonly round: number;
}

export interface RosterState {
  readonly meta: RosterMeta | null;
  readonly agents: ReadonlyMap<string, RosterAgent>;
  /** What the last quiet moment led to: given out again after a crash, since its mail may not have left. */
  readonly lastQuiet: QuietResult | null;
}

export const emptyRoster = (): RosterState => ({ meta: null, agents: new Map(), lastQuiet: null });

export const META_KEY = 'meta';
export const QUIET_KEY = 'quiet';
export const AGENT_PREFIX = 'agent/';

export type RosterChange =
  | { readonly key: typeof META_KEY; readonly value: RosterMeta }
  | { readonly key: typeof QUIET_KEY; readonly value: QuietResult }
  | { readonly key: `agent/${string}`; readonly value: RosterAgent };

/** Puts changes into the state in place: for the one owner of a state. */
export const fold = (state: RosterState, changes: readonly RosterChange[]): RosterState => {
  let { meta, lastQuiet } = state;
  const agents = state.agents as Map<string, RosterAgent>;
  for (const change of changes) {
    if (change.key === META_KEY) meta = change.value;
    else if (change.key === QUIET_KEY) lastQuiet = change.value;
    else agents.set(change.key.slice(AGENT_PREFIX.length), change.value);
  }
  return { meta, agents, lastQuiet };
};

export const isClosed = (agent: RosterAgent): boolean =>
  agent.status === 'finished' || agent.status === 'failed' || agent.status === 'retired';

/** Reads from a state and collects copies of what is changed. */
export class Draft {
  readonly #state: RosterState;
  readonly #agents = new Map<string, RosterAgent>();
  #meta: RosterMeta | null = null;
  #quiet: QuietResult | null = null;
  #notices: Notice[] = [];
  readonly #remedied: Remedied[] = [];

  constructor(state: RosterState) {
    this.#state = state;
  }

  get founded(): boolean {
    return this.#meta !== null || this.#state.meta !== null;
  }

  /** For reading only. @throws when the roster was not founded */
  get meta(): Readonly<RosterMeta> {
    const meta = this.#meta ?? this.#state.meta;
    if (meta === null) throw new Error('the roster has not been founded');
    return meta;
  }

  editMeta(): RosterMeta {
    this.#meta ??= { ...this.meta, remedies: { ...this.meta.remedies } };
    return this.#meta;
  }

  found(meta: RosterMeta): void {
    this.#meta = meta;
  }

  notify(notice: Notice): void {
    this.#notices.push(notice);
  }

  /** What is to be sent because of this command; each is handed out once. */
  takeNotices(): readonly Notice[] {
    const notices = this.#notices;
    this.#notices = [];
    return notices;
  }

  noteRemedy(remedied: Remedied): void {
    this.#remedied.push(remedied);
  }

  /** The remedies that this command has counted. */
  get remedied(): readonly Remedied[] {
    return this.#remedied;
  }

  keepQuiet(result: QuietResult): void {
    this.#quiet = result;
  }

  /** For reading only. */
  find(name: string): Readonly<RosterAgent> | undefined {
    return this.#agents.get(name) ?? this.#state.agents.get(name);
  }

  /** @throws when there is none: for names that the roster itself keeps. */
  get(name: string): Readonly<RosterAgent> {
    const agent = this.find(name);
    if (agent === undefined) throw new Error(`the roster has no agent "${name}"`);
    return agent;
  }

  edit(name: string): RosterAgent {
    const edited = this.#agents.get(name);
    if (edited !== undefined) return edited;
    const agent = this.get(name);
    const copy: RosterAgent = {
      ...agent,
      subordinates: [...agent.subordinates],
      checklist: [...agent.checklist],
      files: [...agent.files],
    };
    this.#agents.set(name, copy);
    return copy;
  }

  add(agent: RosterAgent): void {
    this.#agents.set(agent.name, agent);
  }

  *all(): Iterable<Readonly<RosterAgent>> {
    for (const [name, agent] of this.#state.agents) yield this.#agents.get(name) ?? agent;
    for (const [name, agent] of this.#agents) if (!this.#state.agents.has(name)) yield agent;
  }

  changes(): RosterChange[] {
    const changes: RosterChange[] = [...this.#agents].map(([name, value]) => ({
      key: `${AGENT_PREFIX}${name}` as const,
      value,
    }));
    if (this.#meta !== null) changes.push({ key: META_KEY, value: this.#meta });
    if (this.#quiet !== null) changes.push({ key: QUIET_KEY, value: this.#quiet });
    return changes;
  }
}

export const memberOf = (agent: Readonly<RosterAgent>): Member => ({
  name: agent.name,
  supervisor: agent.supervisor,
  subordinates: agent.subordinates,
  admin: agent.subordinates.length > 0,
  reachable: isReachable(agent),
});

/** Subordinates that have neither finished nor been let go. */
export const unfinished = (draft: Draft, agent: Readonly<RosterAgent>): readonly string[] =>
  agent.subordinates.filter((name) => !isClosed(draft.get(name)));

/** Whether anybody below `leader` is at work, `agent` left out: then more may be on its way to the leader. */
export const othersAtWork = (draft: Draft, leader: Readonly<RosterAgent>, agent: string): boolean =>
  // Who finishes is mostly who was hired first.
  leader.subordinates.findLast((name) => name !== agent && isAtWork(draft.get(name))) !== undefined;

/** Whether it has something to do, as far as the roster knows. */
export const isAtWork = ({ status, woken, held, rests }: Readonly<RosterAgent>): boolean =>
  status === 'working' && woken && rests !== true && (held ?? null) === null;

/** Where mail for an agent goes. */
export interface Recipient {
  readonly name: string;
  readonly shard: number;
  readonly id: number;
}

export const recipientOf = (agent: Readonly<RosterAgent>): Recipient => ({
  name: agent.name,
  shard: agent.shard,
  id: agent.id,
});

/** Whether it still acts and can be written to. */
export const isReachable = (agent: Readonly<RosterAgent>): boolean =>
  agent.status !== 'failed' && agent.status !== 'retired';

/** The nearest agent above that can still act; the Boss when nobody else can. Null for the Boss. */
export const leaderOf = (draft: Draft, agent: Readonly<RosterAgent>): Readonly<RosterAgent> | null => {
  let name = agent.supervisor;
  while (name !== null) {
    const above = draft.get(name);
    if (above.name === BOSS || isReachable(above)) return above;
    name = above.supervisor;
  }
  return null;
};

export const levelOf = (agent: Readonly<RosterAgent>): 'boss' | 'admin' | 'ordinary' => {
  if (agent.supervisor === null) return 'boss';
  return agent.subordinates.length > 0 || agent.led === true ? 'admin' : 'ordinary';
};

/** What a retired agent gets to hear of whatever it still tries; null for everybody else. */
export const retiredRefusal = (draft: Draft, name: string): ToolFailure | null => {
  const agent = draft.find(name);
  if (agent?.status !== 'retired') return null;
  const leader = leaderOf(draft, agent)?.name ?? BOSS;
  return fail('NOT_ALLOWED', 'You no longer work here: you were retired.', `${leader} answers for your work now.`, {
    retired: true,
  });
};
