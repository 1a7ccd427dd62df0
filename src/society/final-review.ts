/**
 * The final review: what the Boss gets to see of the groups' verdicts, in chunks that fit a mail, and of the contents of
 * files. It draws and reads no files itself.
 *
 * Invariant X1: whoever is not simply accepted comes first; however large the society is, the rows and what they say of
 * summaries are bounded, and what has no row is counted.
 */
import { filesOf, type SharedFiles } from './agent-files.ts';
import { countItems, renderDropped } from './checklist.ts';
import { clip, oneLine } from './mail.ts';
import { BOSS } from './names.ts';
import type { RosterAgent, Verdict } from './roster-state.ts';

const ROWS_PER_CHUNK = 150;
const SUMMARY_CHARS_MAX = 300;
/** Of all summaries together: in a large society each gets less. */
const SUMMARIES_CHARS_MAX = 45_000;
/** A shorter one says nothing. */
const SUMMARY_CHARS_MIN = 40;
/** Rows in all. */
const ROWS_MAX = 450;
/** Paths of one kind of one agent. */
const FILES_SHOWN_MAX = 5;
/** Of one file. */
const SAMPLE_CHARS_MAX = 1_500;

/** What became of an agent's work in its group, in one word. */
export const groupVerdict = (agent: Readonly<RosterAgent>): Verdict | 'unfinished' | 'failed' | 'retired' => {
  if (agent.status === 'failed') return 'failed';
  if (agent.verdict !== null) return agent.verdict;
  return agent.status === 'retired' ? 'retired' : 'unfinished';
};

const isException = (agent: Readonly<RosterAgent>): boolean =>
  groupVerdict(agent) !== 'accepted' || (agent.missing ?? []).length > 0;

/** How many of a group were accepted, of how many. */
type Groups = ReadonlyMap<string, { readonly members: number; readonly accepted: number }>;

const groupsOf = (agents: readonly Readonly<RosterAgent>[]): Groups => {
  const groups = new Map<string, { members: number; accepted: number }>();
  for (const agent of agents) {
    if (agent.supervisor === null) continue;
    let group = groups.get(agent.supervisor);
    if (group === undefined) groups.set(agent.supervisor, (group = { members: 0, accepted: 0 }));
    group.members += 1;
    if (groupVerdict(agent) === 'accepted') group.accepted += 1;
  }
  return groups;
};

const row = (agent: Readonly<RosterAgent>, groups: Groups, summaryMax: number, shared: SharedFiles | null): string => {
  const { open, closed } = countItems(agent.checklist);
  const items = open + closed === 0 ? '' : `, checklist ${closed}/${open + closed}`;
  const dropped = (agent.dropped ?? []).length;
  const left = dropped === 0 ? '' : `, ${dropped} items dropped without being done`;
  const led = groups.get(agent.name);
  const group = led === undefined ? '' : `, group ${led.accepted}/${led.members} accepted`;
  const { own, missing, unknown } = filesOf(agent, shared);
  const files = [
    ...(own.length === 0 ? [] : [`, files ${own.slice(0, FILES_SHOWN_MAX).join(' ')}`]),
    ...(unknown.length === 0 ? [] : [`, planned and not handed in: ${unknown.slice(0, FILES_SHOWN_MAX).join(' ')}`]),
  ].join('');
  const shown = missing.slice(0, FILES_SHOWN_MAX).join(' ');
  const unproven = missing.length === 0 ? '' : `, planned or named as evidence and NOT THERE: ${shown}`;
  const said = agent.summary === null || summaryMax < SUMMARY_CHARS_MIN ? null : oneLine(agent.summary, summaryMax);
  const summary = said === null ? '' : `: ${said}`;
  return `- ${agent.name} (under ${agent.supervisor ?? 'nobody'}): ${groupVerdict(agent)}${group}${items}${left}${files}${unproven}${summary}`;
};

/** A file that was drawn to be looked at. */
export interface SampledFile {
  readonly path: string;
  readonly author: string;
  readonly content: string;
}

export interface FileSample {
  /** Files there are; null when nobody could tell. */
  readonly total: number | null;
  readonly files: readonly SampledFile[];
}

/** The contents as a part of the final review. */
export const renderSample = ({ total, files }: FileSample): string => {
  if (total === null) return 'The shared files could not be looked at; read those that matter yourself.';
  if (files.length === 0) return 'There are no shared files.';
  const head = `Contents of ${files.length} of ${total} files, drawn by lot; read others with read_file.`;
  const shown = files.map(({ path, author, content }) => `--- ${path} (${author})\n${clip(content, SAMPLE_CHARS_MAX)}`);
  return [head, ...shown].join('\n');
};

/** Everybody in one line: how many there are, and what became of their work. */
const total = (agents: readonly Readonly<RosterAgent>[]): string => {
  const counts = new Map<string, number>();
  for (const agent of agents) counts.set(groupVerdict(agent), (counts.get(groupVerdict(agent)) ?? 0) + 1);
  const parts = [...counts].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return `${agents.length} agents: ${parts.map(([verdict, count]) => `${count} ${verdict}`).join(', ')}.`;
};

interface Shown {
  readonly rows: readonly string[];
  /** What has no row. */
  readonly rest: readonly string[];
}

const select = (agents: readonly Readonly<RosterAgent>[], shared: SharedFiles | null): Shown => {
  const groups = groupsOf(agents);
  const exceptions = agents.filter(isException);
  const accepted = agents.filter((agent) => !isException(agent));
  const leads = accepted.filter(({ name, supervisor }) => supervisor === BOSS || groups.has(name));
  const shown = [...exceptions, ...leads].slice(0, ROWS_MAX);
  const summaryMax = Math.min(SUMMARY_CHARS_MAX, Math.floor(SUMMARIES_CHARS_MAX / Math.max(1, shown.length)));
  const members = accepted.length - leads.length;
  const exceptionsLeft = Math.max(0, exceptions.length - ROWS_MAX);
  const others = exceptions.length + leads.length - shown.length - exceptionsLeft;
  return {
    rows: shown.map((agent) => row(agent, groups, summaryMax, shared)),
    rest: [
      ...(exceptionsLeft === 0 ? [] : [`${exceptionsLeft} more were not simply accepted.`]),
      ...(others === 0 ? [] : [`${others} more Admins, and others directly under the Boss, were accepted.`]),
      ...(members === 0 ? [] : [`${members} members of groups were accepted by their Admins and are not listed.`]),
    ],
  };
};

const DONE = {
  reviewed:
    'All work is done and reviewed in the groups. Approve the result with terminate, or reassign with review (verdict revise) or talk.',
  unreviewed:
    'All work is done, and nobody has reviewed it. Approve the result with terminate, or give work back with talk.',
} as const;

/**
 * One text per mail. Whoever is not simply accepted first, then Admins and those under the Boss; everybody else was accepted
 * and is counted.
 * @param reviews false: they are off
 * @param shared the shared files as they are; null: nobody could tell
 */
export const renderVerdicts = (
  all: readonly Readonly<RosterAgent>[],
  reviews = true,
  shared: SharedFiles | null = null,
): readonly string[] => {
  const agents = all.filter((agent) => agent.name !== BOSS);
  const { rows, rest } = select(agents, shared);
  // Nobody reviews the Boss but the Boss.
  const own = renderDropped(all.find(({ name }) => name === BOSS)?.dropped).map(
    (line) => `Of your own checklist: ${line}`,
  );
  const parts = Math.max(1, Math.ceil(rows.length / ROWS_PER_CHUNK));
  return Array.from({ length: parts }, (_, index) => {
    const head = index === 0 ? DONE[reviews ? 'reviewed' : 'unreviewed'] : 'Verdicts of the groups, continued.';
    const part = rows.slice(index * ROWS_PER_CHUNK, (index + 1) * ROWS_PER_CHUNK);
    return [
      parts === 1 ? head : `${head} Part ${index + 1} of ${parts}.`,
      ...(agents.length === 0 ? ['Nobody was hired.'] : index === 0 ? [total(agents)] : []),
      ...part,
      ...(index === parts - 1 ? [...rest, ...own] : []),
    ].join('\n');
  });
};
