/**
 * Texts that end a turn: where they go, and which of them wait. Commands over a draft of the roster. What it does not do:
 * decide which text is a comment (`actors/turn.ts`), or send.
 *
 * Invariant F4: such a text reaches whoever is above, or nobody above works any more. One in answer to nothing but such texts
 * goes at once when nobody of the group is at work; else it is kept in the roster, and goes with the next that goes up, at
 * the latest when all is quiet. Quiet moments do that for one agent `nudgesPerAgentMax` times at most: its later ones go at once.
 */
import {
  isAtWork,
  isClosed,
  leaderOf,
  othersAtWork,
  recipientOf,
  type Draft,
  type Notice,
  type Recipient,
  type RosterAgent,
} from './roster-state.ts';

export interface HandbackArgs {
  readonly agent: string;
  /** The text, when it answers nothing but such texts: then it may wait. */
  readonly comment?: string;
}

export interface HandbackResult {
  /** Where the text goes; null when it is kept, or nobody above still works. */
  readonly to: Recipient | null;
  /** Whether others below that one are at work. */
  readonly more: boolean;
  /** What was kept until now, and goes before it. */
  readonly kept?: readonly string[];
}

/** Mail is on its way to it. */
export const wake = (draft: Draft, name: string): void => {
  if (draft.find(name)?.rests === true) draft.edit(name).rests = false;
};

const aboveOf = (draft: Draft, agent: Readonly<RosterAgent>): Readonly<RosterAgent> | null => {
  const leader = agent.status === 'retired' ? null : leaderOf(draft, agent);
  return leader === null || isClosed(leader) ? null : leader;
};

/** Where a mail about an agent goes. */
export const route = (draft: Draft, name: string): HandbackResult => {
  const agent = draft.get(name);
  const leader = aboveOf(draft, agent);
  if (leader === null) return { to: null, more: false };
  wake(draft, leader.name);
  return { to: recipientOf(leader), more: othersAtWork(draft, leader, name) };
};

/** What was kept of an agent's texts; they are kept no more. */
const takeKept = (draft: Draft, name: string): readonly string[] => {
  const kept = draft.get(name).kept ?? [];
  if (kept.length > 0) draft.edit(name).kept = [];
  return kept;
};

/** Whether a comment waits: others are about to say more, there is room for it, and a quiet moment is left for it. */
const waits = (draft: Draft, agent: Readonly<RosterAgent>, comment: string): boolean =>
  (agent.passedOn ?? 0) < draft.meta.limits.nudgesPerAgentMax &&
  agent.subordinates.some((member) => isAtWork(draft.get(member))) &&
  [...(agent.kept ?? []), comment].reduce((chars, text) => chars + text.length, 0) <= draft.meta.limits.messageCharsMax;

/** Who gets the text that an agent ended its turn with. */
export const handback = (draft: Draft, { agent: name, comment }: HandbackArgs): HandbackResult => {
  const before = draft.get(name);
  if (aboveOf(draft, before) === null) return { to: null, more: false };
  if (before.rests !== true) draft.edit(name).rests = true;
  if (comment !== undefined && waits(draft, before, comment)) {
    const kept = before.kept ?? [];
    if (!kept.includes(comment)) draft.edit(name).kept = [...kept, comment];
    return { to: null, more: false };
  }
  const kept = takeKept(draft, name);
  return { ...route(draft, name), ...(kept.length === 0 ? {} : { kept }) };
};

/**
 * The mails with what was kept of an agent's texts.
 * @param withMore something else goes up as well, so that they need not wake anybody
 */
export const passOn = (draft: Draft, name: string, withMore: boolean): readonly Notice[] => {
  const texts = takeKept(draft, name);
  const above = texts.length === 0 ? null : aboveOf(draft, draft.get(name));
  if (above === null) return [];
  const more = withMore ? { more: true } : {};
  return texts.map((text) => ({
    to: recipientOf(above),
    mail: { from: name, kind: null, text, handback: true, ...more },
  }));
};
