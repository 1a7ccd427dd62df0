/**
 * Teams: agents of one kind for work that can be divided by data, one for each item, and what they came to in one place.
 * Commands over a draft of the roster. What it does not do: hire (`roster-hire.ts`) or review.
 *
 * Invariants: T1 A team is hired whole or not at all, within the same limits as everybody else. T2 When every member is
 * closed the hirer, or who leads in its place, is told once what all of them came to; a member that has to go on makes
 * that due again. T3 What it is told is bounded, whatever the size of the team. T4 A team is called what its
 * members are called, so that no two are told of by one name.
 */
import { groupVerdict } from './final-review.ts';
import { oneLine, systemMail } from './mail.ts';
import { BOSS, NAME_LENGTH_MAX, nameIssue } from './names.ts';
import { hire, limitFailure, roomFor, type Hired } from './roster-hire.ts';
import { isClosed, leaderOf, recipientOf, type Draft, type RosterAgent, type Team } from './roster-state.ts';
import { fail, type ToolFailure, type ToolSuccess } from './tool-result.ts';

const ITEM_CHARS_MAX = 200;
/** Of the list of what a team came to. */
const ROWS_MAX = 200;
const LIST_CHARS_MAX = 16_000;
const ROW_CHARS_MAX = 400;
const FILES_SHOWN_MAX = 5;

export interface TeamArgs {
  readonly hirer: string;
  readonly name: string;
  readonly description: string;
  readonly initialPrompt: string;
  readonly items: readonly string[];
}

export type TeamResult = ToolSuccess<{ readonly team: string; readonly members: readonly Hired[] }> | ToolFailure;

/** The item of a member as its task says it. @param index from 0 */
export const itemOfTeam = (item: string, index: number, size: number): string =>
  `Your item, ${index + 1} of ${size}: ${item}`;

const memberNames = (base: string, size: number): readonly string[] =>
  Array.from({ length: size }, (_, index) => `${base}_${index + 1}`);

/**
 * The team as `NAME` with `NAME_1…`, or as `HIRER-NAME` when one of those is taken; null when that does not help. What it is
 * called, its members are: two teams are never told of by one name.
 */
const freeNames = (
  draft: Draft,
  hirer: string,
  args: TeamArgs,
): { readonly base: string; readonly names: readonly string[] } | null => {
  for (const base of [args.name, `${hirer}-${args.name}`]) {
    const names = memberNames(base, args.items.length);
    const fit = names.every((name) => name.length <= NAME_LENGTH_MAX && draft.find(name) === undefined);
    if (fit) return { base, names };
  }
  return null;
};

const teamRefusal = (draft: Draft, hirer: Readonly<RosterAgent>, args: TeamArgs): ToolFailure | null => {
  const refused = limitFailure(draft, hirer);
  if (refused !== null) return refused;
  const issue = nameIssue(args.name);
  if (issue !== null) return fail('INVALID_ARGUMENTS', `${issue}.`, 'Choose another name.');
  const size = args.items.length;
  if (size === 0) return fail('INVALID_ARGUMENTS', 'A team needs items.', 'Send one item for each member.');
  const remaining = roomFor(draft, hirer);
  if (size <= remaining) return null;
  return fail(
    'LIMIT',
    `You may hire ${remaining} more agents, and there are ${size} items. Nobody was hired.`,
    remaining === 0
      ? 'Do the work yourself, or give it to agents you already have.'
      : `Put several things into one item, so that there are at most ${remaining}.`,
    { remaining },
  );
};

/** One agent for each item, all of them or none; all are at work at once. */
export const team = (draft: Draft, args: TeamArgs): TeamResult => {
  const hirer = draft.get(args.hirer);
  const refused = teamRefusal(draft, hirer, args);
  if (refused !== null) return refused;
  const size = args.items.length;
  const free = freeNames(draft, hirer.name, args);
  if (free === null) {
    return fail('NAME_TAKEN', `"${args.name}_1" and the like are taken, or too long.`, 'Choose another name.');
  }
  const { base, names } = free;
  const results = hire(draft, {
    hirer: hirer.name,
    recruits: args.items.map((item, index) => ({
      name: names[index] ?? '',
      description: `${args.description} (${oneLine(item, 80)})`,
      // First, so that it is not cut off from what a review shows of a long task.
      initialPrompt: `${itemOfTeam(item, index, size)}\n${args.initialPrompt}`,
      woken: true,
    })),
  });
  const members = results.flatMap((result) => (result.ok ? [result] : []));
  if (members.length !== size) throw new Error('the room for a team was counted wrongly');
  for (const [index, { name }] of members.entries()) {
    const item = oneLine(args.items[index] ?? '', ITEM_CHARS_MAX);
    draft.edit(name).team = { hirer: hirer.name, name: base, item };
  }
  const row = draft.edit(hirer.name);
  row.teams = [...(row.teams ?? []), { name: base, members: names, collected: false }];
  return { ok: true, team: base, members };
};

/** What became of a member, in one word. */
const outcomeOf = (agent: Readonly<RosterAgent>): string => groupVerdict(agent);

const rowOf = (agent: Readonly<RosterAgent>, charsMax: number): string => {
  const files = agent.files.slice(0, FILES_SHOWN_MAX).join(' ');
  const more = agent.files.length - FILES_SHOWN_MAX;
  const parts = [
    `${agent.name} (${oneLine(agent.team?.item ?? '', 60)}): ${outcomeOf(agent)}`,
    ...(files === '' ? [] : [`files ${files}${more > 0 ? ` and ${more} more` : ''}`]),
    ...(agent.summary === null ? [] : [oneLine(agent.summary)]),
  ];
  return `- ${oneLine(parts.join('; '), charsMax)}`;
};

/** What a team came to, those first whose work was not simply accepted. */
export const renderTeam = (name: string, members: readonly Readonly<RosterAgent>[]): string => {
  const charsMax = Math.max(60, Math.min(ROW_CHARS_MAX, Math.floor(LIST_CHARS_MAX / members.length)));
  const simple = (agent: Readonly<RosterAgent>): number => (outcomeOf(agent) === 'accepted' ? 1 : 0);
  const sorted = members.toSorted((left, right) => simple(left) - simple(right));
  const left = sorted.length - ROWS_MAX;
  return [
    `Everybody of the team ${name} is through. Bring the results together:`,
    ...sorted.slice(0, ROWS_MAX).map((agent) => rowOf(agent, charsMax)),
    ...(left > 0 ? [`- and ${left} more, all accepted or as those before; list_files has their files`] : []),
  ].join('\n');
};

/** The nearest of `agent` and those above it whose part is not closed. */
const stillLeading = (draft: Draft, agent: Readonly<RosterAgent>): Readonly<RosterAgent> => {
  let next: Readonly<RosterAgent> | null = agent;
  while (next !== null && next.name !== BOSS && isClosed(next)) next = leaderOf(draft, next);
  return next ?? draft.get(BOSS);
};

/** Those that the roster still has: a repaired one may have lost some. */
const membersOf = (draft: Draft, { members }: Team): readonly Readonly<RosterAgent>[] =>
  members.flatMap((name) => draft.find(name) ?? []);

const editTeam = (draft: Draft, agent: Readonly<RosterAgent>, collected: boolean): Team | null => {
  const hirer = agent.team === undefined ? undefined : draft.find(agent.team.hirer);
  const known = hirer?.teams?.find((candidate) => candidate.members.includes(agent.name));
  if (hirer === undefined || known === undefined || known.collected === collected) return null;
  if (collected && !membersOf(draft, known).every(isClosed)) return null;
  const changed = { ...known, collected };
  const row = draft.edit(hirer.name);
  row.teams = (row.teams ?? []).map((candidate) => (candidate === known ? changed : candidate));
  return changed;
};

/** To be called when `agent` has closed: its team may be complete with it. */
export const onMemberClosed = (draft: Draft, agent: Readonly<RosterAgent>): void => {
  if (agent.team === undefined) return;
  const complete = editTeam(draft, agent, true);
  if (complete === null) return;
  const members = membersOf(draft, complete);
  const accepted = members.filter((member) => outcomeOf(member) === 'accepted').length;
  const attributes = { team: complete.name, members: members.length, accepted };
  const to = recipientOf(stillLeading(draft, draft.get(agent.team.hirer)));
  draft.notify({ to, mail: systemMail('hired', renderTeam(complete.name, members), attributes) });
};

/** To be called when `agent` has to go on: what its team came to is told again when it is through. */
export const onMemberReopened = (draft: Draft, agent: Readonly<RosterAgent>): void => {
  editTeam(draft, agent, false);
};
